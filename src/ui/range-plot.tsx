// A latency as a mark on a shared log scale: line from p50 to p99, dot at p50, tick at p95. And the scale's axis.

import { type ScaleLogarithmic, scaleLog } from 'd3-scale';
import { formatMs } from './units.ts';

export type LatencyScale = ScaleLogarithmic<number, number>;

/** A log scale that holds all of the values (ms), on whole decades at both ends; `width` in pixels. */
export function latencyScale(values: readonly number[], width: number): LatencyScale {
  const positive = values.filter((ms) => ms > 0);
  const low = positive.length ? Math.min(...positive) : 0.1;
  const high = positive.length ? Math.max(...positive) : 100;
  const from = 10 ** Math.floor(Math.log10(low));
  const to = 10 ** Math.ceil(Math.log10(high) + 1e-9);
  return scaleLog()
    .domain([from, to > from ? to : from * 10])
    .range([6, width - 6])
    .clamp(true);
}

/** Whole decades of the scale, thinned to what fits. */
export function decades(scale: LatencyScale): number[] {
  const [from, to] = scale.domain();
  const ticks: number[] = [];
  const count = Math.round(Math.log10(to / from));
  const [x0, x1] = scale.range();
  const step = Math.max(1, Math.ceil((count * 52) / (x1 - x0)));
  for (let k = 0; k <= count; k += step) ticks.push(from * 10 ** k);
  return ticks;
}

/** A log scale that holds the values (ms) with a little room at both ends, and its ticks: 1, 2 and 5 of a decade. */
export function closeScale(values: readonly number[], width: number): { scale: LatencyScale; ticks: number[] } {
  const positive = values.filter((ms) => ms > 0);
  const low = positive.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = positive.reduce((a, b) => Math.max(a, b), 0);
  const [from, to] = high > 0 ? [low / 1.3, Math.max(high, low * 2) * 1.15] : [0.1, 100];
  const scale = scaleLog()
    .domain([from, to])
    .range([8, width - 8])
    .clamp(true);
  const ticks: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(from)); decade <= to; decade *= 10)
    for (const k of [1, 2, 5]) if (decade * k >= from && decade * k <= to) ticks.push(decade * k);
  return { scale, ticks };
}

/** A tick's label: no decimals that say nothing. */
export const tickText = (ms: number): string => formatMs(ms).replace(/\.0+(?=\D)/, '');

interface Percentiles {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

const height = 18;

export function RangePlot({ of, scale, width }: { of: Percentiles; scale: LatencyScale; width: number }) {
  const x = (ms: number) => scale(Math.max(ms, scale.domain()[0]));
  const middle = height / 2;
  return (
    <svg
      width={width}
      height={height}
      role="img"
      aria-label={`p50 ${formatMs(of.p50Ms)}, p95 ${formatMs(of.p95Ms)}, p99 ${formatMs(of.p99Ms)}`}
    >
      {decades(scale).map((tick) => (
        <line key={tick} class="axis" x1={scale(tick)} x2={scale(tick)} y1={0} y2={height} />
      ))}
      <line class="range" x1={x(of.p50Ms)} x2={x(of.p99Ms)} y1={middle} y2={middle} />
      <line class="p95" x1={x(of.p95Ms)} x2={x(of.p95Ms)} y1={middle - 5} y2={middle + 5} />
      <circle class="p50" cx={x(of.p50Ms)} cy={middle} r={4} />
    </svg>
  );
}

export function RangeAxis({ scale, width }: { scale: LatencyScale; width: number }) {
  const ticks = decades(scale);
  return (
    <svg width={width} height={16} aria-hidden="true">
      {ticks.map((tick, k) => (
        <text
          key={tick}
          x={k === 0 ? 0 : k === ticks.length - 1 ? width : scale(tick)}
          y={12}
          text-anchor={k === 0 ? 'start' : k === ticks.length - 1 ? 'end' : 'middle'}
        >
          {tickText(tick)}
        </text>
      ))}
    </svg>
  );
}
