// What a span's bar is made of: stretches of time, each with its kind. Columns in, numbers out; no allocation, so
// that a frame of drawing may ask for every visible bar.
//
//   CLIENT    |--pool--|dns|connect|tls|send|-----server-----|receive|~loop~|      loop lies after the span's end
//   INTERNAL  |run|----wait (cause)----|run|----wait----|run|
//   SERVER    nothing: the bar itself

import type { Tree } from '../../analysis/trace.ts';
import { Kind } from '../../model/schema.ts';
import { Stretch, stretchOfCause } from '../categories.ts';

/** A bar's stretches: `kind[k]` from `start[k]` to `end[k]`, k < count, ns in the trace's time, in order. */
export interface Stretches {
  count: number;
  kind: Uint8Array;
  start: Float64Array;
  end: Float64Array;
}

export const newStretches = (): Stretches => ({
  count: 0,
  kind: new Uint8Array(16),
  start: new Float64Array(16),
  end: new Float64Array(16),
});

/** Fills `out` with the stretches of span `i`; those of no length are left out. */
export function stretchesOf(tree: Tree, i: number, out: Stretches): void {
  out.count = 0;
  const kind = tree.columns.spans.kind[i];
  if (kind === Kind.internal) runsAndWaits(tree, i, out);
  else if (kind !== Kind.server) phases(tree, i, out);
}

function phases({ start, end, columns: { spans } }: Tree, i: number, out: Stretches): void {
  let at = start[i];
  at = put(out, Stretch.pool, at, at + spans.pool[i]);
  at = put(out, Stretch.dns, at, at + spans.dns[i]);
  at = put(out, Stretch.connect, at, at + spans.connect[i]);
  at = put(out, Stretch.tls, at, at + spans.tls[i]);
  at = put(out, Stretch.send, at, at + spans.send[i]);
  at = put(out, Stretch.server, at, at + spans.server[i]);
  put(out, Stretch.receive, at, at + spans.receive[i]);
  put(out, Stretch.loop, end[i], end[i] + spans.loop[i]);
}

function runsAndWaits({ start, end, waits, waitStart, waitEnd, columns }: Tree, i: number, out: Stretches): void {
  let at = start[i];
  for (let k = waits.offsets[i]; k < waits.offsets[i + 1]; k++) {
    const wait = waits.items[k];
    const from = Math.max(at, waitStart[wait]);
    const to = Math.min(end[i], waitEnd[wait]);
    if (to <= from) continue;
    put(out, Stretch.run, at, from);
    put(out, stretchOfCause[columns.waits.cause[wait]] ?? Stretch.unknown, from, to);
    at = to;
  }
  put(out, Stretch.run, at, end[i]);
}

function put(out: Stretches, kind: Stretch, start: number, end: number): number {
  if (!(end > start)) return start;
  if (out.count === out.kind.length) grow(out);
  out.kind[out.count] = kind;
  out.start[out.count] = start;
  out.end[out.count] = end;
  out.count++;
  return end;
}

function grow(out: Stretches): void {
  const { kind, start, end } = out;
  out.kind = new Uint8Array(kind.length * 2);
  out.kind.set(kind);
  out.start = new Float64Array(start.length * 2);
  out.start.set(start);
  out.end = new Float64Array(end.length * 2);
  out.end.set(end);
}
