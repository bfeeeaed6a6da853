// Whose operation is it? A library's queue, pool or pipeline writes a request in anybody's context, so what is known
// at the write is a first guess only. An operation belongs to whoever receives its answer: at the answer a window
// opens, in which the contexts and frames that go on are noted, until the dispatch is over.
//
//   asked(op) ──────────── answered(op) ─┬─ reactions, awaits and callbacks run ─┬─ end of the dispatch
//   guess: store, frame    window opens ─┘  noted in their order                 └─ decide, settle, onSettled(op)
//
// Rules, in words: see decide(), matchByOrder() and placeInRoot(). "none" is better than a guess.

import { Cause, Rule } from '../model/schema.ts';
import type { Exchange } from '../protocols/decoder.ts';
import { enterOwn, leaveOwn } from './budget.ts';
import { now } from './clock.ts';
import { currentStore, type Store, skipReaction, watchReactions } from './context.ts';
import { beginPart } from './dispatch.ts';
import {
  answer,
  askingFrame,
  claim,
  disown,
  type Frame,
  forgetKept,
  hasOpenFrames,
  isNewlySettled,
  isOpen,
  isPending,
  isReturned,
  isWaiting,
  keepsPromises,
  leavesOf,
  open,
  settled,
  topFrame,
  type Wait,
  watchResumes,
} from './frames.ts';
import { lateness } from './lateness.ts';
import { Operation, type Peer, Root } from './operation.ts';
import { blockerIn } from './pauses.ts';
import { count } from './span-buffer.ts';

/** Somebody who went on in a window. */
interface Sight {
  root: Root;
  frame: Frame | undefined;
  wait: Wait | undefined;
  at: number;
  /** Queued by the dispatch itself, not by what ran in it: these are in the order of the answers. */
  first: boolean;
  /** Of a request that was over, with nothing left open: it says no more than its place in the order. */
  ended: boolean;
  /** It is the owner of an operation that is settled. */
  taken: boolean;
  /** What had run before it in the window: alike = in one go. */
  ran: number;
  /** Not a function that went on: a promise, given by a call in it, that is settled. */
  kept: object | undefined;
  /** Of that call and when it was made, where `wait` is another; 0 = `wait` says. */
  line: number;
  since: number;
}

/** When its owner asked, as far as a sight tells: began to wait, or made the call. */
const sinceOf = ({ since, wait }: Sight): number => since || (wait?.start ?? 0);

/** The one window there is at a time, and what was noted in it: kept, so that opening one makes nothing. */
class Window {
  /** Tells one from those before it. */
  number = 0;
  at = 0;
  /** Places for operations, the first `count` taken; `left` of them are not final, `parts` not to be decided here. */
  readonly ops: (Operation | undefined)[] = [];
  count = 0;
  left = 0;
  parts = 0;
  /** Places for sights, the first `seen` taken; `frames` of them are of frames. */
  readonly sights: Sight[] = [];
  seen = 0;
  frames = 0;
  /** Some are promises that may be settled. */
  keeps = false;
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

  see(root: Root, frame: Frame | undefined, wait: Wait | undefined, at: number, kept?: object): Sight {
    if (frame !== undefined && kept === undefined) this.frames++;
    let sight = this.sights[this.seen];
    if (sight === undefined) {
      const { first, ran } = this;
      sight = { root, frame, wait, at, first, ended: false, taken: false, ran, kept, line: 0, since: 0 };
      this.sights.push(sight);
    } else {
      sight.root = root;
      sight.frame = frame;
      sight.wait = wait;
      sight.at = at;
      sight.first = this.first;
      sight.ended = false;
      sight.taken = false;
      sight.ran = this.ran;
      sight.kept = kept;
      sight.line = 0;
      sight.since = 0;
    }
    this.seen++;
    return sight;
  }

  open(at: number): void {
    this.number++;
    this.at = at;
    this.armed = false;
    this.first = true;
    this.marked = false;
    this.ended = false;
    this.keeps = false;
    this.rounds = 0;
    this.ran = 0;
    this.counted = 0;
  }

  /** Keeps nothing of what was noted. */
  clear(): void {
    if (this.seen > maxKept || this.count > maxKept) {
      this.sights.length = 0;
      this.ops.length = 0;
    }
    for (let i = 0; i < this.ops.length && i < this.count; i++) this.ops[i] = undefined;
    for (let i = 0; i < this.sights.length && i < this.seen; i++) {
      const sight = this.sights[i];
      sight.root = undefined as never;
      sight.frame = undefined;
      sight.wait = undefined;
      sight.kept = undefined;
    }
    this.count = 0;
    this.left = 0;
    this.parts = 0;
    this.seen = 0;
    this.frames = 0;
    this.written = undefined;
  }
}

/** What a window has noted, to decide by. */
interface Noted {
  /** To be decided. */
  readonly ops: readonly Operation[];
  readonly sights: readonly Sight[];
  /** Reactions that the dispatch itself queued, whoever's. */
  readonly order: readonly Sight[];
  readonly ended: boolean;
  readonly written: readonly Operation[] | undefined;
}

/** More than this in one dispatch says nothing anyway. */
const maxSights = 10_000;
/** Places for operations and sights that stay. */
const maxKept = 64;
const maxRun = 64;
/** More than these do not wait for the last one's owner. */
const maxChain = 32;

