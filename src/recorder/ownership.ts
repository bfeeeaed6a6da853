// Whose operation is it? A library's queue, pool or pipeline writes a request in anybody's context, so what is known
// at the write is a first guess only. An operation belongs to whoever receives its answer: at the answer a window
// opens, in which the contexts and frames that go on are noted, until the dispatch is over.
//
//   asked(op) ──────────── answered(op) ─┬─ reactions, awaits and callbacks run ─┬─ end of the dispatch
//   guess: store, frame    window opens ─┘  noted in their order                 └─ decide, settle, onSettled(op)
//
// Rules, in words: see decide(), match() and placeInRoot(). "none" is better than a guess.

import { Cause, Rule } from '../model/schema.ts';
import type { Exchange } from '../protocols/decoder.ts';
import { now } from './clock.ts';
import { currentStore, type Neutral, type Store, skipReaction, watchReactions } from './context.ts';
import {
  answer,
  askingFrame,
  claim,
  disown,
  type Frame,
  isNewlySettled,
  isOpen,
  isWaiting,
  leavesOf,
  open,
  settled,
  topFrame,
  type Wait,
  watchResumes,
} from './frames.ts';
import { type Operation, type Peer, Root } from './operation.ts';
import { count } from './span-buffer.ts';

/** How an operation was asked: Operation.note. */
class Ask {
  /** The guess can be believed, unless its answer contradicts it. */
  trusted = false;
  /** Told by adopt(): no guess. */
  exact = false;
  /** Not by the context of the writing only. */
  told = false;
  /** The frame that counts the operation as its own open one. */
  frame: Frame | undefined = undefined;
  /** Written in a connection's own events. */
  neutral: Neutral | undefined = undefined;
  /** What its function had waited for when it wrote: for the connection, unless it is explained otherwise. */
  before: Wait | undefined = undefined;
  /** The operation that the handler of its answer wrote. */
  chained: Operation | undefined = undefined;
  /** Operations that wait for this one's owner. */
  followers: Operation[] | undefined = undefined;
  /** The owner is known, but the exchange is not over. */
  early = false;
  done = false;
  /** The window that its answer is in. */
  window: Window | undefined = undefined;
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
  /** Operations whose owner is not final. */
  left = 0;
  /** Its end is queued. */
  armed = false;
  first = true;
  marked = false;
  /** Something ran in the context of a request that was over: a library's own, or the owner's. */
  ended = false;
  /** What functions wrote before it closed: they may have waited for the connection, not for an answer. */
  written: Operation[] | undefined = undefined;
  rounds = 0;
  /** Reactions that ran, whoever's. */
  ran = 0;
  counted = 0;

  constructor(at: number) {
    this.at = at;
  }
}

/** More than this in one dispatch says nothing anyway. */
const maxSights = 1_000;
const maxRun = 64;

/** Kept from the start: a test's fake timers do not reach them. */
const { nextTick } = process;
const { queueMicrotask } = globalThis;
const { then } = Promise.prototype;
const resolved = Promise.resolve();

let emit: (op: Operation) => void = () => {};
let window: Window | undefined;
/** Operations asked in this synchronous run. */
let run: Operation[] = [];

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

/**
 * The first byte of a request is being written now.
 * @param told the context is that of the call which asked, not the writing's own
 */
