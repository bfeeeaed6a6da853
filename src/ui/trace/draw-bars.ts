// The bars of a waterfall: one a visible row. Columns and scales in, pixels out; nothing is remembered.
//
//   row ─┐   x(start)                         x(end)
//        │   ┌──────┬───────────────┬─────────┐
//        │   │ pool │ server        │ receive │░░ loop ░░      a rectangle for each stretch, over the bar's ground
//        │   └──────┴───────────────┴─────────┘

import type { Tree } from '../../analysis/trace.ts';
import { Kind } from '../../model/schema.ts';
import { newStretches, type Stretches, stretchesOf } from './phases.ts';

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
    fillBetween(pen, x(tree.start[i]), x(tree.end[i]), top, height, frame, colours.ground[kind[i]]);
    stretchesOf(tree, i, scratch);
    drawStretches(pen, scratch, x, top, height, frame, colours.stretch);
  }
}

/**
 * A stretch of a pixel and more is a rectangle of its own. Of narrower ones that meet in a pixel, the kind that holds
 * most of it gets the pixel: the picture stays true however many there are, and costs no more than its width.
 */
function drawStretches(
  pen: Pen,
  { count, kind, start, end }: Stretches,
  x: Scale,
  top: number,
  height: number,
  frame: BarFrame,
  colours: readonly string[],
): void {
  const held = new Float64Array(colours.length);
  let pixel = Number.NaN;
  let most = 0;
  const flush = () => {
    if (!Number.isNaN(pixel)) fillBetween(pen, pixel, pixel + 1, top, height, frame, colours[most]);
    held.fill(0);
  };
  for (let k = 0; k < count; k++) {
    const x0 = x(start[k]);
    const x1 = x(end[k]);
    if (x1 < frame.left || x0 > frame.right) continue;
    const narrow = x1 - x0 < 1;
    if (!narrow || Math.floor(x0) !== pixel) {
      flush();
      pixel = narrow ? Math.floor(x0) : Number.NaN;
      most = kind[k];
    }
    if (narrow) {
      held[kind[k]] += x1 - x0;
      if (held[kind[k]] > held[most]) most = kind[k];
    } else fillBetween(pen, x0, x1, top, height, frame, colours[kind[k]]);
  }
  flush();
}

/** A rectangle between two times' pixels, cut at the frame, never narrower than a pixel: no span is invisible. */
function fillBetween(
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
  const to = Math.min(right, Math.max(x1, x0 + 1));
  pen.fillStyle = colour;
  pen.fillRect(from, top, to - from, height);
}