/** An answer that waited this long for its owner to go on was held up by somebody. */
const blockedNs = 1e6;

/** Kept from the start: a test's fake timers do not reach them. */
const { nextTick } = process;
const { queueMicrotask } = globalThis;
const { then } = Promise.prototype;
const resolved = Promise.resolve();

let emit: (op: Operation) => void = () => {};
const theWindow = new Window();
/** `theWindow` while it is open. */
let window: Window | undefined;
/** The newest `maxRun` of the `inRun` operations asked in this synchronous run. */
const run: (Operation | undefined)[] = [];
let inRun = 0;

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

/** Who does something now that is not over before the call: `snapshot`, but nobody where a request only left its context. */
export function current(): Snapshot {
  const from = snapshot();
  return from.frame === undefined && from.root?.ended ? { ...from, root: undefined } : from;
}

/** The bytes were handed on by `from` before they were written: theirs, unless an answer tells better. */
export function askedBy(op: Operation, from: Snapshot): void {
  op.told = true;
  op.askedAt = from.at;
  if (from.root === undefined) return;
  op.root = from.root;
  op.trusted = true;
  op.rule = Rule.tag;
  setFrame(op, from.frame);
}

/** The owner is known exactly: whoever made the request object. Instead of, or after, `asked`. */
export function adopt(op: Operation, from: Snapshot): void {
  if (op.done) return;
  op.exact = from.root !== undefined;
  op.trusted = op.exact;
  op.root = from.root;
  op.rule = op.exact ? Rule.sync : Rule.none;
  op.askedAt = from.at;
  setFrame(op, from.frame);
}

/**
 * The first byte of a request is being written now.
 * @param told the context is that of the call which asked, not the writing's own
 */
export function asked(op: Operation, told = false): void {
  op.told = told;
  const frame = askingFrame();
  const store = currentStore();
  if (frame?.root !== undefined) {
    op.root = frame.root;
    op.trusted = true;
    setFrame(op, frame);
    op.before = granted(frame, op);
  } else if (store instanceof Root) {
    if (!store.ended) {
      op.root = store;
      op.trusted = true;
    }
    if (window !== undefined) chain(window, op);
  } else {
    op.neutral = store;
    if (window !== undefined && store !== undefined) chain(window, op);
  }
  const { firstOut } = op.exchange;
  op.askedAt = Number.isNaN(firstOut) ? now() : firstOut;
  if (!op.trusted) return;
  op.rule = Rule.sync;
  // Several of one connection in one synchronous run: a flush of a queue, unless each was written by its frame.
  for (let i = 0; i < inRun && i < maxRun; i++) {
    const other = run[i] as Operation;
    // One that is not answered may be settled already, as nobody's.
    if (other.peer !== op.peer || (other.root !== op.root && other.root !== undefined)) continue;
    if (frame !== undefined && other.exchange.firstOut !== firstOut) continue;
    distrust(other);
    distrust(op);
  }
  run[inRun++ % maxRun] = op;
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
  const wait = frame.lastWait;
  if (wait === undefined || !isOpenToBlame(wait) || wait.end < frame.stopped) return undefined;
  const heard = op.peer.heardAt;
  return heard >= wait.start && wait.end - heard < grantNs ? wait : undefined;
}

const isOpenToBlame = ({ cause, guessed }: Wait): boolean => cause === Cause.other || guessed;

function setFrame(op: Operation, frame: Frame | undefined): void {
  if (op.asker !== undefined) disown(op.asker);
  op.asker = frame;
  op.frame = frame;
  if (frame !== undefined) open(frame, op);
}

function distrust(op: Operation): void {
  if (!op.exact) op.trusted = false;
}

function endRun(): void {
  forgetRun();
  watchReactions(undefined);
}

function forgetRun(): void {
  for (let i = 0; i < inRun && i < maxRun; i++) run[i] = undefined;
  inRun = 0;
}

/** The handler of an answer on this connection wrote the next operation. */
function chain(w: Window, op: Operation): void {
  for (let i = w.count - 1; i >= 0; i--) {
    const answered = w.ops[i] as Operation;
    if (answered.peer !== op.peer) continue;
    answered.chained ??= op;
    return;
  }
}

// --- the answer

/** A chunk is about to reach a decoder: what was answered before belongs to an earlier dispatch. */
export function arrival(): void {
  if (window !== undefined) closeWindow();
  if (inRun > 0) endRun();
}

/**
 * The exchange closed with its answer; the library has not seen the chunk yet.
 * @param together it is told in the dispatch of the answers before it, in a tick of its own (HTTP/2's streams)
 */
export function answered(op: Operation, together = false): void {
  if (op.done) {
    over(op);
    return;
  }
  op.early = false;
  let at = Number.isNaN(op.exchange.lastIn) ? now() : op.exchange.lastIn;
  if (together && window !== undefined) at = window.at;
  if (Number.isNaN(op.closedAt)) op.closedAt = at;
  if (op.exchange.oneWay) {
    settleAsGuessed(op);
    return;
  }
  op.lain = lateness(op.peer.address, op.exchange, at);
  openWindow(op, at);
}

/** The answer is not over, but whoever reads it as it comes goes on. */
export function partly(op: Operation): void {
  if (hasOpenFrames() && window === undefined) beginPart(op, op.exchange.lastIn);
}

