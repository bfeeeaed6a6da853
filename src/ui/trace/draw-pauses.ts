// Behind the bars: when the thread of a row's process was taken. The event loop held is a tint, garbage collection a
// hatch, so that they differ without their colours; each over the whole height of the rows of its process.
//
//   row ─┐      ▒▒▒▒▒▒▒▒▒▒▒      ╱╱
//        │  ┌───▒▒▒▒▒▒▒▒▒▒▒──┐   ╱╱      the bar lies over the band
//        │  └───▒▒▒▒▒▒▒▒▒▒▒──┘   ╱╱

import type { Tree } from '../../analysis/trace.ts';
import { Pause } from '../../model/schema.ts';
import type { BarFrame, Pen, Scale } from './draw-bars.ts';

/** Fills of the two kinds of bands: colours, or a pattern. */
export interface PauseFills {
  readonly loop: CanvasRenderingContext2D['fillStyle'];
  readonly gc: CanvasRenderingContext2D['fillStyle'];
}

/** What a tree's times are ahead of the process's own clock in a row. */
const shiftOf = (tree: Tree, i: number): number => tree.start[i] - Math.round(tree.columns.spans.start[i]);

/** Draws the bands behind the spans `rows[first]` to `rows[last - 1]`; `top` maps a place in `rows` to a row's top. */
export function drawPauses(
  pen: Pen,
  tree: Tree,
  rows: Uint32Array,
  first: number,
  last: number,
  x: Scale,
  top: Scale,
  frame: BarFrame,
  fills: PauseFills,
): void {
  const { pauses, pauseProcess, process } = tree.columns;
  if (pauses === undefined || pauseProcess === undefined || pauseProcess.length === 0) return;
  for (let row = first; row < last; ) {
    // Rows of one process that lie together share their bands.
    const [of, shift] = [process[rows[row]], shiftOf(tree, rows[row])];
    let end = row + 1;
    while (end < last && process[rows[end]] === of && shiftOf(tree, rows[end]) === shift) end++;
    const [above, height] = [top(row), top(end) - top(row)];
    for (const fill of ['loop', 'gc'] as const) {
      pen.fillStyle = fills[fill];
      let drawn = frame.left;
      for (let i = 0; i < pauseProcess.length; i++) {
        if (pauseProcess[i] !== of || (pauses.kind[i] === Pause.loop) !== (fill === 'loop')) continue;
        const x0 = x(pauses.start[i] + shift);
        const x1 = Math.max(x(pauses.start[i] + pauses.duration[i] + shift), x0 + 1);
        const from = Math.max(drawn, x0);
        const to = Math.min(frame.right, x1);
        if (to <= from) continue;
        pen.fillRect(from, above, to - from, height);
        drawn = to;
      }
    }
    row = end;
  }
}

/** The pauses of a span's process at a time of the tree, or within `near` ns of it; rows of `pauses`. */
export function pausesAt(tree: Tree, i: number, at: number, near: number): number[] {
  const { pauses, pauseProcess, process } = tree.columns;
  if (pauses === undefined || pauseProcess === undefined) return [];
  const time = at - shiftOf(tree, i);
  const found: number[] = [];
  for (let k = 0; k < pauseProcess.length; k++) {
    if (pauseProcess[k] !== process[i]) continue;
    if (pauses.start[k] - near <= time && time <= pauses.start[k] + pauses.duration[k] + near) found.push(k);
  }
  return found;
}

/** A hatch of a colour, for one device's pixels. */
export function hatch(pen: CanvasRenderingContext2D, colour: string): CanvasRenderingContext2D['fillStyle'] {
  const tile = document.createElement('canvas');
  tile.width = 6;
  tile.height = 6;
  const on = tile.getContext('2d');
  if (on === null) return colour;
  on.strokeStyle = colour;
  on.lineWidth = 1.6;
  on.beginPath();
  for (const shift of [-6, 0, 6]) {
    on.moveTo(shift, 6);
    on.lineTo(shift + 6, 0);
  }
  on.stroke();
  return pen.createPattern(tile, 'repeat') ?? colour;
}
