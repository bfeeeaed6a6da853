// An answer that comes while a function holds the event loop lies in the kernel until the loop is free, and nobody in
// the process sees it come. That the service took so long would be a lie: it is taken to have answered as quickly as
// it did when nothing was in the way; or, where no such answer was seen and the loop was held for most of the time, at
// once.
//
//   asked  ├───────────┤ as quickly as others           read
//   function      ├────────────────held─────────────┤   │
//   service├───────────┤              late  ├───────────┤

import type { Exchange } from '../protocols/decoder.ts';
import { heldSince } from './pauses.ts';

/** What held the loop for less is in nobody's way. */
const shortNs = 1e6;
const maxKnown = 4_096;
/** From so many operations on, every eighth is enough to learn from. */
const soonKnown = 1_024;

/** By address and operation ('' = any): the quickest answer seen, from the last byte of the request, ns. */
const quickest = new Map<string, Map<string, number>>();
let known = 0;
let seen = 0;

/** How long the answer that is read at `at` had lain there, ns; learns from those that had not. */
export function lateness(address: string, { operation, lastOut, firstIn }: Exchange, at: number): number {
  const from = Math.max(heldSince(at), lastOut);
  const held = at - from;
  if (!(held >= shortNs)) {
    if (++seen < soonKnown || (seen & 7) === 0) learn(address, operation, firstIn - lastOut);
    return 0;
  }
  const usual = quickestOf(address, operation);
  // Of one that nothing is known of: if the loop was held for most of the time that it took.
  if (usual === undefined) return held * 2 > at - lastOut ? held : 0;
  return Math.max(0, Math.min(held, at - lastOut - usual));
}

/** Of the operation, else of any operation there. */
function quickestOf(address: string, operation: string): number | undefined {
  const byOperation = quickest.get(address);
  return byOperation?.get(operation) ?? byOperation?.get('');
}

function learn(address: string, operation: string, ns: number): void {
  if (!(ns >= 0)) return;
  let byOperation = quickest.get(address);
  if (byOperation === undefined) {
    if (known >= maxKnown) return;
    byOperation = new Map();
    quickest.set(address, byOperation);
  }
  keep(byOperation, operation, ns);
  keep(byOperation, '', ns);
}

function keep(byOperation: Map<string, number>, operation: string, ns: number): void {
  const before = byOperation.get(operation);
  if (before === undefined && known++ >= maxKnown) return;
  if (before === undefined || ns < before) byOperation.set(operation, ns);
}
