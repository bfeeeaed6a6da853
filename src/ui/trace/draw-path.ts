// The critical path: a strong line under every stretch of a bar that the end of the trace was waiting for, and thin
// ones where it goes from one row to another.

import { listOf } from '../../analysis/trace.ts';
import type { Scale } from './draw-bars.ts';
import type { Geometry } from './geometry.ts';
import type { TraceModel } from './model.ts';
import type { Theme } from './theme.ts';

const thickness = 3;
/** A line over more rows than this would cross too much that it has nothing to do with; its ends alone are drawn. */
const longestLink = 6;
/** Fewer still where a line would pass through labels. */
const longestNarrowLink = 2;
const stub = 16;

/** Lines from row to row; drawn under the bars. Those with neither end in view are left out. */
export function drawPathLinks(
  pen: CanvasRenderingContext2D,
  model: TraceModel,
  first: number,
  last: number,
  x: Scale,
  top: Scale,
  { barTop, barHeight, gutter, width, narrow }: Geometry,
  { pathLink }: Theme,
): void {
  const rows = model.rows.value;
  const rowOf = model.rowOf.value;
  const { span, start } = model.path;
  const lineY = (row: number) => top(row) + barTop + barHeight + 1;
  const longest = narrow ? longestNarrowLink : longestLink;
  // The pixel of a row's last link: many short pieces would draw the same line again and again.
  let drawnAt = -1;
  const link = (piece: number) => {
    const at = Math.round(x(start[piece]));
    if (at === drawnAt || at < gutter || at > width) return;
    const from = rowOf[span[piece - 1]];
    const to = rowOf[span[piece]];
    if (from === to) return;
    drawnAt = at;
    const upper = Math.min(from, to);
    const lower = Math.max(from, to);
    if (lower - upper <= longest) pen.fillRect(at, lineY(upper), 1, lineY(lower) - lineY(upper) + thickness);
    else {
      pen.fillRect(at, lineY(upper), 1, stub);
      pen.fillRect(at, lineY(lower) - stub, 1, stub + thickness);
    }
  };
  pen.fillStyle = pathLink;
  for (let row = first; row < last; row++) {
    drawnAt = -1;
    for (const piece of listOf(model.pathOf, rows[row])) {
      if (piece > 0) link(piece);
      const next = piece + 1;
      // Where the next piece's row is in view, it draws the link itself.
      if (next < span.length && (rowOf[span[next]] < first || rowOf[span[next]] >= last)) link(next);
    }
  }
}

/** The strong line under each bar that is on the path. */
export function drawPath(
  pen: CanvasRenderingContext2D,
  model: TraceModel,
  first: number,
  last: number,
  x: Scale,
  top: Scale,
  { barTop, barHeight, gutter, width }: Geometry,
  { critical }: Theme,
): void {
  const rows = model.rows.value;
  const { start, end } = model.path;
  pen.fillStyle = critical;
  for (let row = first; row < last; row++) {
    const y = top(row) + barTop + barHeight + 1;
    // In whole pixels, each drawn once: many short pieces read as one line.
    let drawnTo = gutter;
    for (const piece of listOf(model.pathOf, rows[row])) {
      const from = Math.max(drawnTo, Math.floor(x(start[piece])));
      const to = Math.min(width, Math.max(Math.round(x(end[piece])), from + 1));
      if (x(end[piece]) <= drawnTo || from >= width) continue;
      pen.fillRect(from, y, to - from, thickness);
      drawnTo = to;
    }
  }
}
