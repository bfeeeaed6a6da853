// Names in the gutter (or above the bar where there is none) and durations beside the bars. A row has one bar and one
// duration, which goes where it is free: right of the bar, else left of it, else on it; so no two texts ever meet.

import { Kind } from '../../model/schema.ts';
import { formatNs } from '../units.ts';
import type { Scale } from './draw-bars.ts';
import { fitText, textWidth } from './fit-text.ts';
import { type Geometry, indentOf } from './geometry.ts';
import { hasChildren, type TraceModel } from './model.ts';
import type { Theme } from './theme.ts';
import { besideOf, errorOf, operationOf, processOf } from './words.ts';

const gap = 6;

export function drawLabels(
  pen: CanvasRenderingContext2D,
  model: TraceModel,
  first: number,
  last: number,
  x: Scale,
  top: Scale,
  geometry: Geometry,
  theme: Theme,
): void {
  const rows = model.rows.value;
  const { rowHeight, barTop, barHeight, narrow, gutter, width } = geometry;
  pen.textBaseline = 'middle';
  pen.textAlign = 'left';
  pen.direction = 'ltr';
  for (let row = first; row < last; row++) {
    const middle = narrow ? top(row) + barTop / 2 + 1 : top(row) + rowHeight / 2;
    drawName(pen, model, rows[row], middle, (narrow ? width : gutter) - gap, geometry, theme);
    drawDuration(pen, model, rows[row], x, top(row) + barTop + barHeight / 2 + 0.5, geometry, theme);
  }
}

function drawName(
  pen: CanvasRenderingContext2D,
  model: TraceModel,
  i: number,
  middle: number,
  right: number,
  geometry: Geometry,
  theme: Theme,
): void {
  const { tree } = model;
  const { kind } = tree.columns.spans;
  const found = model.found.value;
  pen.globalAlpha = found && !matches(found, i, model) ? 0.38 : 1;
  let at = indentOf(geometry, tree.depth[i]);
  if (hasChildren(tree, i)) drawTriangle(pen, at, middle, model.collapsed.value.has(i), theme);
  at += 14;
  const process = processOf(tree, i);
  const parent = tree.parent[i];
  if (
    tree.columns.processes.size > 1 &&
    process &&
    (parent < 0 || tree.columns.process[parent] !== tree.columns.process[i])
  )
    at = drawTag(pen, process, at, middle, right, theme);

  pen.font = `${kind[i] === Kind.internal || kind[i] === Kind.server ? '600 ' : ''}13px ${theme.sans}`;
  const name = fitText(pen, operationOf(tree, i), right - at);
  if (geometry.narrow) {
    // Lines of the critical path pass through the labels' part of the row here; names keep clear of them.
    pen.fillStyle = theme.surface;
    pen.fillRect(at - 2, middle - 8, textWidth(pen, name) + 4, 16);
  }
  pen.fillStyle = theme.ink;
  pen.fillText(name, at, middle);
  at += textWidth(pen, name) + 8;
  const hidden = model.collapsed.value.has(i) ? model.ends[model.placeInOrder[i]] - model.placeInOrder[i] - 1 : 0;
  const beside = hidden > 0 ? `+${hidden.toLocaleString('en-GB')} folded` : besideOf(tree, i);
  pen.font = `12px ${theme.sans}`;
  pen.fillStyle = theme.soft;
  if (beside) pen.fillText(fitText(pen, beside, right - at), at, middle);
  pen.globalAlpha = 1;
}

/** Binary search by place in the tree: what is found is in its order. */
function matches(found: Uint32Array, i: number, { placeInOrder }: TraceModel): boolean {
  let low = 0;
  let high = found.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeInOrder[found[middle]] < placeInOrder[i]) low = middle + 1;
    else high = middle;
  }
  return found[low] === i;
}

function drawTriangle(pen: CanvasRenderingContext2D, at: number, middle: number, closed: boolean, theme: Theme): void {
  pen.fillStyle = theme.soft;
  pen.beginPath();
  if (closed) {
    pen.moveTo(at + 2, middle - 4);
    pen.lineTo(at + 8, middle);
    pen.lineTo(at + 2, middle + 4);
  } else {
    pen.moveTo(at, middle - 2.5);
    pen.lineTo(at + 9, middle - 2.5);
    pen.lineTo(at + 4.5, middle + 3.5);
  }
  pen.fill();
}

/** The process's name in a frame; returns where the next text begins. */
function drawTag(
  pen: CanvasRenderingContext2D,
  process: string,
  at: number,
  middle: number,
  right: number,
  theme: Theme,
): number {
  pen.font = `11px ${theme.sans}`;
  const text = fitText(pen, process, Math.min(110, (right - at) * 0.4));
  if (!text) return at;
  const width = textWidth(pen, text) + 10;
  pen.strokeStyle = theme.lineStrong;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.roundRect(Math.round(at) + 0.5, Math.round(middle) - 8.5, Math.round(width), 16, 4);
  pen.stroke();
  pen.fillStyle = theme.soft;
  pen.fillText(text, at + 5, middle + 0.5);
  return at + width + 7;
}

function drawDuration(
  pen: CanvasRenderingContext2D,
  { tree }: TraceModel,
  i: number,
  x: Scale,
  middle: number,
  { gutter, width }: Geometry,
  theme: Theme,
): void {
  const x0 = x(tree.start[i]);
  const x1 = Math.max(x0 + 1, x(tree.end[i] + tree.columns.spans.loop[i]));
  if (x1 < gutter || x0 > width) return;
  const error = errorOf(tree, i);
  pen.font = `12px ${theme.sans}`;
  const text = `${error ? '✕ ' : ''}${formatNs(tree.end[i] - tree.start[i])}${error ? ` · ${error}` : ''}`;
  const room = textWidth(pen, text);
  const at =
    x1 + gap + room <= width - 2
      ? x1 + gap
      : x0 - gap - room >= gutter
        ? x0 - gap - room
        : Math.min(Math.max(x0, gutter) + gap, width - room - gap);
  // A ground of its own, so that it reads on a bar and where a line of the critical path passes behind it.
  pen.fillStyle = theme.surface;
  pen.fillRect(at - 2, middle - 7, room + 4, 13);
  pen.fillStyle = error ? theme.error : theme.soft;
  pen.fillText(text, at, middle);
}
