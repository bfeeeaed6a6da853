// Whose operation is it? A library's queue, pool or pipeline writes a request in anybody's context, so what is known
// at the write is a first guess only. An operation belongs to whoever receives its answer: at the answer a window
// opens, in which the contexts and frames that go on are noted, until the next dispatch.
//
//   asked(op) ──────────── answered(op) ─┬─ reactions, awaits and callbacks run ─┬─ next dispatch or setImmediate
//   guess: store, frame    window opens ─┘  noted in their order                 └─ decide, settle, onSettled(op)
//
// Rules, in words: see decide() and match(). "none" is better than a guess.

import { setImmediate as nodeSetImmediate } from 'node:timers';
import { Rule } from '../model/schema.ts';
import { now } from './clock.ts';
import { currentStore, type Neutral, type Store, watchReactions } from './context.ts';
import {
  answer,
  askingFrame,
  claim,
  disown,
  type Frame,
  open,
  settled,
  topFrame,
  type Wait,
  waitingLeaves,
  watchResumes,
} from './frames.ts';
import { type Operation, Root } from './operation.ts';
import { count } from './span-buffer.ts';

/** How an operation was asked: Operation.note. */
class Ask {
  /** The guess can be believed, unless its answer contradicts it. */
  trusted = false;
  /** Told by adopt(): no guess. */
  exact = false;
  /** The frame that counts the operation as its own open one. */
  frame: Frame | undefined = undefined;
  /** Written in a connection's own events. */
  neutral: Neutral | undefined = undefined;
  /** The operation that the handler of its answer wrote. */
  chained: Operation | undefined = undefined;
  /** Operations that wait for this one's owner. */
  followers: Operation[] | undefined = undefined;
  done = false;
}

/** Somebody who went on in a window. */
interface Sight {
  readonly root: Root;
  readonly frame: Frame | undefined;
  readonly wait: Wait | undefined;
  readonly at: number;
  /** Queued by the dispatch itself, not by what ran in it: these are in the order of the answers. */
  readonly first: boolean;
}

class Window {
  readonly ops: Operation[] = [];
  readonly sights: Sight[] = [];
  readonly at: number;
  first = true;
  marked = false;

  constructor(at: number) {
    this.at = at;
  }
}

/** More than this in one dispatch says nothing anyway. */
const maxSights = 1_000;
const maxRun = 64;

let emit: (op: Operation) => void = () => {};
let window: Window | undefined;
/** Operations asked in this synchronous run. */
let run: Operation[] = [];
let immediate = false;

/** `fn` is called exactly once for each operation, when its owner is final. */
export function onSettled(fn: (op: Operation) => void): void {
  emit = fn;
}

// --- asking

/** Who asks now. */
export interface Snapshot {
  readonly root: Root | undefined;
  readonly frame: Frame | undefined;
  readonly at: number;
}

/** Who asks now, for a request object whose bytes are written later; give it to `adopt`. */
export function snapshot(): Snapshot {
  const frame = askingFrame();
  const store = currentStore();
  const root = frame?.root ?? (store instanceof Root ? store : undefined);
  return { root, frame, at: now() };
}

/** The owner is known exactly: whoever made the request object. Instead of, or after, `asked`. */
export function adopt(op: Operation, from: Snapshot): void {
  const ask = askOf(op);
  if (ask.done) return;
  ask.exact = from.root !== undefined;
  ask.trusted = ask.exact;
  op.root = from.root;
  op.rule = ask.exact ? Rule.sync : Rule.none;
  op.askedAt = from.at;
  setFrame(op, ask, from.frame);
}

/** The first byte of a request is being written now. */
export function asked(op: Operation): void {
  const ask = askOf(op);
  const frame = askingFrame();
  const store = currentStore();
  if (frame?.root !== undefined) {
    op.root = frame.root;
    ask.trusted = true;
    setFrame(op, ask, frame);
  } else if (store instanceof Root) {
    if (!store.ended) {
      op.root = store;
      ask.trusted = true;
    }
  } else {
    ask.neutral = store;
    if (window !== undefined) chain(window, op);
  }
  const { firstOut } = op.exchange;
  op.askedAt = Number.isNaN(firstOut) ? now() : firstOut;
  if (!ask.trusted) return;
  op.rule = Rule.sync;
  // Several of one connection in one synchronous run: a flush of a queue, unless each was written by its frame.
  for (const other of run) {
    if (other.peer !== op.peer || other.root !== op.root) continue;
    if (frame !== undefined && other.exchange.firstOut !== firstOut) continue;
    distrust(other);
    distrust(op);
  }
  if (run.length < maxRun) run.push(op);
  watchReactions(window === undefined ? endRun : react);
}