/** The answer is not over, but says already that it failed: a library may not wait for the rest. */
export function failing(op: Operation, at: number): void {
  if (op.done || op.early || op.exact) return;
  op.closedAt = at;
  op.early = true;
  openWindow(op, at);
}

/** Its owner was known before its end. */
function over(op: Operation): void {
  if (!op.early) return;
  op.early = false;
  emit(op);
}

/** The exchange closed without an answer: time-out, error, lost connection. Whoever is told of it is its owner. */
export function failed(op: Operation): void {
  if (op.done) {
    over(op);
    return;
  }
  op.early = false;
  if (Number.isNaN(op.closedAt)) op.closedAt = now();
  // All that a connection was to answer fails at once: they share a window.
  const at = op.closedAt;
  // One that had its answer but only now is known to be over (a turn of an unknown protocol) wakes nobody now.
  if (op.exchange.oneWay || (op.exchange.error === '' && op.exchange.lastIn < at)) {
    settleAsGuessed(op);
    return;
  }
  openWindow(op, at);
}

/** The exchange is over, and nobody is told of that now: the first guess stands. */
export function unheard(op: Operation): void {
  if (op.done) {
    over(op);
    return;
  }
  op.early = false;
  settleAsGuessed(op);
}

function openWindow(op: Operation, at: number): void {
  if (window !== undefined && window.at !== at) closeWindow();
  if (window === undefined) {
    window = theWindow;
    window.open(at);
    forgetRun();
    watchReactions(react);
    watchResumes(resumed, keptSettled);
    if (!handing) arm(window);
  }
  window.ops[window.count++] = op;
  op.window = window.number;
  const whole = wholeOf(op);
  if (whole !== undefined) {
    window.parts++;
    whole.followers ??= [];
    whole.followers.push(op);
    return;
  }
  window.left++;
  if (op.trusted && op.asker !== undefined) answer(op.asker, op, at);
}

/** The operation whose answer brings this one's result: their owner is one. */
function wholeOf({ exchange: { within } }: Operation): Operation | undefined {
  const whole = within?.note;
  return whole instanceof Operation && !whole.done ? whole : undefined;
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
  if (--queued === 0 && window !== undefined) nextTick(quiet, window.number);
}

const maxRounds = 8;

/**
 * Closes the window once its dispatch has nothing left to run. All queued ticks run before any microtask, and all
 * microtasks before the next tick: from the dispatch through a microtask to a tick, everything that could be run was.
 * Two such rounds, as what ran may have queued ticks behind ours; one, if the only answer was received.
 */
function quiet(number: number): void {
  const w = window;
  if (w === undefined || w.number !== number) return;
  const since = enterOwn();
  closeIfQuiet(w);
  leaveOwn(since);
}

function closeIfQuiet(w: Window): void {
  const before = w.counted;
  w.counted = w.ran;
  const found = w.left === 0 || (w.count === 1 && w.frames > 0);
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
  if (inRun > 0) forgetRun();
  if (!(store instanceof Root) || w.seen >= maxSights) return;
  const isOver = store.ended && store.frames === 0 && !keepsPromises(store);
  if (isOver) w.ended = true;
  if (w.count === 1) {
    // One answer's owner is not a matter of how often its request's code goes on.
    const last = w.seen > 0 ? w.sights[w.seen - 1] : undefined;
    if (last !== undefined && last.root === store && last.frame === undefined) return;
    w.see(store, undefined, undefined, now()).ended = isOver;
    return;
  }
  if (!w.marked) {
    // Microtasks run in the order they were queued: what this one, the first, queues comes after the mark.
    w.marked = true;
    queueMicrotask(() => {
      w.first = false;
    });
  }
  // Of what comes after them, each request once.
  if (w.first || store.seenIn !== w.number) w.see(store, undefined, undefined, now()).ended = isOver;
  store.seenIn = w.number;
}

/**
 * A frame went on, or a callback of its own was called, and no called function's end explains it.
 * @param answer the last answer to an operation that it had asked for since it stopped
 * @param calledBack it may be called again for the same answer
 */
function resumed(frame: Frame, wait: Wait, answer: Operation | undefined, calledBack: boolean): void {
  const w = window;
  const { root } = frame;
  if (w === undefined || root === undefined || w.seen >= maxSights) return;
  // It stopped within this window: what it waited for was not one of these answers.
  if (wait.start > w.at) return;
  const sight = w.see(root, frame, wait, wait.end);
  if (answer === undefined || !receives(w, frame, answer)) return;
  sight.taken = true;
  settleWith(answer, sight, frame);
  if (--w.left === 0 && !calledBack) closeWindow();
}

/** The usual: the function that asked is the one that goes on. decide() would come to the same. */
function receives(w: Window, frame: Frame, op: Operation): boolean {
  if (op.asker !== frame || !op.trusted || op.exact || op.done || op.exchange.setup) return false;
  if (op.root !== frame.root || op.window !== w.number) return false;
  if (w.count > 1) return true;
  // Another function's going on before may be the answer's, or a pool's gift.
  for (let i = 0; i < w.seen; i++) {
    const other = w.sights[i].frame;
    if (other !== undefined && other !== frame) return false;
  }
  return (
    w.written === undefined || !w.written.some((next) => next.peer === op.peer && isUnder(next.frame as Frame, frame))
  );
}

