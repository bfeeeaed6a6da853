// The bars of a waterfall: one a visible row. Columns and scales in, pixels out; nothing is remembered.
//
//   row ─┐   x(start)                         x(end)
//        │   ┌──────┬───────────────┬─────────┐
//        │   │ pool │ server        │ receive │░░ loop ░░      a rectangle for each stretch, over the bar's ground
//        │   └──────┴───────────────┴─────────┘

import type { Tree } from '../../analysis/trace.ts';
import { Kind } from '../../model/schema.ts';
import { newStretches, stretchesOf } from './phases.ts';

/** The part of a canvas that bars need. */
export type Pen = Pick<CanvasRenderingContext2D, 'fillRect' | 'fillStyle'>;

/** A D3 scale, or anything else that maps a value to pixels. */
export type Scale = (value: number) => number;

export interface BarColours {
  /** By Kind: the ground of a bar, seen where no stretch covers it. */
  readonly ground: readonly string[];
  /** By Stretch. */
  readonly stretch: readonly string[];
}

/** The edges that bars are clipped to, and their height, in pixels. */
export interface BarFrame {
  readonly left: number;
  readonly right: number;
  readonly height: number;
}

/** Nothing that happened is drawn narrower, in pixels, so that nothing that happened is invisible. */
const thinnest = 1;
const scratch = newStretches();

/**
 * Draws the bars of the spans `rows[first]` to `rows[last - 1]`.
 * `x` maps ns to pixels, `y` a place in `rows` to the top of its bar.
 */
export function drawBars(
  pen: Pen,
  tree: Tree,
  rows: Uint32Array,
  first: number,
  last: number,
  x: Scale,
  y: Scale,
  frame: BarFrame,
  colours: BarColours,
): void {
  const { kind } = tree.columns.spans;
  for (let row = first; row < last; row++) {
    const i = rows[row];
    // A request's bar is thinner: it frames the work, it is not the work.
    const inset = kind[i] === Kind.server ? Math.round(frame.height / 4) : 0;
    const top = y(row) + inset;
    const height = frame.height - 2 * inset;
    fillStretch(pen, x(tree.start[i]), x(tree.end[i]), top, height, frame, colours.ground[kind[i]]);
    stretchesOf(tree, i, scratch);
    for (let k = 0; k < scratch.count; k++)
      fillStretch(pen, x(scratch.start[k]), x(scratch.end[k]), top, height, frame, colours.stretch[scratch.kind[k]]);
  }
}

function fillStretch(
  pen: Pen,
  x0: number,
  x1: number,
  top: number,
  height: number,
  { left, right }: BarFrame,
  colour: string,
): void {
  if (x1 < left || x0 > right) return;
  const from = Math.max(left, x0);
  const to = Math.min(right, Math.max(x1, x0 + thinnest));
  pen.fillStyle = colour;
  pen.fillRect(from, top, to - from, height);
}