function askOf(op: Operation): Ask {
  op.note ??= new Ask();
  return op.note as Ask;
}

function setFrame(op: Operation, ask: Ask, frame: Frame | undefined): void {
  if (ask.frame !== undefined) disown(ask.frame);
  ask.frame = frame;
  op.frame = frame;
  if (frame !== undefined) open(frame, op);
}

function distrust(op: Operation): void {
  const ask = op.note as Ask;
  if (!ask.exact) ask.trusted = false;
}

function endRun(): void {
  run = [];
  watchReactions(undefined);
}

/** The handler of an answer on this connection wrote the next operation. */
function chain(w: Window, op: Operation): void {
  for (let i = w.ops.length - 1; i >= 0; i--) {
    const answered = w.ops[i];
    if (answered.peer !== op.peer) continue;
    const ask = answered.note as Ask;
    ask.chained ??= op;
    return;
  }
}

// --- the answer

/** A chunk is about to reach a decoder: what was answered before belongs to an earlier dispatch. */
export function arrival(): void {
  if (window !== undefined) closeWindow();
  if (run.length > 0) endRun();
}

/** The exchange closed with its answer; the library has not seen the chunk yet. */
export function answered(op: Operation): void {
  const ask = askOf(op);
  if (ask.done) return;
  const at = Number.isNaN(op.exchange.lastIn) ? now() : op.exchange.lastIn;
  if (Number.isNaN(op.closedAt)) op.closedAt = at;
  if (op.exchange.oneWay) {
    settleAsGuessed(op, ask);
    return;
  }
  openWindow(op, ask, at);
}

/** The exchange closed without an answer: time-out, error, lost connection. Whoever is told of it is its owner. */
export function failed(op: Operation): void {
  const ask = askOf(op);
  if (ask.done) return;
  const at = now();
  if (Number.isNaN(op.closedAt)) op.closedAt = at;
  // One that had its answer but only now is known to be over (a turn of an unknown protocol) wakes nobody now.
  if (op.exchange.oneWay || (op.exchange.error === '' && op.exchange.lastIn < at)) {
    settleAsGuessed(op, ask);
    return;
  }
  openWindow(op, ask, at);
}

/** The exchange is over, and nobody is told of that now: the first guess stands. */
export function unheard(op: Operation): void {
  const ask = askOf(op);
  if (!ask.done) settleAsGuessed(op, ask);
}

function openWindow(op: Operation, ask: Ask, at: number): void {
  if (window !== undefined && window.at !== at) closeWindow();
  if (window === undefined) {
    window = new Window(at);
    run = [];
    watchReactions(react);
    watchResumes(resumed);
    if (!immediate) {
      immediate = true;
      nodeSetImmediate(afterDispatch).unref();
    }
  }
  window.ops.push(op);
  if (ask.trusted && ask.frame !== undefined) answer(ask.frame, op, at);
}

function afterDispatch(): void {
  immediate = false;
  if (window !== undefined) closeWindow();
}

/** A promise reaction or an await's continuation is about to run in the context of `store`. */
function react(store: Store | undefined): void {
  const w = window;
  if (w === undefined) return;
  if (run.length > 0) run = [];
  if (!(store instanceof Root) || store.ended || w.sights.length >= maxSights) return;
  if (!w.marked && w.ops.length > 1) {
    // Microtasks run in the order they were queued: what this one, the first, queues comes after the mark.
    w.marked = true;
    queueMicrotask(() => {
      w.first = false;
    });
  }
  w.sights.push({ root: store, frame: undefined, wait: undefined, at: now(), first: w.first });
}

/** A frame went on, or a callback of its own was called, and no called function's end explains it. */
function resumed(frame: Frame, wait: Wait): void {
  const w = window;
  const { root } = frame;
  if (w === undefined || root === undefined || w.sights.length >= maxSights) return;
  // It stopped within this window: what it waited for was not one of these answers.
  if (wait.start > w.at) return;
  w.sights.push({ root, frame, wait, at: wait.end, first: w.first });
}

