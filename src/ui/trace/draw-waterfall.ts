// One frame of the waterfall: background, axis, bars, critical path, labels; only the rows in view.

import { drawAxis } from './draw-axis.ts';
import { drawBars } from './draw-bars.ts';
import { drawLabels } from './draw-labels.ts';
import { drawPath, drawPathLinks } from './draw-path.ts';
import { drawPauses, type PauseFills } from './draw-pauses.ts';
import { type Geometry, rowsInView, rowTop, timeScale } from './geometry.ts';
import type { TraceModel } from './model.ts';
import type { Theme } from './theme.ts';

export interface Look {
  readonly geometry: Geometry;
  readonly theme: Theme;
  readonly pauses: PauseFills;
  readonly scrollTop: number;
  /** Row under the pointer; -1 = none. */
  readonly hovered: number;
  /** Stretch of the axis being chosen by dragging, pixels. */
  readonly brush: readonly [number, number] | undefined;
}

/** Draws the frame and says which rows it drew, [first, after the last]. */
export function drawWaterfall(pen: CanvasRenderingContext2D, model: TraceModel, look: Look): [number, number] {
  const { geometry, theme, scrollTop } = look;
  const { width, height, axisHeight, rowHeight } = geometry;
  const rows = model.rows.value;
  const [first, last] = rowsInView(geometry, rows.length, scrollTop);
  const x = timeScale(geometry, model.window.value);
  const top = (row: number) => rowTop(geometry, row, scrollTop);

  pen.fillStyle = theme.surface;
  pen.fillRect(0, 0, width, height);
  const selected = model.selected.value;
  const selectedRow = selected < 0 ? -1 : model.rowOf.value[selected];
  for (const [row, alpha] of [
    [look.hovered, 1],
    [selectedRow, 1],
  ] as const) {
    if (row < first || row >= last) continue;
    pen.globalAlpha = alpha;
    pen.fillStyle = theme.hover;
    pen.fillRect(0, top(row), width, rowHeight);
    pen.globalAlpha = 1;
  }
  if (selectedRow >= first && selectedRow < last) {
    pen.fillStyle = theme.accent;
    pen.fillRect(0, top(selectedRow), 3, rowHeight);
  }

  pen.save();
  pen.beginPath();
  pen.rect(0, axisHeight, width, height - axisHeight);
  pen.clip();
  drawAxis.grid(pen, x, geometry, theme);
  const frame = { left: geometry.gutter, right: width, height: geometry.barHeight };
  drawPauses(pen, model.tree, rows, first, last, x, top, frame, look.pauses);
  drawPathLinks(pen, model, first, last, x, top, geometry, theme);
  drawBars(pen, model.tree, rows, first, last, x, (row) => top(row) + geometry.barTop, frame, theme.bars);
  drawPath(pen, model, first, last, x, top, geometry, theme);
  drawLabels(pen, model, first, last, x, top, geometry, theme);
  pen.restore();
  drawAxis.labels(pen, x, geometry, theme, look.brush, model.extent[0]);
  return [first, last];
}