/** A promise that a call in `frame` had given is being settled. */
function keptSettled(frame: Frame, wait: Wait, kept: object): void {
  const w = window;
  const { root } = frame;
  if (w === undefined || root === undefined || w.seen >= maxSights || wait.start > w.at) return;
  w.keeps = true;
  w.see(root, frame, wait, w.at, kept);
}

/** With those promises that are settled indeed; where their function went on by the only one, that tells all. */
function withSettled(sights: readonly Sight[]): Sight[] {
  const result: Sight[] = [];
  const last = new Map<object, number>();
  for (const sight of sights) {
    const { kept, frame, ran } = sight;
    if (kept === undefined) {
      const at = frame && last.get(frame);
      if (at === undefined) result.push(sight);
      else {
        const { start, line } = result[at].wait as Wait;
        result[at] = { ...sight, line, since: start };
      }
      continue;
    }
    if (isPending(kept)) continue;
    forgetKept(kept);
    // `call().then(callback)`: the callback has run, which settles what `then` gave.
    if (result.some((other) => other.frame === frame && other.ran === ran && other.kept === undefined)) continue;
    if (isReturned(kept) && sights.some((other) => other.frame === frame && other !== sight)) continue;
    last.set(frame as Frame, result.length);
    result.push(sight);
  }
  return result;
}

// --- deciding

function closeWindow(): void {
  const w = window;
  if (w === undefined) return;
  window = undefined;
  watchReactions(inRun > 0 ? endRun : undefined);
  try {
    const noted = w.left > 0 || w.keeps ? notedIn(w) : undefined;
    if (noted !== undefined && w.left > 0) {
      if (isTold(noted)) decide(noted);
      else if (w.count > 1) decide({ ...noted, ops: noted.ops.slice(0, -1) });
    }
    if (w.count === 1 && w.frames > 0) blameOnly(w);
  } finally {
    w.clear();
    watchResumes(undefined);
  }
}

/** Whoever else went on with the only answer waited for it, too: what many asked for together. */
function blameOnly({ ops, sights, seen, written }: Window): void {
  const op = ops[0] as Operation;
  for (let i = 0; i < seen; i++) {
    const { wait, root } = sights[i];
    if (wait === undefined || wait.cause !== Cause.other || root !== op.root) continue;
    if (written !== undefined && isGranted(sights[i], op.peer, written)) continue;
    wait.cause = Cause.operation;
    wait.by = op.lo;
  }
}

function notedIn({ ops, count, parts, sights, seen, keeps, ended, written }: Window): Noted {
  const answered = ops.slice(0, count) as Operation[];
  const all = sights.slice(0, seen);
  const noted = ended ? all.filter((sight) => !sight.ended) : all;
  const order = all.filter(({ first, frame }) => first && frame === undefined);
  return {
    ops: parts === 0 ? answered : answered.filter((op) => wholeOf(op) === undefined),
    sights: keeps ? withSettled(noted) : noted,
    order: parts === 0 ? order : ofWholes(order, answered),
    ended,
    written,
  };
}

/** Where there is a reaction for each answer, parts' included: without these. */
function ofWholes(order: readonly Sight[], answered: readonly Operation[]): readonly Sight[] {
  if (order.length !== answered.length) return order;
  const owner = new Map(answered.map((op, i) => [op, order[i].root]));
  const isOwn = (op: Operation, i: number) => {
    const whole = wholeOf(op);
    return whole === undefined || !owner.has(whole) || owner.get(whole) === order[i].root;
  };
  return answered.every(isOwn) ? order.filter((_, i) => wholeOf(answered[i]) === undefined) : order;
}

/** Does anybody know of the last answer, if it is one that failed but is not over? Its library may wait for the rest. */
function isTold({ ops, sights, order }: Noted): boolean {
  if (!ops[ops.length - 1].early) return true;
  if (ops.length > 1 && order.length > 0) return order.length >= ops.length;
  return sights.filter(({ frame }) => frame !== undefined).length >= ops.length;
}

/** A pool's usual: one answer, no function known to have asked, and those of one request went on. As decide() would. */
function settleInOnlyRoot({ ops, sights, written }: Noted): boolean {
  if (ops.length !== 1 || written !== undefined || sights.length === 0) return false;
  const op = ops[0];
  if (op.exact || op.exchange.setup) return false;
  const { root } = sights[0];
  if (op.trusted && (op.frame !== undefined || op.root !== root)) return false;
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
    setFrame(op, undefined);
  }
  if (!several && op.frame === undefined) {
    settleWith(op, first, first.frame);
    return true;
  }
  placeInRoot(root, ops, sights);
  return true;
}

