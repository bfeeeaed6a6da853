// Under which request code runs: one AsyncLocalStorage, entered once for each inbound request, whose value is a
// mutable Root. What runs in the context of whoever opened a connection (the connection's own events) is told by a
// neutral value around `connect`, so that it is not taken for that request's work.
//
// And who runs next: a promise hook, always on as a promise's context is kept from its making, that calls nobody
// unless somebody watches (ownership.ts does, from an answer to the end of its dispatch).

import { AsyncLocalStorage } from 'node:async_hooks';
import { promiseHooks } from 'node:v8';
import { answeredRequest, hooked, limited, over } from './budget.ts';
import { nextSpanId } from './ids.ts';
import { type Peer, Root, type SpanId } from './operation.ts';
import { count } from './span-buffer.ts';

/** The value in the contexts that a connection's own events run in. */
export class Neutral {
  readonly peer: Peer | undefined;
  /** Who opened the connection. */
  readonly creator: Root | undefined;
  /** The frame that did (frames.ts). */
  readonly frame: object | undefined;

  constructor(peer: Peer | undefined, creator: Root | undefined, frame: object | undefined) {
    this.peer = peer;
    this.creator = creator;
    this.frame = frame;
  }
}

export type Store = Root | Neutral;

export interface RootFields {
  readonly trace: Uint32Array;
  readonly parent: SpanId | undefined;
  readonly request: boolean;
  readonly start: number;
}

/** The frame of the user function that runs now (frames.ts), where one does. */
export const here: { frame: object | undefined } = { frame: undefined };

const storage = new AsyncLocalStorage<Store>();

/** On Node 20 and 22 a store is a property of each promise; with AsyncContextFrame (24) it is V8's. */
const promiseKey = (storage as unknown as { kResourceStore?: symbol }).kResourceStore;

/** The store of the code that runs now. */
export const currentStore = (): Store | undefined => storage.getStore();

/** The root of the code that runs now: not known in a connection's own events. */
export function currentRoot(): Root | undefined {
  const store = storage.getStore();
  return store instanceof Root ? store : undefined;
}

/** A new root with an id of its own. */
export const openRoot = (fields: RootFields): Root =>
  new Root(fields.trace, nextSpanId(), fields.parent, fields.request, fields.start);

/** Calls `fn` with what it starts belonging to `root`; what it throws is thrown. */
export function runInRoot<T, A extends unknown[], R>(
  root: Root,
  fn: (this: T, ...args: A) => R,
  self: T,
  args: A | ArrayLike<unknown>,
): R {
  const outer = here.frame;
  here.frame = undefined;
  try {
    return storage.run(root, Reflect.apply as never, fn, self, args) as R;
  } finally {
    here.frame = outer;
  }
}

/** The rest of this synchronous run, and what it starts, belongs to `store`. */
export const enterStore = (store: Store | undefined): void => storage.enterWith(store as Store);

/** The request is answered or its connection closed: what still inherits its context owns nothing new. */
export function endRoot(root: Root, _at: number): void {
  root.ended = true;
  answeredRequest();
  over(root);
}

/** Calls `fn`, which opens a connection, so that the connection's events run in no request's context. */
export function neutral<R>(peer: Peer | undefined, fn: () => R): R {
  const store = storage.getStore();
  if (store instanceof Neutral && store.peer === undefined) return fn();
  const creator = store instanceof Root ? store : store?.creator;
  return storage.run(new Neutral(peer, creator, here.frame), fn);
}

// --- who runs next

let watcher: ((store: Store | undefined) => void) | undefined;

/** From now, `fn` is told the store of each promise reaction and await that is about to run; undefined = nobody is. */
export function watchReactions(fn: ((store: Store | undefined) => void) | undefined): void {
  watcher = fn;
}

let skipped: Promise<unknown> | undefined;

/** The reaction that this promise stands for is ours: nobody is told of it. Only of the last one. */
export function skipReaction(promise: Promise<unknown>): void {
  skipped = promise;
}

function beforeByProperty(promise: Promise<unknown>): void {
  if (limited) hooked();
  if (watcher === undefined || promise === skipped) return;
  try {
    watcher((promise as unknown as Record<symbol, Store | undefined>)[promiseKey!]);
  } catch (fault) {
    unwatch(fault);
  }
}

function beforeByFrame(promise: Promise<unknown>): void {
  if (limited) hooked();
  if (watcher === undefined || promise === skipped) return;
  try {
    watcher(storage.getStore());
  } catch (fault) {
    unwatch(fault);
  }
}

/** What a promise hook throws ends the process. */
function unwatch(fault: unknown): void {
  watcher = undefined;
  count('off.windows', fault instanceof Error ? fault.name : '', 1);
}

let stopSettled: (() => void) | undefined;

/** From now, `fn` is told each promise that is about to be settled, or to follow another; undefined = nobody is. */
export function watchSettled(fn: ((promise: Promise<unknown>) => void) | undefined): void {
  stopSettled?.();
  stopSettled = fn && (promiseHooks.onSettled(fn) as unknown as () => void);
}

let stop: (() => void) | undefined;

/** Begins to follow contexts; the process's own start is soon enough. */
export function startContexts(): void {
  if (stop) return;
  // Enables the storage's own hooks, where it has any, before ours and before the program's.
  storage.run(new Neutral(undefined, undefined, undefined), () => {});
  stop = promiseHooks.onBefore(promiseKey ? beforeByProperty : beforeByFrame) as unknown as () => void;
}

/** Never calls anybody again. */
export function stopContexts(): void {
  stop?.();
  stop = undefined;
  watchSettled(undefined);
  watcher = undefined;
}