// --- deciding

function closeWindow(): void {
  const w = window;
  if (w === undefined) return;
  window = undefined;
  watchReactions(run.length > 0 ? endRun : undefined);
  try {
    decide(w);
  } finally {
    watchResumes(undefined);
  }
}

function decide(w: Window): void {
  const { sights } = w;
  const unsure: Operation[] = [];
  for (const op of w.ops) {
    const ask = op.note as Ask;
    if (ask.exact) settleWith(op, ask, sightOf(op, sights, op.root), op.root, Rule.sync);
    else if (ask.trusted && sights.some(({ root }) => root === op.root)) {
      const sight = sightOf(op, sights, op.root);
      settleWith(op, ask, sight, op.root, sight?.frame ? Rule.resumeUser : Rule.resume);
    } else unsure.push(op);
  }
  if (unsure.length === 0) return;
  const left = unsure.length === w.ops.length ? sights : sights.filter((sight) => !isTaken(sight, w.ops));
  if (unsure.length === 1) {
    const op = unsure[0];
    const sight = left.find(({ frame }) => frame !== undefined) ?? best(left);
    settleBy(op, sight);
    return;
  }
  const matched = match(unsure, left);
  for (let i = 0; i < unsure.length; i++) settleBy(unsure[i], matched?.[i]);
}

/** Told by a request's context rather than by that of work which no request asked for, where there are both. */
const best = (sights: readonly Sight[]): Sight | undefined => sights.find(({ root }) => root.request) ?? sights[0];

const isTaken = (sight: Sight, ops: readonly Operation[]): boolean =>
  ops.some(
    (op) => (op.note as Ask).done && (sight.frame !== undefined ? op.frame === sight.frame : op.root === sight.root),
  );

/** Where a root's owner of an operation was seen: its own frame or one that called it, else any of the root's. */
function sightOf(op: Operation, sights: readonly Sight[], root: Root | undefined): Sight | undefined {
  if (root === undefined) return undefined;
  let any: Sight | undefined;
  for (const sight of sights) {
    if (sight.root !== root) continue;
    if (sight.frame !== undefined) {
      if (op.frame === undefined || isUnder(op.frame as Frame, sight.frame)) return sight;
      if (any?.frame === undefined) any = sight;
    }
    any ??= sight;
  }
  return any;
}

function isUnder(frame: Frame, above: Frame): boolean {
  for (let one: Frame | undefined = frame; one !== undefined; one = one.parent) if (one === above) return true;
  return false;
}

/**
 * Who received each of several answers of one dispatch. The order is that of the reactions which the dispatch itself
 * queued; frames that went on say who is a member at all. undefined = cannot be said.
 */
function match(ops: readonly Operation[], sights: readonly Sight[]): (Sight | undefined)[] | undefined {
  const count = ops.length;
  const frames = sights.filter(({ frame }) => frame !== undefined);
  const members = new Set(frames.map(({ root }) => root));
  let order = sights.filter(({ first, frame }) => first && frame === undefined);
  if (order.length === 0) order = sights.filter(({ frame }) => frame === undefined);
  if (frames.length > 0 && order.length > 0) {
    const filtered = order.filter(({ root }) => members.has(root));
    if (filtered.length > 0) order = filtered;
  }
  if (order.length === 0) order = frames;
  if (order.length === 0) return undefined;
  const roots = [...new Set(order.map(({ root }) => root))];
  let picked: Root[];
  if (roots.length === 1) picked = ops.map(() => roots[0]);
  else if (order.length === count) picked = order.map(({ root }) => root);
  else if (roots.length >= count) picked = roots.slice(0, count);
  else if (frames.length === count) {
    const place = new Map(roots.map((root, i) => [root, i]));
    picked = frames.map(({ root }) => root).sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  } else if (order.length > count) picked = order.slice(0, count).map(({ root }) => root);
  else return undefined;
  // In each root its frames in their order, the last one for what is over.
  const used = new Map<Root, number>();
  return picked.map((root) => {
    const own = frames.filter((sight) => sight.root === root);
    const at = used.get(root) ?? 0;
    used.set(root, at + 1);
    return own[Math.min(at, own.length - 1)] ?? order.find((sight) => sight.root === root);
  });
}