function decide(w: Noted): void {
  if (settleInOnlyRoot(w)) return;
  const sights = w.ops.length === 1 && w.written !== undefined ? withoutGranted(w, w.written) : w.sights;
  if (w.ops.length === 1 && w.ops[0].exact && w.ops[0].root !== undefined) {
    placeInRoot(w.ops[0].root, w.ops, sights);
    return;
  }
  const frames = sights.filter(({ frame }) => frame !== undefined);
  const picks = new Map<Operation, Sight | undefined>();
  const unsure: Operation[] = [];
  let heard: Set<Root> | undefined;
  for (const op of w.ops) {
    if (op.exact || op.done) picks.set(op, undefined);
    else if (op.exchange.setup && op.neutral?.creator !== undefined) settleAsGuessed(op);
    else if (op.trusted && op.frame && sights.some(({ root }) => root === op.root)) picks.set(op, undefined);
    else {
      heard ??= listeners(w, frames);
      if (op.trusted && heard.has(op.root as Root)) picks.set(op, undefined);
      // An ended request is not seen in a window: that it was not is no contradiction.
      else if (op.trusted && op.frame && op.root?.ended && w.ops.length > 1) settleAsGuessed(op);
      else if (op.trusted && op.frame && heard.size > 0 && !isHeardByOne(w, op, frames)) doubt(op);
      else unsure.push(op);
    }
  }
  if (heard !== undefined && unsure.length === 1) {
    const taken = new Set([...picks.keys()].map(({ root }) => root));
    const among = sights.filter(({ root }) => heard.has(root));
    const free = among.filter(({ root }) => !taken.has(root));
    const left = free.length > 0 ? free : among;
    if (isAnybodys(unsure[0], left)) doubt(unsure[0]);
    else picks.set(unsure[0], best(left));
  } else if (heard !== undefined && unsure.length > 1) {
    const all = w.ops.filter((op) => picks.has(op) || unsure.includes(op));
    const matched = matchByOrder(unsure, w, heard, all) ?? matchByAsking(unsure, sights, heard, all);
    for (let i = 0; i < unsure.length; i++) picks.set(unsure[i], matched?.[i]);
  }
  // Whose root is known now; which of its frames?
  const byRoot = new Map<Root, Operation[]>();
  for (const op of w.ops) {
    if (!picks.has(op)) continue;
    const sight = picks.get(op);
    if (sight === undefined && !op.trusted && unsure.length > 1 && unsure.includes(op)) {
      settleUnseen(op, w);
      continue;
    }
    if (sight !== undefined && op.root !== sight.root) {
      if (op.trusted) count('contradictions', op.peer.address, 1);
      op.root = sight.root;
      setFrame(op, undefined);
    }
    const isSeen = sight !== undefined || op.done || op.exact || (op.trusted && op.frame !== undefined);
    if (op.root === undefined || !(isSeen || heard?.has(op.root))) {
      settleUnseen(op, w);
      continue;
    }
    const group = byRoot.get(op.root);
    if (group === undefined) byRoot.set(op.root, [op]);
    else group.push(op);
  }
  for (const [root, ops] of byRoot) placeInRoot(root, ops, sights);
}

const isLost = ({ exchange }: Operation): boolean => Number.isNaN(exchange.firstIn);

/** Its connection was lost, and functions of several requests are told so: also those that had not asked yet. */
const isAnybodys = (op: Operation, sights: readonly Sight[]): boolean =>
  isLost(op) && new Set(sights.filter(({ frame }) => frame).map(({ root }) => root)).size > 1;

/**
 * A pool gives the connection to the next who waits for it in the dispatch of the answer to the one before. That one
 * goes on, too, and writes on it.
 */
function withoutGranted({ ops, sights }: Noted, written: readonly Operation[]): readonly Sight[] {
  const { peer } = ops[0];
  if (!sights.some((sight) => sight.frame !== undefined && !isGranted(sight, peer, written))) return sights;
  return sights.filter((sight) => !isGranted(sight, peer, written));
}

const isGranted = ({ frame }: Sight, peer: Peer, written: readonly Operation[]): boolean =>
  frame !== undefined && written.some((op) => op.peer === peer && isUnder(op.frame as Frame, frame));

/** The only answer let go on functions of one request, while the one that had written it is over: it was its pool's. */
const isHeardByOne = ({ ops }: Noted, op: Operation, frames: readonly Sight[]): boolean =>
  ops.length === 1 &&
  frames.length > 0 &&
  !isOpen(op.frame as Frame) &&
  frames.every(({ root }) => root === frames[0].root);

/**
 * The roots in which somebody of the user's received something: a frame that went on, or the promise that a function
 * returned. Where there is none, those in whose context anything ran: a library's own continuations may run in
 * another request's.
 */
function listeners({ ops, sights, ended }: Noted, frames: readonly Sight[]): Set<Root> {
  const heard = new Set(frames.map(({ root }) => root));
  const roots = new Set(sights.map(({ root }) => root));
  if (roots.size > heard.size) for (const root of roots) if (!heard.has(root) && hasSettled(root)) heard.add(root);
  if (heard.size === 0 && ops.length === 1 && roots.size === 2) {
    const { trusted, root, chained } = ops[0];
    const others = [...roots].filter((one) => one !== root);
    // A pool gave the connection to the other's request, which wrote on it.
    if (trusted && sights[0].root === root && others.length === 1 && others[0] === chained?.root)
      roots.delete(others[0]);
  }
  if (heard.size > 0 || roots.size > 1 || ended) return heard;
  // What goes on when a connection is lost may be its library, which opens another.
  if (ops.some(isLost)) for (const root of roots) if (!ops.some((op) => op.trusted && op.root === root)) return heard;
  return roots;
}

