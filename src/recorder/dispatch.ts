// What the event loop runs now, where its beginning was seen and nothing else says what lets a function go on: a timer
// that fired, a piece of an answer that is not over, or messages that nobody asked for now. It holds for the dispatch
// only: for the callback, and for the ticks and promise reactions that follow from it.

import type { Operation } from './operation.ts';

/** Kept from the start: a test's fake timers do not reach them. */
const { nextTick } = process;
const { queueMicrotask } = globalThis;

export const dispatch: {
  /** A timer fired, at this time; NaN = none did. */
  firedAt: number;
  /** When that timer was set, and the frame (frames.ts) that ran then. */
  setAt: number;
  setBy: object | undefined;
  /** It fires again and again: what an ended request began so is no longer its work. */
  repeats: boolean;
  /** Bytes came of its answer, which is not over. */
  part: Operation | undefined;
  /** Messages were delivered: what an ended request listens with is no longer its work. */
  delivers: boolean;
  /** When such a piece or message came; NaN = none did. */
  heardAt: number;
} = {
  firedAt: Number.NaN,
  setAt: Number.NaN,
  setBy: undefined,
  repeats: false,
  part: undefined,
  delivers: false,
  heardAt: Number.NaN,
};

let rounds = 0;

/** A timer fired. */
export function beginTimer(firedAt: number, setAt: number, setBy: object | undefined, repeats: boolean): void {
  dispatch.firedAt = firedAt;
  dispatch.setAt = setAt;
  dispatch.setBy = setBy;
  dispatch.repeats = repeats;
  dispatch.part = undefined;
  dispatch.delivers = false;
  dispatch.heardAt = Number.NaN;
  watch();
}

/** More of an answer came. */
export function beginPart(op: Operation, at: number): void {
  dispatch.firedAt = Number.NaN;
  dispatch.setBy = undefined;
  dispatch.repeats = false;
  dispatch.part = op;
  dispatch.heardAt = at;
  watch();
}

/** A message came that nobody asked for now. */
export function beginDelivery(at: number): void {
  dispatch.firedAt = Number.NaN;
  dispatch.setBy = undefined;
  dispatch.repeats = false;
  dispatch.delivers = true;
  dispatch.heardAt = at;
  watch();
}

/**
 * All queued ticks run before any microtask, and all microtasks before the next tick: after two rounds through both
 * the dispatch is over.
 */
function watch(): void {
  const known = rounds > 0;
  rounds = 2;
  if (!known) queueMicrotask(soon);
}

const soon = () => nextTick(round);

function round(): void {
  if (--rounds > 0) queueMicrotask(soon);
  else {
    dispatch.firedAt = Number.NaN;
    dispatch.setBy = undefined;
    dispatch.repeats = false;
    dispatch.part = undefined;
    dispatch.delivers = false;
    dispatch.heardAt = Number.NaN;
  }
}
