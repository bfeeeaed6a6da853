// How much of a span fell into pauses of its process's thread: of the garbage collector, and of the event loop while
// code of another trace held it. Both lie across the accounts of accounts.ts, they are no members of them: whatever
// the span did or waited for then took that much longer.

import { Pause } from '../model/schema.ts';
import { union } from './intervals.ts';
import type { Tree } from './trace.ts';

/** ns */
export interface PausedTime {
  gc: number;
  held: number;
}

/** Disjoint stretches by start, and how long those before each are together. */
interface Stretches {
  readonly starts: number[];
  readonly ends: number[];
  readonly before: number[];
}

/** For the rows of a tree, how long each was paused. */
export function pausedTimes(tree: Tree): (row: number) => PausedTime {
  const { pauses, pauseProcess, process, spans } = tree.columns;
  if (pauses === undefined || pauseProcess === undefined || pauseProcess.length === 0)
    return () => ({ gc: 0, held: 0 });
  const pairs = new Map<number, { gc: number[]; held: number[] }>();
  for (let i = 0; i < pauseProcess.length; i++) {
    let of = pairs.get(pauseProcess[i]);
    if (of === undefined) {
      of = { gc: [], held: [] };
      pairs.set(pauseProcess[i], of);
    }
    const [start, end] = [pauses.start[i], pauses.start[i] + pauses.duration[i]];
    if (pauses.kind[i] !== Pause.loop) of.gc.push(start, end);
    else if (pauses.traceHi[i] !== spans.traceHi[0] || pauses.traceLo[i] !== spans.traceLo[0]) of.held.push(start, end);
  }
  const byProcess = new Map([...pairs].map(([number, { gc, held }]) => [number, [lined(gc), lined(held)] as const]));
  return (row) => {
    const of = byProcess.get(process[row]);
    if (of === undefined) return { gc: 0, held: 0 };
    // Pauses are in the process's own clock; the tree's times may be put right for skew.
    const start = Math.round(spans.start[row]);
    const end = start + tree.end[row] - tree.start[row];
    return { gc: within(of[0], start, end), held: within(of[1], start, end) };
  };
}

function lined(pairs: readonly number[]): Stretches {
  const flat = union(pairs);
  const stretches: Stretches = { starts: [], ends: [], before: [] };
  for (let i = 0, sum = 0; i < flat.length; i += 2) {
    stretches.starts.push(flat[i]);
    stretches.ends.push(flat[i + 1]);
    stretches.before.push(sum);
    sum += flat[i + 1] - flat[i];
  }
  return stretches;
}

const within = (stretches: Stretches, from: number, to: number): number =>
  Math.max(0, Math.round(until(stretches, to) - until(stretches, from)));

/** Of the stretches, what lies before a time. */
function until({ starts, ends, before }: Stretches, time: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : before[low - 1] + Math.min(time, ends[low - 1]) - starts[low - 1];
}