/** Asked by a function that is not seen to receive the answer, which others are: forgotten, or another's. */
function doubt(op: Operation): void {
  count('contradictions', op.peer.address, 1);
  setFrame(op, undefined);
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
  for (const sight of own) {
    // What let it go on is known, or it is in the list.
    if (sight.frame === undefined || sight.taken) continue;
    if (sight.kept !== undefined || !frames.some(({ frame }) => frame === sight.frame)) frames.push(sight);
  }
  // One that went on because another beneath it did has received nothing itself.
  for (let i = frames.length - 1; i >= 0 && frames.length > ops.length; i--) {
    const frame = frames[i].frame as Frame;
    if (frames.some((other) => other.frame !== frame && isUnder(other.frame as Frame, frame))) frames.splice(i, 1);
  }
  const left: Operation[] = [];
  // What the asking frame says of itself stands, unless it still waits while others went on.
  for (const op of ops) {
    if (op.done) continue;
    const { frame } = op;
    const at = frame === undefined ? -1 : frames.findIndex((sight) => isUnder(frame, sight.frame as Frame));
    if (at >= 0) {
      const sight = frames[at];
      if (sight.frame === frame) frames.splice(at, 1);
      settleWith(op, sight, frame);
    } else if (frame !== undefined && !(isStale(frame, ops) && frames.length > 0)) settleWith(op, own[0], frame);
    else left.push(op);
  }
  if (left.length === 0) return;
  // Answers come in another order where an id pairs them.
  if (left.length > 1) left.sort(byAsked);
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
    if (own.some((sight) => sight.frame === frame) || !isNewlySettled(frame)) continue;
    returned.push({ frame, since: frame.stopped, sight: undefined });
  }
  const candidates = frames.map((sight): Candidate => {
    return { frame: sight.frame as Frame, since: sinceOf(sight), sight };
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
  const together = leaves === undefined || keepsPromises(root) ? [] : [...leaves.waiting, ...leaves.returned];
  const sole = oneFunction(candidates.length > 0 ? candidates.map(({ frame }) => frame) : together);
  for (let i = 0; i < left.length; i++) {
    const frame = sole === undefined ? undefined : (candidates[i]?.frame ?? sole);
    // A library's code goes on in the request, on the same connection: for the function that has the last answer.
    if (frame === undefined && followsNext(left[i])) {
      left[i].rule = Rule.resume;
      continue;
    }
    settleWith(left[i], candidates[i]?.sight ?? own[0], frame, sole !== undefined && candidates[i] === undefined);
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

const byAsking = (a: Sight, b: Sight): number => sinceOf(a) - sinceOf(b);

/** Of a flush, all written at once, in the order of their bytes: ids count up. */
const byAsked = (a: Operation, b: Operation): number => a.exchange.firstOut - b.exchange.firstOut || (a.lo - b.lo) | 0;

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
function matchByOrder(
  ops: readonly Operation[],
  { order: reactions, sights }: Noted,
  heard: ReadonlySet<Root>,
  all: readonly Operation[],
): (Sight | undefined)[] | undefined {
  const unsure = new Set(ops);
  const isInPlace = (order: readonly Sight[]) =>
    order.length === all.length && all.every((op, i) => unsure.has(op) || op.root === order[i].root);
  if (isInPlace(reactions) && isBorneOut(reactions, all, sights, heard))
    return reactions.filter((_, i) => unsure.has(all[i]));
  // A promise without a reaction is in no order.
  if (sights.some(({ kept }) => kept !== undefined)) return undefined;
  const frames = sights.filter(({ frame }) => frame !== undefined);
  let order = reactions.filter(({ root, ended }) => !ended || heard.has(root));
  if (order.length !== all.length) order = order.filter(({ root }) => heard.has(root));
  // Each answer whose owner is known already has a reaction of its own in the order: in its place, where all have one.
  if (isInPlace(order)) {
    order = order.filter((_, i) => unsure.has(all[i]));
  } else {
    for (const { root } of all.filter((op) => !unsure.has(op))) {
      const at = order.findIndex((sight) => sight.root === root);
      if (at >= 0) order.splice(at, 1);
    }
  }
  if (order.length === 0) order = frames;
  if (order.length === 0) return undefined;
  const roots = [...new Set(order.map(({ root }) => root))];
  if (roots.length === 1) return ops.map(() => order[0]);
  // What is rejected may take more steps than what is fulfilled.
  const refused = ops.filter(({ exchange }) => exchange.error !== '').length;
  if (refused > 0 && refused < ops.length) return undefined;
  let picked: Root[];
  if (order.length === ops.length) picked = order.map(({ root }) => root);
  else if (roots.length === ops.length) picked = roots;
  else if (frames.length === ops.length) {
    const place = new Map(roots.map((root, i) => [root, i]));
    if (frames.some(({ root }) => !place.has(root))) return undefined;
    picked = frames.map(({ root }) => root).sort((a, b) => (place.get(a) as number) - (place.get(b) as number));
  } else return undefined;
  return picked.map((root) => order.find((sight) => sight.root === root));
}

/**
 * A reaction for each answer, in this order: everybody who received something is among them, and those of whom it is
 * known asked in this order.
 */
function isBorneOut(
  order: readonly Sight[],
  all: readonly Operation[],
  sights: readonly Sight[],
  heard: ReadonlySet<Root>,
): boolean {
  const times = new Map<Root, number>();
  for (const { root } of order) times.set(root, (times.get(root) ?? 0) + 1);
  for (const root of heard) if (!times.has(root)) return false;
  const since = new Map<Root, number>();
  for (const sight of sights) {
    if (sight.frame === undefined || times.get(sight.root) !== 1) continue;
    // Which of several functions that went on received the answer is not known.
    since.set(sight.root, since.has(sight.root) ? Number.NaN : sinceOf(sight));
  }
  let before = -1;
  for (let i = 0; i < order.length; i++) {
    const at = since.get(order[i].root);
    if (at === undefined || Number.isNaN(at)) continue;
    if (at < before || (all[i].frame === undefined && at > all[i].exchange.firstOut)) return false;
    before = at;
  }
  return true;
}

/**
 * The same, where some have no reaction of their own, or several: by the order in which a connection's requests were
 * asked. Only if those who received something are as many as the answers, and what is known of the order of the
 * reactions does not contradict.
 */
function matchByAsking(
  ops: readonly Operation[],
  sights: readonly Sight[],
  heard: Set<Root>,
  all: readonly Operation[],
): Sight[] | undefined {
  const { peer } = ops[0];
  if (ops.some((op) => op.peer !== peer)) return undefined;
  let received = sights.filter(({ frame }) => frame !== undefined);
  for (const root of heard) {
    for (const frame of leavesOf(root)?.returned ?? []) {
      if (received.some((sight) => sight.frame === frame) || !isNewlySettled(frame)) continue;
      received.push({
        root,
        frame,
        wait: undefined,
        at: ops[0].closedAt,
        first: true,
        taken: false,
        ran: 0,
        kept: undefined,
        ended: false,
        line: 0,
        since: frame.stopped,
      });
    }
  }
  const asked = new Set(ops);
  for (const op of all) {
    if (asked.has(op)) continue;
    const { frame, root } = op;
    const isOwn = (sight: Sight) => (frame ? isUnder(frame, sight.frame as Frame) : sight.root === root);
    const at = received.findIndex(isOwn);
    if (at < 0) {
      if (op.done) continue;
      return undefined;
    }
    // Which of several in its request is the one: its place among the others will say.
    if (frame === undefined && received.filter(isOwn).length > 1) {
      if (op.peer !== peer) return undefined;
      asked.add(op);
    } else {
      received.splice(at, 1);
    }
  }
  // What the answers' owners did may have let others go on.
  if (received.length > asked.size) received = firstOf(received, asked.size);
  if (received.length !== asked.size) return undefined;
  received.sort(byAsking);
  if (contradicts(received, sights)) return undefined;
  const matched = new Map<Operation, Sight>();
  for (const [i, op] of [...asked].sort(byAsked).entries()) {
    const sight = received[i];
    if (!ops.includes(op)) {
      if (sight.root !== op.root) return undefined;
      continue;
    }
    if (op.frame === undefined && sinceOf(sight) > op.exchange.firstOut) return undefined;
    matched.set(op, sight);
  }
  return ops.map((op) => matched.get(op) as Sight);
}

/** The reactions that the dispatch itself queued; or as many as are asked for, if others' functions came after them. */
function firstOf(received: readonly Sight[], wanted: number): Sight[] {
  const first = received.filter((sight) => sight.first);
  if (first.length === wanted) return first;
  const sites = new Set(received.slice(0, wanted).map(({ frame }) => frame?.site));
  return received.slice(wanted).some(({ frame }) => sites.has(frame?.site)) ? [] : received.slice(0, wanted);
}

/** Those who received something in this order, each once: did their reactions run in another? */
function contradicts(received: readonly Sight[], sights: readonly Sight[]): boolean {
  const place = new Map<Root, number>();
  for (const { root, first, frame } of sights) {
    if (first && frame === undefined && !place.has(root)) place.set(root, place.size);
  }
  let before = -1;
  for (const { root, kept } of received) {
    const at = kept === undefined ? place.get(root) : undefined;
    if (at === undefined || received.filter((other) => other.root === root).length > 1) continue;
    if (at < before) return true;
    before = at;
  }
  return false;
}

/** The operation that its answer's handler wrote will tell whose it is. */
function followsNext(op: Operation): boolean {
  const { chained, depth } = op;
  if (chained === undefined || chained.done || op.exchange.setup || depth >= maxChain) return false;
  chained.depth = depth + 1;
  chained.followers ??= [];
  chained.followers.push(op);
  return true;
}

/** Nobody was seen to receive it: a chain's, or as guessed. */
function settleUnseen(op: Operation, { ops, order }: Noted): void {
  // All of it ran for one request that is over: its own, if the next in the chain turns out to be.
  if (op.root === undefined && ops.length === 1 && order.length > 0) {
    const { root } = order[0];
    if (order.every((sight) => sight.root === root)) op.root = root;
  }
  // A library's own chain of promises may run in the context of a request that only began it.
  if (op.trusted && op.asker === undefined && !op.told) distrust(op);
  if (!op.trusted && followsNext(op)) return;
  settleAsGuessed(op);
}

/** The function that alone waits in a request, unless a call that nobody waits for may have asked. */
const soleWaiting = (root: Root): Frame | undefined =>
  keepsPromises(root) ? undefined : oneFunction(leavesOf(root)?.waiting ?? []);

/** Without any answer, or without anybody who received it. */
function settleAsGuessed(op: Operation): void {
  if (op.trusted) {
    // Nobody waits for what is not answered.
    const frame = op.asker ?? (op.root && !op.exchange.oneWay ? soleWaiting(op.root) : undefined);
    settleWith(op, undefined, frame);
    return;
  }
  const creator = op.neutral?.creator;
  if (op.exchange.setup && creator !== undefined) {
    op.root = creator;
    op.rule = Rule.creator;
    settleWith(op, undefined, op.neutral?.frame as Frame | undefined);
    return;
  }
  op.rule = op.rule === Rule.none ? Rule.none : Rule.uncertain;
  op.root = undefined;
  settleWith(op, undefined, undefined);
}

/**
 * Final: `op.root` owns it, in `frame`, which went on as `sight` says.
 * @param beneath nobody saw the frame go on: it was what it waits for that did
 */
function settleWith(op: Operation, sight: Sight | undefined, frame: Frame | undefined, beneath = false): void {
  if (op.done) return;
  op.done = true;
  const { root } = op;
  if (sight !== undefined) {
    if (sight.kept === undefined) op.resumedAt = sight.at;
    if (!op.exact) op.rule = sight.frame !== undefined && sight.frame === frame ? Rule.resumeUser : Rule.resume;
  }
  if (frame !== op.asker) {
    setFrame(op, frame);
    op.before = undefined;
  }
  op.frame = frame;
  const wait = sight?.frame === frame ? sight?.wait : undefined;
  // What a time-out ended, the timer ended.
  if (wait !== undefined && !(wait.cause === Cause.timer && op.exchange.error !== '')) {
    wait.cause = Cause.operation;
    wait.by = op.lo;
    wait.guessed = false;
    const { lastIn } = op.exchange;
    const there = lastIn - op.lain;
    if (wait.end - there >= blockedNs) wait.blocker = blockerIn(there, wait.end, (frame as Frame).site);
  }
  const { followers } = op;
  op.followers = undefined;
  for (const part of followers ?? []) if (part.exchange.within === op.exchange) settlePart(part, op);
  if (frame !== undefined && !op.exact && !op.exchange.setup) {
    const { before } = op;
    if (before !== undefined && isOpenToBlame(before) && before !== wait) {
      before.cause = Cause.operation;
      before.by = op.lo;
      op.askedAt = before.start;
    }
    askedSince(op, frame, wait);
  }
  if (frame !== undefined) {
    if (wait === undefined && !op.exchange.setup && !beneath) answer(frame, op, op.closedAt);
    if (op.line === 0) op.line = sight?.line || wait?.line || frame.stopLine;
    if (op.exchange.setup) disown(frame);
    else settled(frame, Number.isNaN(op.resumedAt) ? op.closedAt : op.resumedAt, beneath);
    // What opens a connection is not written itself, unless it failed.
    if (!op.exchange.setup || op.exchange.error !== '') claim(frame);
  } else if (root !== undefined && !root.request) {
    const top = topFrame(root);
    if (top !== undefined) claim(top);
  }
  op.asker = undefined;
  op.window = 0;
  if (!op.early) emit(op);
  for (const follower of followers ?? []) if (!follower.done) follow(follower, op);
}

/** Its result has come with `whole`'s answer. */
function settlePart(op: Operation, whole: Operation): void {
  op.root = whole.root;
  op.rule = whole.rule;
  settleWith(op, undefined, whole.frame, true);
}

/** A statement is prepared for the sake of its first execution. Anything else may as well be the next in a queue. */
const isPreparation = (one: Exchange, next: Exchange): boolean =>
  one.operation.startsWith('PREPARE ') && one.operation === `PREPARE ${next.operation}`;

/** A pool sees whether a connection lives before it gives it: for the next one's sake, but no function asked. */
const isCheck = ({ operation }: Exchange): boolean => operation === 'PING';

/** What comes before is not of that transaction: another function may have had the connection. */
const isBegin = ({ operation }: Exchange): boolean => operation === 'BEGIN' || operation === 'START TRANSACTION';

/** A request that had to queue was asked when its owner began to wait, or had the answer before this one. */
function askedSince(op: Operation, frame: Frame, wait: Wait | undefined): void {
  const since = wait?.start ?? frame.stopped;
  const from = Math.max(frame.settledAt, frame.heardAt, since);
  if (from > 0 && from < op.askedAt) op.askedAt = from;
  // A callback of its own may have been called as soon as the connection was open.
  const { openedBy, charged, connectAt } = op.peer;
  if (openedBy === frame && !charged && connectAt < op.askedAt) op.askedAt = connectAt;
}

/** `op`'s answer let no function go on, and its handler wrote `next`, which is settled now. */
function follow(op: Operation, next: Operation): void {
  const isSame = op.root !== undefined && op.root === next.root;
  // Who went on was not given the connection: that was another. So it was the answer.
  const isHeard = op.rule === Rule.resume && next.root !== undefined;
  if (isSame || (op.root !== undefined && (op.trusted || isHeard))) {
    if (isSame || op.trusted) op.rule = Rule.chain;
    settleWith(op, undefined, isSame && !isBegin(next.exchange) ? next.frame : undefined, true);
    return;
  }
  const prepares = isPreparation(op.exchange, next.exchange);
  op.root = prepares || isCheck(op.exchange) ? next.root : undefined;
  op.rule = op.root === undefined ? Rule.uncertain : Rule.chain;
  settleWith(op, undefined, prepares ? next.frame : undefined);
}

/** Decides what is waiting for a window to close: at the end of the process. */
export function flushOwners(): void {
  if (window !== undefined) closeWindow();
}
