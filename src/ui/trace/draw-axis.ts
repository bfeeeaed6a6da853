// The time axis: lines through the rows, labels above them, counted from the start of the trace.

import type { ScaleLinear } from 'd3-scale';
import { tickLabels } from '../units.ts';
import type { Geometry } from './geometry.ts';
import type { Theme } from './theme.ts';

/** Pixels that a label needs. */
const labelRoom = 92;

const ticksOf = (x: ScaleLinear<number, number>, { left, right }: Geometry): number[] =>
  x.ticks(Math.max(2, Math.floor((right - left) / labelRoom)));

function grid(pen: CanvasRenderingContext2D, x: ScaleLinear<number, number>, geometry: Geometry, theme: Theme): void {
  pen.fillStyle = theme.line;
  for (const tick of ticksOf(x, geometry)) pen.fillRect(Math.round(x(tick)), geometry.axisHeight, 1, geometry.height);
}

function labels(
  pen: CanvasRenderingContext2D,
  x: ScaleLinear<number, number>,
  geometry: Geometry,
  theme: Theme,
  brush: readonly [number, number] | undefined,
  start: number,
): void {
  const { width, axisHeight, gutter, height } = geometry;
  if (brush) {
    pen.fillStyle = theme.accent;
    pen.globalAlpha = 0.16;
    pen.fillRect(brush[0], 0, brush[1] - brush[0], height);
    pen.globalAlpha = 1;
  }
  pen.fillStyle = theme.lineStrong;
  pen.fillRect(0, axisHeight - 1, width, 1);
  if (gutter > 0) {
    pen.fillStyle = theme.line;
    pen.fillRect(gutter, 0, 1, height);
    pen.font = `12px ${theme.sans}`;
    pen.textBaseline = 'middle';
    pen.textAlign = 'left';
    pen.fillStyle = theme.soft;
    pen.fillText('request, function, operation', 22, axisHeight / 2 - 1);
  }
  const shifted = x.copy().domain(x.domain().map((ns) => ns - start));
  const ticks = ticksOf(shifted, geometry);
  const texts = tickLabels(ticks);
  pen.font = `12px ${theme.sans}`;
  pen.textBaseline = 'middle';
  pen.textAlign = 'left';
  for (let k = 0; k < ticks.length; k++) {
    const at = Math.round(shifted(ticks[k]));
    pen.fillStyle = theme.lineStrong;
    pen.fillRect(at, axisHeight - 6, 1, 6);
    pen.fillStyle = theme.soft;
    pen.fillText(texts[k], at + 4, axisHeight / 2 - 1);
  }
}

export const drawAxis = { grid, labels };