export function asked(op: Operation, told = false): void {
  const ask = askOf(op);
  ask.told = told;
  const frame = askingFrame();
  const store = currentStore();
  if (frame?.root !== undefined) {
    op.root = frame.root;
    ask.trusted = true;
    setFrame(op, ask, frame);
    ask.before = granted(frame, op);
  } else if (store instanceof Root) {
    if (!store.ended) {
      op.root = store;
      ask.trusted = true;
    }
  } else {
    ask.neutral = store;
    if (window !== undefined && store !== undefined) chain(window, op);
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
  if (window !== undefined && frame !== undefined) {
    window.written ??= [];
    window.written.push(op);
  }
  watchReactions(window === undefined ? endRun : react);
}

/** A pool that has a connection again gives it to the next within this time, however busy the event loop. */
const grantNs = 2e6;

/** The wait that ended just before, when a connection that had answered, or was ready, in the meantime was given. */
function granted(frame: Frame, op: Operation): Wait | undefined {
  const wait = frame.waits?.[frame.waits.length - 1];
  if (wait === undefined || wait.cause !== Cause.other || wait.end < frame.stopped) return undefined;
  const heard = op.peer.heardAt;
  return heard >= wait.start && wait.end - heard < grantNs ? wait : undefined;
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

/**
 * The exchange closed with its answer; the library has not seen the chunk yet.
 * @param together it is told in the dispatch of the answers before it, in a tick of its own (HTTP/2's streams)
 */
export function answered(op: Operation, together = false): void {
  const ask = askOf(op);
  if (ask.done) {
    over(op, ask);
    return;
  }
  ask.early = false;
  let at = Number.isNaN(op.exchange.lastIn) ? now() : op.exchange.lastIn;
  if (together && window !== undefined) at = window.at;
  if (Number.isNaN(op.closedAt)) op.closedAt = at;
  if (op.exchange.oneWay) {
    settleAsGuessed(op, ask);
    return;
  }
  openWindow(op, ask, at);
}

/** The answer is not over, but says already that it failed: a library may not wait for the rest. */
export function failing(op: Operation, at: number): void {
  const ask = askOf(op);
  if (ask.done || ask.early || ask.exact) return;
  op.closedAt = at;
  ask.early = true;
  openWindow(op, ask, at);
}

/** Its owner was known before its end. */
function over(op: Operation, ask: Ask): void {
  if (!ask.early) return;
  ask.early = false;
  emit(op);
}

/** The exchange closed without an answer: time-out, error, lost connection. Whoever is told of it is its owner. */
export function failed(op: Operation): void {
  const ask = askOf(op);
  if (ask.done) {
    over(op, ask);
    return;
  }
  ask.early = false;
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
  if (ask.done) {
    over(op, ask);
    return;
  }
  ask.early = false;
  settleAsGuessed(op, ask);
}

function openWindow(op: Operation, ask: Ask, at: number): void {
  if (window !== undefined && window.at !== at) closeWindow();
  if (window === undefined) {
    const w = new Window(at);
    window = w;
    run = [];
    watchReactions(react);
    watchResumes(resumed);
    if (!handing) arm(w);
  }
  window.ops.push(op);
  window.left++;
  ask.window = window;
  if (ask.trusted && ask.frame !== undefined) answer(ask.frame, op, at);
}

/** A chunk with an answer is being handed to its library, and `handedOver` will be called. */
let handing = false;
/** Reactions of ours that are queued: only the last one ends a window. */
let queued = 0;

/** The chunk that arrived goes to the library now: callbacks run at once, reactions are queued. */
export function handOver(): void {
  handing = true;
}

/** The library has seen the chunk. Where a callback received the only answer, nothing need be queued. */
export function handedOver(): void {
  handing = false;
  if (window !== undefined && !window.armed) arm(window);
}

/** Queues the end of the window: behind the reactions that are queued now. */
function arm(w: Window): void {
  w.armed = true;
  queued++;
  skipReaction(then.call(resolved, afterReactions));
}

function afterReactions(): void {
  if (--queued === 0 && window !== undefined) nextTick(quiet, window);
}

const maxRounds = 8;

/**
 * Closes the window once its dispatch has nothing left to run. All queued ticks run before any microtask, and all
 * microtasks before the next tick: from the dispatch through a microtask to a tick, everything that could be run was.
 * Two such rounds, as what ran may have queued ticks behind ours; one, if the only answer was received.
 */
function quiet(w: Window): void {
  if (window !== w) return;
  const before = w.counted;
  w.counted = w.ran;
  const found = w.left === 0 || (w.ops.length === 1 && w.sights.some(({ frame }) => frame !== undefined));
  if (!found && w.rounds < maxRounds && (w.rounds < 1 || w.counted !== before)) {
    w.rounds++;
    arm(w);
    return;
  }
  try {
    closeWindow();
  } catch (fault) {
    count('off.windows', fault instanceof Error ? fault.name : '', 1);
  }
}

/** A promise reaction or an await's continuation is about to run in the context of `store`. */
function react(store: Store | undefined): void {
  const w = window;
  if (w === undefined) return;
  w.ran++;
  if (run.length > 0) run = [];
  if (!(store instanceof Root) || w.sights.length >= maxSights) return;
  if (store.ended) {
    w.ended = true;
    return;
  }
  if (!w.marked && w.ops.length > 1) {
    // Microtasks run in the order they were queued: what this one, the first, queues comes after the mark.
    w.marked = true;
    queueMicrotask(() => {
      w.first = false;
    });
  }
  // One answer's owner is not a matter of how often its request's code goes on.
  const last = w.ops.length === 1 ? w.sights[w.sights.length - 1] : undefined;
  if (last !== undefined && last.root === store && last.frame === undefined) return;
  w.sights.push({ root: store, frame: undefined, wait: undefined, at: now(), first: w.first });
}

/**
 * A frame went on, or a callback of its own was called, and no called function's end explains it.
 * @param answer the last answer to an operation that it had asked for since it stopped
 * @param calledBack it may be called again for the same answer
 */
function resumed(frame: Frame, wait: Wait, answer: Operation | undefined, calledBack: boolean): void {
  const w = window;
  const { root } = frame;
  if (w === undefined || root === undefined || w.sights.length >= maxSights) return;
  // It stopped within this window: what it waited for was not one of these answers.
  if (wait.start > w.at) return;
  const sight = { root, frame, wait, at: wait.end, first: w.first };
  w.sights.push(sight);
  if (answer === undefined || !receives(w, frame, answer)) return;
  settleWith(answer, sight, frame);
  if (--w.left === 0 && !calledBack) closeWindow();
}

/** The usual: the function that asked is the one that goes on. decide() would come to the same. */
function receives(w: Window, frame: Frame, op: Operation): boolean {
  const ask = op.note as Ask;
  if (ask.frame !== frame || !ask.trusted || ask.exact || ask.done || op.exchange.setup) return false;
  if (op.root !== frame.root || ask.window !== w) return false;
  if (w.ops.length > 1) return true;
  // Another function's going on before may be the answer's, or a pool's gift.
  for (const one of w.sights) if (one.frame !== undefined && one.frame !== frame) return false;
  return (
    w.written === undefined || !w.written.some((next) => next.peer === op.peer && isUnder(next.frame as Frame, frame))
  );
}

// --- deciding

function closeWindow(): void {
  const w = window;
  if (w === undefined) return;
  window = undefined;
  watchReactions(run.length > 0 ? endRun : undefined);
  try {
    if (w.left > 0 && (!(w.ops[0].note as Ask).early || w.sights.some(({ frame }) => frame !== undefined))) decide(w);
  } finally {
    watchResumes(undefined);
  }
}

/** The usual: one answer, and the function that asked went on first. As decide() would, with less ado. */
function settleWithAsker({ ops, sights, written }: Window): boolean {
  const op = ops[0];
  const frame = op.frame as Frame | undefined;
  if (ops.length > 1 || frame === undefined || op.root === undefined || op.exchange.setup) return false;
  if (!(op.note as Ask).trusted) return false;
  const sight = sights.find((one) => one.frame !== undefined);
  if (sight === undefined || sight.frame !== frame || sight.root !== op.root) return false;
  if (written !== undefined && isGranted(sight, op.peer, written)) return false;
  settleWith(op, sight, frame);
  return true;
}

/** A pool's usual: one answer, no function known to have asked, and those of one request went on. As decide() would. */
function settleInOnlyRoot({ ops, sights, written }: Window): boolean {
  if (ops.length !== 1 || written !== undefined || sights.length === 0) return false;
  const op = ops[0];
  const ask = op.note as Ask;
  if (ask.exact || op.exchange.setup) return false;
  const { root } = sights[0];
  if (ask.trusted && (op.frame !== undefined || op.root !== root)) return false;
  let first: Sight | undefined;
  let several = false;
  for (const sight of sights) {
    if (sight.root !== root) return false;
    if (sight.frame === undefined) continue;
    if (first === undefined) first = sight;
    else if (sight.frame !== first.frame) several = true;
  }
  if (first === undefined) return false;
  if (op.root !== root) {
    op.root = root;
    setFrame(op, ask, undefined);
  }
  if (!several && op.frame === undefined) {
    settleWith(op, first, first.frame);
    return true;
  }
  placeInRoot(root, ops, sights);
  return true;
}

function decide(w: Window): void {
  if (settleWithAsker(w) || settleInOnlyRoot(w)) return;
  const sights = w.ops.length === 1 && w.written !== undefined ? withoutGranted(w, w.written) : w.sights;
  const frames = sights.filter(({ frame }) => frame !== undefined);
  const picks = new Map<Operation, Sight | undefined>();
  const unsure: Operation[] = [];
  let heard: Set<Root> | undefined;
  for (const op of w.ops) {
    const ask = op.note as Ask;
    if (ask.exact || ask.done) picks.set(op, undefined);
    else if (op.exchange.setup && ask.neutral?.creator !== undefined) settleAsGuessed(op, ask);
    else if (ask.trusted && op.frame && sights.some(({ root }) => root === op.root)) picks.set(op, undefined);
    else {
      heard ??= listeners(w, frames);
      if (ask.trusted && heard.has(op.root as Root)) picks.set(op, undefined);
      // An ended request is not seen in a window: that it was not is no contradiction.
      else if (ask.trusted && op.frame && op.root?.ended && w.ops.length > 1) settleAsGuessed(op, ask);
      else if (ask.trusted && op.frame && heard.size > 0 && !isHeardByOne(w, op, frames)) doubt(op, ask);
      else unsure.push(op);
    }
  }
  if (heard !== undefined && unsure.length === 1) {
    const taken = new Set([...picks.keys()].map(({ root }) => root));
    const among = sights.filter(({ root }) => heard.has(root));
    const free = among.filter(({ root }) => !taken.has(root));
    picks.set(unsure[0], best(free.length > 0 ? free : among));
  } else if (heard !== undefined && unsure.length > 1) {
    const sure = [...picks.keys()].map(({ root }) => root as Root);
    const matched = match(unsure, sights, heard, sure);
    for (let i = 0; i < unsure.length; i++) picks.set(unsure[i], matched?.[i]);
  }
  // Whose root is known now; which of its frames?
  const byRoot = new Map<Root, Operation[]>();
  for (const op of w.ops) {
    if (!picks.has(op)) continue;
    const sight = picks.get(op);
    const ask = op.note as Ask;
    if (ask.done) continue;
    if (sight !== undefined && op.root !== sight.root) {
      if (ask.trusted) count('contradictions', op.peer.address, 1);
      op.root = sight.root;
      setFrame(op, ask, undefined);
    }
    if (
      op.root === undefined ||
      (sight === undefined && !heard?.has(op.root) && !(ask.trusted && op.frame) && !ask.exact)
    ) {
      settleUnseen(op, ask);
      continue;
    }
    const group = byRoot.get(op.root);
    if (group === undefined) byRoot.set(op.root, [op]);
    else group.push(op);
  }
  for (const [root, ops] of byRoot) placeInRoot(root, ops, sights);
}

/**
 * A pool gives the connection to the next who waits for it in the dispatch of the answer to the one before. That one
 * goes on, too, and writes on it.
 */
function withoutGranted({ ops, sights }: Window, written: readonly Operation[]): readonly Sight[] {
  const { peer } = ops[0];
  if (!sights.some((sight) => sight.frame !== undefined && !isGranted(sight, peer, written))) return sights;
  return sights.filter((sight) => !isGranted(sight, peer, written));
}

const isGranted = ({ frame }: Sight, peer: Peer, written: readonly Operation[]): boolean =>
  frame !== undefined && written.some((op) => op.peer === peer && isUnder(op.frame as Frame, frame));

/** The only answer let go on functions of one request, while the one that had written it is over: it was its pool's. */
const isHeardByOne = ({ ops }: Window, op: Operation, frames: readonly Sight[]): boolean =>
  ops.length === 1 &&
  frames.length > 0 &&
  !isOpen(op.frame as Frame) &&
  frames.every(({ root }) => root === frames[0].root);

/**
 * The roots in which somebody of the user's received something: a frame that went on, or the promise that a function
 * returned. Where there is none, those in whose context anything ran: a library's own continuations may run in
 * another request's.
 */
function listeners({ sights, ended }: Window, frames: readonly Sight[]): Set<Root> {
  const heard = new Set(frames.map(({ root }) => root));
  const roots = new Set(sights.map(({ root }) => root));
  if (roots.size > heard.size) for (const root of roots) if (!heard.has(root) && hasSettled(root)) heard.add(root);
  if (heard.size > 0 || roots.size > 1 || ended) return heard;
  return roots;
}

/** Asked by a function that is not seen to receive the answer, which others are: forgotten, or another's. */
function doubt(op: Operation, ask: Ask): void {
  count('contradictions', op.peer.address, 1);
  setFrame(op, ask, undefined);
  op.root = undefined;
  op.rule = Rule.uncertain;
  settleWith(op, undefined, undefined);
}

const hasSettled = (root: Root): boolean => leavesOf(root)?.returned.some(isNewlySettled) ?? false;

/** Told by a frame, or by a request's context rather than by that of work which no request asked for. */
const best = (sights: readonly Sight[]): Sight | undefined =>
  sights.find(({ frame }) => frame !== undefined) ?? sights.find(({ root }) => root.request) ?? sights[0];

/** The operations of one window that are a root's: in which of its frames, and when did they go on? */
function placeInRoot(root: Root, ops: readonly Operation[], sights: readonly Sight[]): void {
  const own = sights.filter((sight) => sight.root === root);
  const frames: Sight[] = [];
  for (const sight of own) if (sight.frame && !frames.some(({ frame }) => frame === sight.frame)) frames.push(sight);
  const left: Operation[] = [];
  // What the asking frame says of itself stands, unless it still waits while others went on.
  for (const op of ops) {
    const frame = op.frame as Frame | undefined;
    const at = frame === undefined ? -1 : frames.findIndex((sight) => isUnder(frame, sight.frame as Frame));
    if (at >= 0) {
      const sight = frames[at];
      if (sight.frame === frame) frames.splice(at, 1);
      settleWith(op, sight, frame);
    } else if (frame !== undefined && !(isStale(frame, ops) && frames.length > 0)) settleWith(op, own[0], frame);
    else left.push(op);
  }
  if (left.length === 0) return;
  if (left.length <= frames.length) {
    const picked = left.length < frames.length ? frames : frames.sort(byAsking);
    for (let i = 0; i < left.length; i++) settleWith(left[i], picked[i], picked[i].frame);
    return;
  }
  // More answers than frames that went on: the others' are those of functions that returned a promise, settled now,
  // or one of several that a frame awaits together.
  const leaves = leavesOf(root);
  const returned: Candidate[] = [];
  for (const frame of leaves?.returned ?? []) {
    if (isNewlySettled(frame)) returned.push({ frame, since: frame.stopped, sight: undefined });
  }
  const candidates = frames.map((sight): Candidate => {
    return { frame: sight.frame as Frame, since: (sight.wait as Wait).start, sight };
  });
  candidates.push(...returned);
  candidates.sort((a, b) => a.since - b.since);
  if (candidates.length === left.length) {
    for (let i = 0; i < left.length; i++) {
      const { frame, sight } = candidates[i];
      settleWith(left[i], sight ?? own[0], frame);
    }
    return;
  }
  const together = leaves !== undefined && leaves.returned.length === 0 ? leaves.waiting : [];
  const sole = oneFunction(candidates.length > 0 ? candidates.map(({ frame }) => frame) : together);
  for (let i = 0; i < left.length; i++) {
    const frame = sole === undefined ? undefined : (candidates[i]?.frame ?? sole);
    settleWith(left[i], candidates[i]?.sight ?? own[0], frame);
  }
}

/** It still waits, or is over and cannot have received the only answer. */
const isStale = (frame: Frame, ops: readonly Operation[]): boolean =>
  isWaiting(frame) || (ops.length === 1 && !isOpen(frame));

interface Candidate {
  readonly frame: Frame;
  /** Since when it waits: the order in which they asked. */
  readonly since: number;
  readonly sight: Sight | undefined;
}

const byAsking = (a: Sight, b: Sight): number => (a.wait?.start ?? 0) - (b.wait?.start ?? 0);

/** The first of several frames when all are of the same function. */
const oneFunction = (frames: readonly Frame[]): Frame | undefined =>
  frames.every(({ site }) => site === frames[0].site) ? frames[0] : undefined;

function isUnder(frame: Frame, above: Frame): boolean {
  for (let one: Frame | undefined = frame; one !== undefined; one = one.parent) if (one === above) return true;
  return false;
}

/**
 * Whose each of several answers of one dispatch is. The order is that of the reactions which the dispatch itself
 * queued; frames that went on say who is a member at all. undefined = cannot be said.
 */
function match(
  ops: readonly Operation[],
  sights: readonly Sight[],
  heard: Set<Root>,
  sure: readonly Root[],
): (Sight | undefined)[] | undefined {
  const frames = sights.filter(({ frame }) => frame !== undefined);
  let order = sights.filter(({ first, frame }) => first && frame === undefined);
  if (order.length === 0) order = sights.filter(({ frame }) => frame === undefined);
  if (order.length !== ops.length + sure.length) order = order.filter(({ root }) => heard.has(root));
  // Each answer whose owner is known already has a reaction of its own in the order.
  for (const root of sure) {
    const at = order.findIndex((sight) => sight.root === root);
    if (at >= 0) order.splice(at, 1);
  }
  if (order.length === 0) order = frames;
  if (order.length === 0) return undefined;
  const roots = [...new Set(order.map(({ root }) => root))];
  let picked: Root[];
  if (roots.length === 1) picked = ops.map(() => roots[0]);
  else if (order.length === ops.length) picked = order.map(({ root }) => root);
  else if (roots.length === ops.length) picked = roots;
  else if (frames.length === ops.length) {
    const place = new Map(roots.map((root, i) => [root, i]));
    picked = frames.map(({ root }) => root).sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  } else return undefined;
  return picked.map((root) => order.find((sight) => sight.root === root));
}

/** Nobody was seen to receive it: a chain's, or as guessed. */
function settleUnseen(op: Operation, ask: Ask): void {
  const { chained } = ask;
  if (chained !== undefined && !ask.trusted && !(chained.note as Ask).done && !op.exchange.setup) {
    const next = chained.note as Ask;
    next.followers ??= [];
    next.followers.push(op);
    return;
  }
  // A library's own chain of promises may run in the context of a request that only began it.
  if (ask.trusted && ask.frame === undefined && !ask.told) distrust(op);
  settleAsGuessed(op, ask);
}

/** Without any answer, or without anybody who received it. */
function settleAsGuessed(op: Operation, ask: Ask): void {
  if (ask.trusted) {
    const frame = ask.frame ?? (op.root && oneFunction(leavesOf(op.root)?.waiting ?? []));
    settleWith(op, undefined, frame);
    return;
  }
  const creator = ask.neutral?.creator;
  if (op.exchange.setup && creator !== undefined) {
    op.root = creator;
    op.rule = Rule.creator;
    settleWith(op, undefined, ask.neutral?.frame as Frame | undefined);
    return;
  }
  op.rule = op.rule === Rule.none ? Rule.none : Rule.uncertain;
  op.root = undefined;
  settleWith(op, undefined, undefined);
}

/** Final: `op.root` owns it, in `frame`, which went on as `sight` says. */
function settleWith(op: Operation, sight: Sight | undefined, frame: Frame | undefined): void {
  const ask = op.note as Ask;
  if (ask.done) return;
  ask.done = true;
  const { root } = op;
  if (sight !== undefined) {
    op.resumedAt = sight.at;
    if (!ask.exact) op.rule = sight.frame !== undefined && sight.frame === frame ? Rule.resumeUser : Rule.resume;
  }
  if (frame !== ask.frame) {
    setFrame(op, ask, frame);
    ask.before = undefined;
  }
  op.frame = frame;
  const wait = sight?.frame === frame ? sight?.wait : undefined;
  if (wait !== undefined) {
    wait.cause = Cause.operation;
    wait.by = op.id;
  }
  if (frame !== undefined && !ask.exact && !op.exchange.setup) {
    const { before } = ask;
    if (before !== undefined && before.cause === Cause.other && before !== wait) {
      before.cause = Cause.operation;
      before.by = op.id;
      op.askedAt = before.start;
    }
    askedSince(op, frame, wait);
  }
  if (frame !== undefined) {
    if (wait === undefined && !op.exchange.setup) answer(frame, op, op.closedAt);
    if (op.line === 0) op.line = wait?.line || frame.stopLine;
    if (op.exchange.setup) disown(frame);
    else settled(frame, Number.isNaN(op.resumedAt) ? op.closedAt : op.resumedAt);
    // What opens a connection is not written itself, unless it failed.
    if (!op.exchange.setup || op.exchange.error !== '') claim(frame);
  } else if (root !== undefined && !root.request) {
    const top = topFrame(root);
    if (top !== undefined) claim(top);
  }
  ask.frame = undefined;
  ask.window = undefined;
  if (!ask.early) emit(op);
  const { followers } = ask;
  ask.followers = undefined;
  if (followers !== undefined) for (const follower of followers) follow(follower, op);
}

/** A statement is prepared for the sake of its first execution. Anything else may as well be the next in a queue. */
const isPart = (one: Exchange, next: Exchange): boolean =>
  one.operation.startsWith('PREPARE ') && one.operation === `PREPARE ${next.operation}`;

/** A pool sees whether a connection lives before it gives it: for the next one's sake, but no function asked. */
const isCheck = ({ operation }: Exchange): boolean => operation === 'PING';

/** A request that had to queue was asked when its owner began to wait, or had the answer before this one. */
function askedSince(op: Operation, frame: Frame, wait: Wait | undefined): void {
  const since = wait?.start ?? frame.stopped;
  const from = Math.max(frame.settledAt, since);
  if (from > 0 && from < op.askedAt) op.askedAt = from;
}

/** `op`'s answer let nobody go on, and its handler wrote `next`, which is settled now. */
function follow(op: Operation, next: Operation): void {
  const part = isPart(op.exchange, next.exchange);
  op.root = part || isCheck(op.exchange) ? next.root : undefined;
  op.rule = op.root === undefined ? Rule.uncertain : Rule.chain;
  settleWith(op, undefined, part ? (next.frame as Frame | undefined) : undefined);
}

/** Decides what is waiting for a window to close: at the end of the process. */
export function flushOwners(): void {
  if (window !== undefined) closeWindow();
}
