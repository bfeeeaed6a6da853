// How a duration is spread: counts in buckets of equal ratio. Any percentile is within 1 % of the true one, two
// histograms add up to the histogram of both, and the memory does not grow with the number of values.
// The idea and its error bound: DDSketch, https://www.vldb.org/pvldb/vol12/p2195-masson.pdf

/** Ratio of a bucket's upper to its lower edge: the value told for it is at most 0.99 % off. */
const ratio = 1.02;
const logRatio = Math.log(ratio);

export interface Histogram {
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Values <= 0. */
  zeros: number;
  /** Bucket i holds the values in (ratio^(i - 1), ratio^i]. */
  readonly buckets: Map<number, number>;
}

export const newHistogram = (): Histogram => ({
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  zeros: 0,
  buckets: new Map(),
});

/** Records a value, `times` times. */
export function record(histogram: Histogram, value: number, times = 1): void {
  histogram.count += times;
  histogram.sum += value * times;
  if (value < histogram.min) histogram.min = value;
  if (value > histogram.max) histogram.max = value;
  if (!(value > 0)) {
    histogram.zeros += times;
    return;
  }
  const bucket = Math.ceil(Math.log(value) / logRatio);
  histogram.buckets.set(bucket, (histogram.buckets.get(bucket) ?? 0) + times);
}

/** Adds the values of `from` to `into`. */
export function merge(into: Histogram, from: Histogram): void {
  into.count += from.count;
  into.sum += from.sum;
  into.min = Math.min(into.min, from.min);
  into.max = Math.max(into.max, from.max);
  into.zeros += from.zeros;
  for (const [bucket, count] of from.buckets) into.buckets.set(bucket, (into.buckets.get(bucket) ?? 0) + count);
}

/**
 * The smallest recorded value that at least this share (0 to 1) of the values do not exceed (nearest rank), within
 * 1 %; 0 when nothing was recorded.
 */
export function quantile(histogram: Histogram, share: number): number {
  return quantiles(histogram, [share])[0];
}

/** Several at once; `shares` ascending. */
export function quantiles(histogram: Histogram, shares: readonly number[]): number[] {
  if (histogram.count === 0) return shares.map(() => 0);
  const sorted = [...histogram.buckets].sort((a, b) => a[0] - b[0]);
  let next = -1;
  let seen = histogram.zeros;
  return shares.map((share) => {
    const rank = Math.max(1, Math.ceil(share * histogram.count));
    if (rank === histogram.count) return histogram.max;
    if (rank === 1) return histogram.min;
    while (seen < rank && next + 1 < sorted.length) seen += sorted[++next][1];
    if (next === -1) return Math.min(0, histogram.max);
    const middle = (2 * ratio ** sorted[next][0]) / (1 + ratio);
    return Math.min(histogram.max, Math.max(histogram.min, middle));
  });
}
