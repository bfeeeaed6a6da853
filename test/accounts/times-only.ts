// Who ended a wait, by times only: what a tracer can say that records when things began and ended, and no causes. As
// Jaeger's critical path does (jaeger-ui, TraceTimelineViewer/CriticalPath: the last finishing child, LFC) and Uber's
// CRISP (https://github.com/uber-research/CRISP): from the end of a wait backwards, the child that finished last.

import { listOf, type Tree } from '../../src/analysis/trace.ts';

/** The child of `frame` that finished last before the end of the wait, if it went on in it at all; -1 = none. */
export function endedByTimes(tree: Tree, frame: number, from: number, to: number): number {
  let last = -1;
  for (const child of listOf(tree.children, frame)) {
    if (tree.start[child] >= to || tree.end[child] <= from || tree.end[child] > to) continue;
    if (last === -1 || tree.end[child] > tree.end[last]) last = child;
  }
  return last;
}