function settleBy(op: Operation, sight: Sight | undefined): void {
  const ask = op.note as Ask;
  if (sight !== undefined) {
    if (ask.trusted && op.root !== sight.root) count('contradictions', op.peer.address, 1);
    if (op.root !== sight.root) {
      op.root = sight.root;
      setFrame(op, ask, undefined);
    }
    settleWith(op, ask, sight, sight.root, sight.frame !== undefined ? Rule.resumeUser : Rule.resume);
    return;
  }
  if (ask.chained !== undefined && !ask.trusted && !(ask.chained.note as Ask).done && !op.exchange.setup) {
    const next = ask.chained.note as Ask;
    next.followers ??= [];
    next.followers.push(op);
    return;
  }
  settleAsGuessed(op, ask);
}

/** Nobody was seen to receive it. */
function settleAsGuessed(op: Operation, ask: Ask): void {
  if (ask.trusted) {
    settleWith(op, ask, undefined, op.root, op.rule);
    return;
  }
  const creator = ask.neutral?.creator;
  if (op.exchange.setup && creator !== undefined) {
    op.frame = undefined;
    const { frame } = ask.neutral as Neutral;
    settleWith(op, ask, undefined, creator, Rule.creator, frame as Frame | undefined);
    return;
  }
  const several = op.rule !== Rule.none;
  setFrame(op, ask, undefined);
  settleWith(op, ask, undefined, undefined, several ? Rule.uncertain : Rule.none);
}

/** Final: the root, the frame in it, when it went on. */
function settleWith(
  op: Operation,
  ask: Ask,
  sight: Sight | undefined,
  root: Root | undefined,
  rule: Rule,
  known?: Frame,
): void {
  if (ask.done) return;
  ask.done = true;
  op.root = root;
  op.rule = rule;
  let frame = known ?? ask.frame;
  const seen = sight?.frame;
  // The function that asked is deeper than the one that went on; any other that went on is a better witness.
  if (seen !== undefined && (frame === undefined || !isUnder(frame, seen))) frame = seen;
  if (frame === undefined && root !== undefined) frame = onlyLeaf(root, op);
  if (frame !== ask.frame) setFrame(op, ask, frame);
  op.frame = frame;
  if (sight !== undefined) op.resumedAt = sight.at;
  if (sight?.wait !== undefined && sight.frame === frame) {
    sight.wait.cause = 1;
    sight.wait.by = op.id;
  }
  if (frame !== undefined) {
    if (sight?.frame === undefined) answer(frame, op, op.closedAt);
    if (op.line === 0) op.line = sight?.wait?.line ?? frame.stopLine;
    settled(frame, Number.isNaN(op.resumedAt) ? op.closedAt : op.resumedAt);
  } else if (root !== undefined && !root.request) {
    const top = topFrame(root);
    if (top !== undefined) claim(top);
  }
  ask.frame = undefined;
  emit(op);
  const { followers } = ask;
  ask.followers = undefined;
  if (followers !== undefined) for (const follower of followers) follow(follower, op);
}

/** The frames that wait in a root, if they are all of one function: the one that waited first. */
function onlyLeaf(root: Root, op: Operation): Frame | undefined {
  const leaves = waitingLeaves(root)?.filter(({ stopped }) => stopped <= op.closedAt);
  if (leaves === undefined || leaves.length === 0) return undefined;
  return leaves.every(({ site }) => site === leaves[0].site) ? leaves[0] : undefined;
}

/** `op`'s answer let nobody go on, and its handler wrote `next`, which is settled now. */
function follow(op: Operation, next: Operation): void {
  const ask = op.note as Ask;
  const same = op.exchange.operation === next.exchange.operation || op.exchange.statement === next.exchange.statement;
  if (next.root !== undefined && same) {
    settleWith(op, ask, undefined, next.root, Rule.chain, next.frame as Frame | undefined);
  } else {
    setFrame(op, ask, undefined);
    settleWith(op, ask, undefined, undefined, Rule.uncertain);
  }
}

/** Decides what is waiting for a window to close: at the end of the process. */
export function flushOwners(): void {
  if (window !== undefined) closeWindow();
}
