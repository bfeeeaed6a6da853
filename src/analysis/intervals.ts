// Sets of time as flat lists [start, end, start, end, …], sorted, disjoint and not touching.

export type Intervals = readonly number[];

/** Brings pairs of any order and overlap into the form above. Empty and backward ones are left out. */
export function union(pairs: readonly number[]): number[] {
  const rows: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i + 1] > pairs[i]) rows.push(i);
  rows.sort((a, b) => pairs[a] - pairs[b]);
  const out: number[] = [];
  for (const row of rows) {
    const last = out.length - 1;
    if (last > 0 && pairs[row] <= out[last]) {
      if (pairs[row + 1] > out[last]) out[last] = pairs[row + 1];
    } else out.push(pairs[row], pairs[row + 1]);
  }
  return out;
}

/** The union of two sets; both in the form above. */
export function join(a: Intervals, b: Intervals): number[] {
  if (a.length === 0) return [...b];
  if (b.length === 0) return [...a];
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const first = j >= b.length || (i < a.length && a[i] <= b[j]);
    const start = first ? a[i] : b[j];
    const end = first ? a[i + 1] : b[j + 1];
    if (first) i += 2;
    else j += 2;
    const last = out.length - 1;
    if (last > 0 && start <= out[last]) {
      if (end > out[last]) out[last] = end;
    } else out.push(start, end);
  }
  return out;
}

/** How long both sets hold at once. */
export function overlap(a: Intervals, b: Intervals): number {
  let sum = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const from = Math.max(a[i], b[j]);
    const to = Math.min(a[i + 1], b[j + 1]);
    if (to > from) sum += to - from;
    if (a[i + 1] < b[j + 1]) i += 2;
    else j += 2;
  }
  return sum;
}

export function length(a: Intervals): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 2) sum += a[i + 1] - a[i];
  return sum;
}
