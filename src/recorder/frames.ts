// Function frames: what transformed user code (transform/) calls, so that we know which function of the user's asked
// for an operation, where it waits, and what let it go on.
//
// The transform reaches us through one global, `$ww`, not enumerable. No call ever throws; all return at once.
// `$ww.m` holds the sites: one for each function, numbered in the process by `addSites`.
//
//   async function     { const $f = $ww.enter(site, outer?); try { … } catch (e) { throw $ww.fail($f, e) }
//                        finally { $ww.exit($f) } }          outer: the frame around an inline callback
//     await E          $ww.resume($f, await $ww.suspend($f, E, line))
//     return E         return $ww.ret($f, E, line)            E holds a call and is no await
//     catch, finally   $ww.back($f, e); first
//     for await        for await (const x of $ww.each($f, E, line)) { $ww.back($f); … } $ww.back($f);
//     yield E          $ww.resume($f, yield $ww.pause($f, E))
//   sync function      { const $f = $ww.enterSync(site); try { … } finally { $ww.exitSync($f) } }
//     return E         return $ww.ret($f, E, line)
//   inline callback    { const $p = $ww.into($f, line, site); try { … } finally { $ww.out($p) } }
//                        it is the continuation of $f; `line` is that of the call it was given to. What is inside
//                        uses $p as its frame.
//   anywhere           $f.line = N   before a call that is not awaited
//                      $ww.keep($f, E, line)   its value: a promise perhaps, that nobody may ever wait for
//
// A callback is not wrapped: its body tells us, so nothing is made when a closure is, and its length, name, `this`
// and identity are the user's.
//
//   async f     │▓▓▓│ await        │▓│ await     │▓▓│             ▓ own running: cpu
//   async g          │▓│   await   │▓│                            f's first wait was for g, g's for its operation
//   operation          ├───────────┤ window: g goes on, then f
//

import { inspect, types } from 'node:util';
import { Cause, Rule } from '../model/schema.ts';
import { enterOwn, leaveOwn, limited, over, sample } from './budget.ts';
import { now } from './clock.ts';
import { currentStore, enterStore, here, openRoot, type Store, watchSettled } from './context.ts';
import { dispatch } from './dispatch.ts';
import { newTrace, nextLo } from './ids.ts';
import { type Operation, Root } from './operation.ts';
import { busySince, isDue, leaves, seen } from './pauses.ts';
import { count, functionId, writeFrame, writeWait } from './span-buffer.ts';
import { newStamp } from './stamp.ts';
import { unname } from './transform/text.ts';

/** Shorter frames under which nothing waited are not written. */
const longNs = 1e6;
/** And a call that takes no longer may as well be its caller's running. */
const shortNs = 1e5;
/** Waits kept of one frame; more are counted. */
const maxWaits = 1_000;
/** Frames linked to their callers at once; more are still timed, but not found as candidates. */
const maxLinked = 200_000;

const State = {
  /** A sync function's: neither timed nor linked, until something begins beneath it. */
  light: 0,
  running: 1,
  /** At an await or yield. */
  waiting: 2,
  /** Returned a promise that is not settled yet. */
  returned: 3,
  done: 4,
} as const;

/** One function of the user's, as its module declares it. */
interface Site {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** 0 until used. */
  id: number;
  /** Calls of it, one after the other, that nothing waited in or was asked beneath. */
  idle: number;
}

export class Wait {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  cause: Cause = Cause.other;
  /** Of the span that did, its low half; 0 = not known. */
  by = 0;
  /** The next of the same frame. */
  next: Wait | undefined = undefined;
  /** Its cause is only likely: who went on in the same run. */
  guessed = false;
  /** Timer: how long before it fired it was set, ns. */
  set = 0;
  /** Number of the function that ran longest while what let it go on was there already; 0 = none. */
  blocker = 0;

  constructor(start: number, end: number, line: number) {
    this.start = start;
    this.end = end;
    this.line = line;
  }
}

/** What few frames have: they are made as often as functions are called. */
class Rare {
  /** Called frames of which `keep` knows: a promise that comes back then is not theirs. */
  known: Frame | undefined = undefined;
  /** Of a root's list: promises that were kept and are not settled. */
  kept = 0;
  /** It is the rest of a call whose beginning was written already. */
  continues = false;
  /** Where callbacks of a written frame go on. */
  heir: Frame | undefined = undefined;
  /** It returned a promise, and a callback of its own has run since. */
  calledBack = false;
  /** When the last of several operations beneath what it returned was settled. */
  heardAt = 0;
  /** Until when timers that fired while it waits are told already. */
  pausedUntil = 0;
}

/** One call of a function of the user's, from its entry to its end. */
export class Frame {
  readonly site: Site;
  root: Root | undefined;
  /** The calling frame. */
  parent: Frame | undefined;
  /** Goes on when this one stops or ends: what ran when it was entered or went on. */
  prev: Frame | undefined = undefined;
  /** Line of what it does now, for an operation asked now; 0 = not said. */
  line = 0;
  state: number = State.light;
  start: number;
  end: number;
  /** Start of the segment it is running. */
  seg: number;
  cpu = 0;
  /** Since when, and where, it waits. */
  stopped = 0;
  stopLine = 0;
  error = '';
  /** Its waits, the oldest and the newest. */
  waits: Wait | undefined = undefined;
  lastWait: Wait | undefined = undefined;
  waitCount = 0;
  /** Operations asked since it last went on, whose line is not known yet. */
  asked: Operation | undefined = undefined;
  /** Operations of its own that are not settled. */
  open = 0;
  /** The last answer to one of its own. */
  answer: Operation | undefined = undefined;
  answeredAt = 0;
  /** The last called frame that ended. */
  callee: Frame | undefined = undefined;
  /** Something beneath it is, or will be, written. */
  claimed = false;
  written = false;
  /** The clock was read when it was entered. */
  timed = true;
  /** 0 until it is asked for. */
  span = 0;
  /** Its value, a promise that something beneath it will settle. */
  returned: object | undefined = undefined;
  /** When the last operation of its own that was settled let it go on; 0 = none was. */
  settledAt = 0;
  rare: Rare | undefined = undefined;
  // Open frames called by it, oldest first.
  first: Frame | undefined = undefined;
  last: Frame | undefined = undefined;
  next: Frame | undefined = undefined;
  before: Frame | undefined = undefined;
  linkedTo: Frame | undefined = undefined;

  constructor(site: Site, root: Root | undefined, parent: Frame | undefined, at: number) {
    this.site = site;
    this.root = root;
    this.parent = parent;
    this.start = at;
    this.end = at;
    this.seg = at;
  }

  /** To note there. */
  get noted(): Rare {
    this.rare ??= new Rare();
    return this.rare;
  }

  /** When the last of several operations beneath what it returned was settled; 0 = none was. */
  get heardAt(): number {
    return this.rare === undefined ? 0 : this.rare.heardAt;
  }

  /** Low half of the id of its span. */
  get lo(): number {
    if (this.span === 0) this.span = nextLo();
    return this.span;
  }

  get functionId(): number {
    const { site } = this;
    if (site.id === 0) site.id = functionId(site.name, site.file, site.line);
    return site.id;
  }
}

const noSite: Site = { name: '', file: '', line: 0, id: 0, idle: 0 };

// --- the calls of transformed code

/**
 * The last reading of the clock: near enough for the start of a function that usually does nothing but run. An array's
 * element, as a double in a variable is made anew each time it is set.
 */
const read = new Float64Array(1);
let on = true;
let linked = 0;

const frameHere = (): Frame | undefined => here.frame as Frame | undefined;

function clock(): number {
  const at = now();
  if (isDue(at)) seen(at, timedFrame());
  read[0] = at;
  return at;
}

/** What has run since the clock was read last: not a sync function that was entered since, nobody knows when. */
function timedFrame(): Frame | undefined {
  let frame = frameHere();
  while (frame !== undefined && !frame.timed && frame.start >= read[0]!) frame = frame.prev;
  return frame;
}

const sites: Site[] = [];

/** Numbers the functions of a file, from `first` where the numbers are given; the first one's number. */
export function addSites(
  functions: readonly { name: string; file: string; line: number }[],
  first = sites.length,
): number {
  for (let i = 0; i < functions.length; i++) {
    const { name, file, line } = functions[i]!;
    sites[first + i] = { name, file, line, id: 0, idle: 0 };
  }
  return first;
}

/** After so many calls in a row that were nothing but running, a function is taken for such a one. */
const idleCalls = 64;

function enter(site: Site, outer?: Frame | Turn): Frame {
  const caller = frameHere();
  if (caller !== undefined && site.idle >= idleCalls) return enterLight(site, caller);
  const at = clock();
  const frame = new Frame(site, undefined, caller, at);
  frame.state = State.running;
  if (!on) return frame;
  try {
    if (caller !== undefined) {
      pause(caller, at);
      frame.root = caller.root;
    } else {
      findRoot(frame, outer instanceof Turn ? outer.frame : outer);
    }
    link(frame);
    frame.prev = caller;
    here.frame = frame;
  } catch (fault) {
    switchOff(fault);
  }
  return frame;
}

/** As a sync function's: the clock is read when something begins beneath it, or it stops. */
function enterLight(site: Site, caller: Frame): Frame {
  const frame = new Frame(site, caller.root, caller, read[0]!);
  frame.timed = false;
  frame.prev = caller;
  if (on) here.frame = frame;
  return frame;
}

function suspend<T>(frame: Frame, value: T, line: number): T {
  if (on && frame.state <= State.running) {
    try {
      const at = clock();
      if (frame.state === State.light) begin(frame);
      if (queries > 0 && typeof value === 'object' && value !== null) forgetQuery(value);
      stop(frame, at, State.waiting, line);
    } catch (fault) {
      switchOff(fault);
    }
  }
  return value;
}

function resume<T>(frame: Frame, value: T): T {
  if (on) {
    try {
      goOn(frame);
    } catch (fault) {
      switchOff(fault);
    }
  }
  return value;
}

/** @param error what the user's `catch` has caught. */
function back(frame: Frame, error?: unknown): void {
  if (on && frame.state === State.waiting) resume(frame, undefined);
  if (error !== undefined) unname(error);
}

function pauseAtYield<T>(frame: Frame, value: T): T {
  return suspend(frame, value, frame.line);
}

function fail(frame: Frame, error: unknown): unknown {
  if (on) {
    back(frame);
    frame.error = errorType(error);
  }
  unname(error);
  return error;
}

function ret<T>(frame: Frame, value: T, line: number): T {
  if (!on) return value;
  try {
    if (isThenable(value)) {
      if (frame.state === State.light) begin(frame);
      frame.returned = value;
      frame.stopLine = line;
    }
    if (frame.asked !== undefined) tellLine(frame, line);
  } catch (fault) {
    switchOff(fault);
  }
  return value;
}

function keep<T>(outer: Frame | Turn, value: T, line: number): T {
  if (!on || typeof value !== 'object' || value === null) return value;
  try {
    const frame = outer instanceof Turn ? outer.frame : outer;
    if (types.isPromise(value)) keepPromise(frame, value, line);
    // Not by reading: the program may hear of that.
    else if (!types.isProxy(value) && 'then' in value) keepQuery(frame, value);
  } catch (fault) {
    switchOff(fault);
  }
  return value;
}

function exit(frame: Frame): void {
  if (!on) return;
  try {
    if (frame.state === State.light) {
      here.frame = frame.prev;
      frame.prev = undefined;
      return;
    }
    if (frame.state === State.waiting) goOn(frame);
    if (frame.state === State.running) leave(frame);
  } catch (fault) {
    switchOff(fault);
  }
}

function enterSync(site: Site): Frame {
  const caller = frameHere();
  let frame: Frame;
  if (caller !== undefined) {
    const isIdle = site.idle >= idleCalls;
    // What runs before it is its caller's. Most never ask for anything; what does starts anew (`begin`).
    if (!isIdle) site.idle++;
    frame = new Frame(site, caller.root, caller, isIdle || !on ? read[0]! : clock());
    frame.timed = !isIdle;
  } else {
    const store = on ? currentStore() : undefined;
    frame = new Frame(site, store instanceof Root ? store : undefined, undefined, on ? clock() : 0);
  }
  frame.prev = caller;
  if (on) here.frame = frame;
  return frame;
}

function exitSync(frame: Frame): void {
  if (!on) return;
  if (frame.state === State.light) {
    here.frame = frame.prev;
    if (frame.prev === undefined) leaves(frame);
    frame.prev = undefined;
  } else {
    exit(frame);
  }
}

/** What `out` puts back. */
class Turn {
  readonly frame: Frame;
  readonly was: Frame | undefined;
  /** It was on the stack already, under another frame. */
  readonly nested: boolean;
  readonly state: number;
  over = false;
  switched = false;
  store: Store | undefined = undefined;

  constructor(frame: Frame, was: Frame | undefined, nested: boolean) {
    this.frame = frame;
    this.was = was;
    this.nested = nested;
    this.state = frame.state;
  }
}

function into(outer: Frame | Turn, line: number, site: Site): Frame | Turn {
  const frame = outer instanceof Turn ? outer.frame : outer;
  const was = frameHere();
  if (was === frame || frame === undefined || !on) return outer;
  try {
    return goInto(frame, was, line, site);
  } catch (fault) {
    switchOff(fault);
    return outer;
  }
}

function goInto(frame: Frame, was: Frame | undefined, line: number, site: Site): Turn {
  for (let under = was; under !== undefined; under = under.prev) {
    if (under !== frame) continue;
    const turn = new Turn(frame, was, true);
    if (frame.state !== State.light) {
      const at = clock();
      pause(was as Frame, at);
      frame.seg = at;
    }
    here.frame = frame;
    return turn;
  }
  const at = clock();
  frame = goesOnAs(frame, site, at, holding && was === undefined, was !== undefined);
  const turn = new Turn(frame, was, false);
  if (was !== undefined) pause(was, at);
  const root = frame.root;
  if (root !== undefined) {
    const store = currentStore();
    if (store !== root) {
      turn.switched = true;
      turn.store = store;
      enterStore(root);
    }
  }
  const since = frame.state === State.waiting || frame.state === State.returned ? frame.stopped : frame.end;
  here.frame = frame;
  frame.seg = at;
  if (was === undefined) waited(frame, since, at, line, true);
  // Called by another function of the user's, not by what was answered.
  else if (was !== frame.parent) blame(addWait(frame, since, at, line), Cause.callee, was);
  else addWait(frame, since, at, line);
  return turn;
}

function out(turn: Frame | Turn): void {
  if (!on || !(turn instanceof Turn) || turn.over) return;
  turn.over = true;
  try {
    comeOut(turn);
  } catch (fault) {
    switchOff(fault);
  }
}

function comeOut(turn: Turn): void {
  const { frame, was } = turn;
  if (turn.switched) enterStore(turn.store);
  if (turn.nested && frame.state === State.light) {
    here.frame = was;
    return;
  }
  // It has run until now.
  const at = clock();
  here.frame = was;
  frame.cpu += at - frame.seg;
  if (was !== undefined) was.seg = at;
  if (frame.asked !== undefined) tellLine(frame, frame.site.line);
  if (turn.nested) return;
  if (frame.state === State.done) {
    frame.end = at;
    finish(frame);
  } else {
    frame.stopped = at;
    frame.noted.calledBack = true;
  }
}

/** What `for await` goes through: each step is an await of the frame's. */
function each(frame: Frame, from: unknown, line: number): unknown {
  if (!on || from === null || from === undefined) return from;
  const given = from as { [Symbol.asyncIterator]?: unknown; [Symbol.iterator]?: unknown };
  const key = given[Symbol.asyncIterator] == null ? Symbol.iterator : Symbol.asyncIterator;
  const make = given[key];
  if (typeof make !== 'function') return from;
  return { [key]: () => stepping(frame, Reflect.apply(make, from, []), line) };
}

function stepping(frame: Frame, iterator: unknown, line: number): unknown {
  if (typeof iterator !== 'object' || iterator === null) return iterator;
  const inner = iterator as { next?: unknown; return?: unknown };
  const { next } = inner;
  if (typeof next !== 'function') return iterator;
  return {
    next: () => suspend(frame, Reflect.apply(next, iterator, []), line),
    get return() {
      const close = inner.return;
      if (typeof close !== 'function') return close;
      return () => suspend(frame, Reflect.apply(close, iterator, []), line);
    },
  };
}

// --- beneath them

/** A frame that ran when another is entered: its own running stops counting. */
function pause(frame: Frame, at: number): void {
  if (frame.state === State.light) begin(frame);
  frame.cpu += at - frame.seg;
}

/** Something begins beneath a sync function: it becomes a frame, and so do those that called it. */
function begin(frame: Frame): void {
  const fresh: Frame[] = [];
  let above: Frame | undefined = frame;
  while (above !== undefined && above.state === State.light) {
    fresh.push(above);
    above = above.prev;
  }
  for (let i = fresh.length - 1; i >= 0; i--) {
    const one = fresh[i];
    one.site.idle = 0;
    if (above !== undefined && above.state === State.running) above.cpu += one.start - above.seg;
    one.parent = one.prev;
    if (one.parent !== undefined) one.root = one.parent.root;
    else findRoot(one, undefined);
    one.state = State.running;
    one.seg = one.start;
    link(one);
    above = one;
  }
}

/** Under which root a frame that nobody of the user's called begins. */
function findRoot(frame: Frame, outer: Frame | undefined): void {
  const store = currentStore();
  const inherited = store instanceof Root && store.request ? store : undefined;
  if (outer?.root !== undefined && (outer.root === store || outer.root.request || !inherited)) {
    // A callback of a frame that is over and that no request asked for (a timer's tick) is work of its own.
    if (outer.root.request ? !isCalledAfter(outer.root) : outer.state !== State.done) {
      frame.parent = outer;
      frame.root = outer.root;
      if (store !== frame.root) enterStore(frame.root);
      return;
    }
  }
  if (inherited !== undefined && !inherited.ended) {
    frame.root = inherited;
    return;
  }
  const root = openRoot({ trace: newTrace(), parent: undefined, request: false, start: frame.start });
  sample(root, undefined);
  frame.root = root;
  frame.span = root.id.lo;
  topOf(root).noted.heir = frame;
  enterStore(root);
}

/** A timer that fires again and again does so now, or a message was delivered, and the request that began that is over. */
const isCalledAfter = (root: Root | undefined): boolean =>
  (dispatch.repeats || dispatch.delivers) && root?.ended === true;

/** The list of a root's frames that no frame called. */
function topOf(root: Root): Frame {
  if (root.note === undefined) root.note = new Frame(noSite, root, undefined, 0);
  return root.note as Frame;
}

function link(frame: Frame, to?: Frame): void {
  const { root } = frame;
  if (root === undefined) return;
  if (linked >= maxLinked) {
    count('frames.unlinked', '', 1);
    return;
  }
  linked++;
  root.frames++;
  const list = to ?? frame.parent ?? topOf(root);
  frame.linkedTo = list;
  const { last } = list;
  frame.before = last;
  if (last === undefined) list.first = frame;
  else last.next = frame;
  list.last = frame;
}

/** What an ended frame leaves open (nobody waits for it) stays among the root's, to be found. */
function handOver(frame: Frame): void {
  const { root } = frame;
  if (root === undefined) return;
  let child = frame.first;
  while (child !== undefined) {
    const { next } = child;
    unlink(child);
    link(child, topOf(root));
    child = next;
  }
}

function unlink(frame: Frame): void {
  const list = frame.linkedTo;
  if (list === undefined) return;
  linked--;
  const root = frame.root as Root;
  root.frames--;
  if (limited) over(root);
  if (frame.before === undefined) list.first = frame.next;
  else frame.before.next = frame.next;
  if (frame.next === undefined) list.last = frame.before;
  else frame.next.before = frame.before;
  frame.linkedTo = undefined;
  frame.before = undefined;
  frame.next = undefined;
}

function stop(frame: Frame, at: number, state: number, line: number): void {
  if (frame.asked !== undefined) tellLine(frame, line);
  frame.cpu += at - frame.seg;
  frame.stopped = at;
  frame.stopLine = line;
  frame.state = state;
  frame.line = 0;
  const { prev } = frame;
  here.frame = prev;
  frame.prev = undefined;
  if (prev !== undefined) prev.seg = at;
}

function goOn(frame: Frame): void {
  const at = clock();
  const was = frameHere();
  if (was !== undefined) pause(was, at);
  frame.prev = was;
  here.frame = frame;
  frame.state = State.running;
  frame.seg = at;
  waited(frame, frame.stopped, at, frame.stopLine, false);
}

/** The function is left: it ends, unless it returned a promise that something beneath it will settle. */
function leave(frame: Frame): void {
  const at = clock();
  const returning = frame.returned !== undefined;
  const { site } = frame;
  if (frame.waits === undefined && !frame.claimed && frame.open === 0 && !returning && at - frame.start < shortNs)
    site.idle++;
  else site.idle = 0;
  stop(frame, at, returning ? State.returned : State.done, frame.stopLine);
  if (!returning) end(frame, at);
}

function end(frame: Frame, at: number): void {
  frame.state = State.done;
  frame.end = at;
  frame.returned = undefined;
  const { parent, linkedTo } = frame;
  if (frame.first !== undefined) handOver(frame);
  unlink(frame);
  frame.callee = undefined;
  if (parent === undefined && frame.root !== undefined && !frame.root.request) {
    frame.root.ended = true;
    over(frame.root);
  }
  if (parent !== undefined && linkedTo !== undefined) {
    parent.callee = frame;
    // A function that returned this one's promise ends with it.
    if (parent.state === State.returned && parent.first === undefined && parent.open === 0) {
      blame(addWait(parent, parent.stopped, at, parent.stopLine), Cause.callee, frame);
      end(parent, at);
    }
  }
  finish(frame);
}

/** A frame that went on: what for did it wait? */
function waited(frame: Frame, since: number, at: number, line: number, calledBack: boolean): void {
  const wait = addWait(frame, since, at, line);
  const { callee, answer } = frame;
  frame.callee = undefined;
  frame.answer = undefined;
  const wasCalled = callee !== undefined && callee.end >= since && isNow(callee.end, at);
  const wasAnswered = answer !== undefined && frame.answeredAt >= since && isNow(frame.answeredAt, at);
  let last = frame.first !== undefined ? endReturned(frame, at, !wasCalled && !wasAnswered) : undefined;
  if (last !== undefined && !isNow(last.end, at)) last = undefined;
  if (wasCalled && !(wasAnswered && frame.answeredAt > callee.end) && !(last !== undefined && last.end > callee.end)) {
    blame(wait, Cause.callee, callee);
    wentOn(frame, at);
    return;
  }
  if (last !== undefined && !(wasAnswered && frame.answeredAt > last.end)) {
    blame(wait, Cause.callee, last);
    wentOn(frame, at);
    if (last.end < at) return;
    // It is the one that received what let its caller go on.
    if (onResume !== undefined && last.lastWait !== undefined) onResume(last, last.lastWait, undefined, calledBack);
    return;
  }
  if (wasAnswered) {
    wait.cause = Cause.operation;
    wait.by = answer.lo;
    wentOn(frame, at);
  } else {
    endedByDispatch(frame, wait);
  }
  if (onResume !== undefined) onResume(frame, wait, wasAnswered ? answer : undefined, calledBack);
}

/** An answer that a library hands over by an immediate is handed over within this time. */
const deferNs = 1e6;

/**
 * Can what was over at `then` have let go on what goes on at `at`? It can while the thread has run ever since: a promise's
 * reactions run before the event loop turns. Of what a timer lets go on, it was the timer.
 */
function isNow(then: number, at: number): boolean {
  if (at - then >= deferNs && then < busySince()) return false;
  const { firedAt, setAt } = dispatch;
  return !(firedAt > then) || (setAt >= then && firedAt - setAt < deferNs);
}

/** The last function that went on for a reason of its own, and when: it may let others go on. */
let active: Frame | undefined;
let activeAt = 0;

function wentOn(frame: Frame, at: number): void {
  active = frame;
  activeAt = at;
}

/**
 * No answer and no function that it called let it go on: a timer did, more of an answer that is not over, or another
 * function of the same request, that has just gone on itself.
 */
function endedByDispatch(frame: Frame, wait: Wait): void {
  const { root } = frame;
  const { firedAt, setAt, setBy, part, heardAt } = dispatch;
  const ended = wait.end;
  const isOfTimer = firedAt >= wait.start;
  if (
    active !== undefined &&
    active !== frame &&
    !(heardAt > activeAt) &&
    active.root === root &&
    activeAt > wait.start &&
    (isOfTimer ? activeAt >= firedAt : isNow(activeAt, ended))
  ) {
    blame(wait, Cause.callee, active);
    wait.guessed = true;
  } else if (isOfTimer) {
    wait.cause = Cause.timer;
    wait.set = ended - Math.max(setAt, wait.start);
    if (setBy === frame) wentOn(frame, ended);
  } else if (part !== undefined && (part.root === undefined || part.root === root)) {
    wait.cause = Cause.operation;
    wait.by = part.lo;
  }
}

/**
 * Functions that `frame` called and that returned a promise: those whose promise is settled end, the last of them is
 * answered. Nothing else said when.
 */
function endReturned(frame: Frame, at: number, unexplained: boolean): Frame | undefined {
  let last: Frame | undefined;
  let child = frame.first;
  const only = unexplained && child !== undefined && child.next === undefined;
  while (child !== undefined) {
    const { next } = child;
    if (child.state === State.returned && child.first === undefined) {
      const known = child.settledAt >= child.stopped;
      const isQuery = !types.isPromise(child.returned);
      if (known || only || isQuery || !isPending(child.returned)) {
        // Nothing says whether it is over: what it asks for may come later.
        if (isQuery && !known && !only && child.root !== undefined) topOf(child.root).noted.kept++;
        // Of several, one whose callback has run since was settled by that.
        const until = known ? child.settledAt : next !== undefined && child.rare?.calledBack ? child.stopped : at;
        const wait = addWait(child, child.stopped, until, child.stopLine);
        if (child.answer !== undefined) {
          wait.cause = Cause.operation;
          wait.by = child.answer.lo;
        } else {
          endedByDispatch(child, wait);
        }
        end(child, until);
        if (last === undefined || until >= last.end) last = child;
      }
    }
    child = next;
  }
  frame.callee = undefined;
  return last;
}

/** What an await waits for: a promise, or a query builder that is like one. */
const isThenable = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  (types.isPromise(value) || typeof (value as { then?: unknown }).then === 'function');

// --- promises that nobody awaits at once

/** A promise that a call gave, whose settling says that its answer has come. */
class Kept {
  readonly frame: Frame;
  readonly wait: Wait;
  /** What the function returned: anything else known of the function tells more. */
  readonly returned: boolean;
  done = false;

  constructor(frame: Frame, at: number, line: number, returned: boolean) {
    this.frame = frame;
    this.returned = returned;
    this.wait = new Wait(at, at, line);
  }
}

const keptOf = newStamp<Kept>();
let pending = 0;
let keptAt = 0;
/** A promise that was kept longer ago may be lost: no longer worth a look at every promise that is settled. */
const longestKept = 60e9;

function keepPromise(frame: Frame, promise: object, line: number): void {
  // What a function of the user's gave is told by its own frame.
  const called = frame.last ?? (frame.callee !== undefined && frame.callee.end >= frame.seg ? frame.callee : undefined);
  if (called !== frame.rare?.known) {
    frame.noted.known = called;
    if (called?.state === State.returned && types.isPromise(called.returned)) {
      keepFor(called, called.returned, called.stopLine, true);
      return;
    }
    if (called !== undefined) return;
  }
  keepFor(frame, promise, line, false);
}

function keepFor(frame: Frame, promise: object, line: number, returned: boolean): void {
  const { root } = frame;
  if (root === undefined || keptOf.get(promise) !== undefined) return;
  keptAt = clock();
  if (frame.state === State.light) begin(frame);
  keptOf.set(promise, new Kept(frame, keptAt, line, returned));
  topOf(root).noted.kept++;
  if (pending++ === 0) watchSettled(keptSettled);
}

const queryOf = newStamp<Root | undefined>();
let queries = 0;

/** A query builder, or the like, that is not awaited at once: until it is, an answer may be its own. */
function keepQuery({ root }: Frame, query: object): void {
  if (root === undefined || queryOf.get(query) !== undefined) return;
  queryOf.set(query, root);
  queries++;
  topOf(root).noted.kept++;
}

/** It is awaited: whoever does that says the rest. */
function forgetQuery(query: object): void {
  const root = queryOf.get(query);
  if (root === undefined) return;
  queryOf.set(query, undefined);
  queries--;
  topOf(root).noted.kept--;
}

/** A promise is being settled, or follows another from now: its state is that of before. */
function keptSettled(promise: object): void {
  if (read[0]! - keptAt > longestKept) {
    pending = 0;
    watchSettled(undefined);
    return;
  }
  const kept = keptOf.get(promise);
  if (kept === undefined || kept.done) return;
  if (onKept === undefined) forgetKept(promise);
  else onKept(kept.frame, kept.wait, promise);
}

/** It is settled: nothing more comes of it. */
export function forgetKept(promise: object): void {
  const kept = keptOf.get(promise);
  if (kept === undefined || kept.done) return;
  kept.done = true;
  const { root } = kept.frame;
  if (root !== undefined) topOf(root).noted.kept--;
  if (pending > 0 && --pending === 0) watchSettled(undefined);
}

/** What a function returned: what else is known of the function tells more. */
export const isReturned = (promise: object): boolean => keptOf.get(promise)?.returned === true;

/** Calls of this root gave promises that are not settled: an answer may be theirs. */
export const keepsPromises = (root: Root): boolean => ((root.note as Frame | undefined)?.rare?.kept ?? 0) > 0;

const plainly = { depth: 0, customInspect: false, maxArrayLength: 0, maxStringLength: 0, breakLength: Infinity };

/** Is a promise not settled? No hook and no reaction of ours tells; only asked where several could have been. */
export function isPending(promise: object | undefined): boolean {
  if (!types.isPromise(promise)) return true;
  try {
    return /^[^{]*\{ <pending>/.test(inspect(promise, plainly));
  } catch {
    return true;
  }
}

function addWait(frame: Frame, since: number, at: number, line: number): Wait {
  const wait = new Wait(since, at, line);
  if (++frame.waitCount > maxWaits) return wait;
  if (frame.lastWait === undefined) frame.waits = wait;
  else frame.lastWait.next = wait;
  frame.lastWait = wait;
  return wait;
}

function blame(wait: Wait, cause: Cause, callee: Frame): void {
  wait.cause = cause;
  wait.by = callee.lo;
}

/**
 * A written frame's callbacks go on as a frame of the same function.
 * @param heard no function of the user's calls it, and an answer has arrived that may do: it has waited for that
 * @param called a function of the user's calls it
 */
function goesOnAs(frame: Frame, site: Site, at: number, heard: boolean, called: boolean): Frame {
  const first = frame;
  while (frame.rare?.heir !== undefined && frame.written) frame = frame.rare.heir;
  // As often as a socket's handler is called: neither the way to the last one nor what it refers to grows.
  if (frame !== first) first.noted.heir = frame;
  if (frame.state === State.light) {
    // Left without anything beneath it: its callback is the first.
    const store = currentStore();
    if (frame.root === undefined || (!frame.root.request && store instanceof Root && store.request)) {
      findRoot(frame, undefined);
    }
    frame.state = State.done;
    return frame;
  }
  const { root } = frame;
  if (!called && root?.request && isCalledAfter(root)) {
    const tick = new Frame(site, undefined, undefined, at);
    tick.state = State.done;
    findRoot(tick, undefined);
    return tick;
  }
  if (!frame.written && !(root !== undefined && !root.request)) return frame;
  const store = currentStore();
  const other = root !== undefined && !root.request && store instanceof Root && store.request && store !== root;
  if (!frame.written && !other) return frame;
  const heir = heard && !other ? new Frame(frame.site, root, first, frame.end) : new Frame(site, root, first, at);
  heir.state = State.done;
  if (heir.site === frame.site && !other) heir.noted.continues = true;
  if (other) {
    heir.parent = undefined;
    heir.root = store;
  } else if (!called) {
    if (root !== undefined && !root.request && frame.state === State.done && !heard) {
      heir.parent = undefined;
      findRoot(heir, undefined);
    }
    first.noted.heir = heir;
  }
  return heir;
}

function tellLine(frame: Frame, line: number): void {
  let op = frame.asked;
  frame.asked = undefined;
  while (op !== undefined) {
    if (op.line === 0 && op.frame === frame) op.line = line;
    const next: Operation | undefined = op.nextAsked;
    op.nextAsked = undefined;
    op = next;
  }
}

function errorType(error: unknown): string {
  try {
    if (!types.isNativeError(error)) return typeof error;
    const { code } = error as { code?: unknown };
    // Codes as the field writes them, ECONNRESET, ER_DUP_ENTRY, 42P01: no text that somebody put there.
    if (typeof code === 'string' && /^[A-Z0-9_]{1,63}$/.test(code)) return code;
    return /^[A-Za-z]\w{0,62}$/.test(error.name) ? error.name : 'Error';
  } catch {
    return 'error';
  }
}

// --- writing

/** While true, what ends is kept back: an open window may still say what its waits were for. */
let holding = false;
let held: Frame[] = [];

/** Writes an ended frame, if it is worth it, as soon as nothing about it is open. */
function finish(frame: Frame): void {
  if (frame.written || frame.open > 0 || frame.state !== State.done) return;
  if (holding) {
    held.push(frame);
    return;
  }
  if (frame.claimed || frame.end - frame.start >= longNs) {
    write(frame);
    return;
  }
  // What is not told of itself was its caller's running.
  const { parent } = frame;
  if (frame.waits === undefined && parent !== undefined && !parent.written) {
    parent.cpu += frame.cpu;
    frame.cpu = 0;
  }
}

function write(frame: Frame): void {
  const { root, site } = frame;
  if (root === undefined) return;
  frame.written = true;
  if (!root.recorded) {
    frame.waits = undefined;
    return;
  }
  claim(frame);
  const parent = frame.parent !== undefined ? frame.parent.lo : root.request ? root.id.lo : 0;
  writeFrame(
    root,
    frame.lo,
    parent,
    frame.functionId,
    site.name,
    site.line,
    frame.start,
    frame.end - frame.start,
    frame.cpu,
    frame.error,
    frame.rare?.continues ? Rule.chain : Rule.root,
  );
  if (frame.waitCount > maxWaits) count('dropped.waits', site.name, frame.waitCount - maxWaits);
  let wait = frame.waits;
  frame.waits = undefined;
  frame.lastWait = undefined;
  frame.waitCount = 0;
  for (; wait !== undefined; wait = wait.next) {
    const { start, end, line, cause, by, set, blocker } = wait;
    writeWait(root, frame.lo, start, end - start, line, cause, by, set, blocker);
  }
}

/** Something refers to the frame: it and those that called it will be written, or are now if they had ended. */
export function claim(frame: Frame): void {
  let one: Frame | undefined = frame;
  while (one !== undefined && !one.claimed) {
    one.claimed = true;
    if (one.state === State.done && !one.written) finish(one);
    one = one.parent;
  }
}

// --- for ownership.ts

type Told = (frame: Frame, wait: Wait, answer: Operation | undefined, calledBack: boolean) => void;
type KeptTold = (frame: Frame, wait: Wait, promise: object) => void;

let onResume: Told | undefined;
let onKept: KeptTold | undefined;

/**
 * Between the two calls frames that end are kept back, and `fn` is told of frames that go on, `keptFn` of promises
 * that were kept and may be settled now (`isPending` tells, later).
 */
export function watchResumes(fn: Told | undefined, keptFn?: KeptTold): void {
  onResume = fn;
  onKept = keptFn;
  holding = fn !== undefined;
  if (holding || held.length === 0) return;
  const ended = held;
  held = [];
  for (const frame of ended) finish(frame);
}

/** The frame that runs now, as an asker of operations. */
export function askingFrame(): Frame | undefined {
  const frame = frameHere();
  if (frame === undefined || !on) return undefined;
  if (frame.state === State.light) begin(frame);
  return frame;
}

/** `frame` asked for `op`, as far as is known. */
export function open(frame: Frame, op: Operation): void {
  frame.open++;
  if (op.line === 0 && frame.state === State.running) {
    if (frame.line !== 0) {
      op.line = frame.line;
      return;
    }
    op.nextAsked = frame.asked;
    frame.asked = op;
  } else if (op.line === 0) {
    op.line = frame.stopLine;
  }
}

/** `op`, which `frame` asked for as far as is known, was answered now. */
export function answer(frame: Frame, op: Operation, at: number): void {
  frame.answer = op;
  frame.answeredAt = at;
}

/** `frame` does not own the operation that it opened. */
export function disown(frame: Frame): void {
  frame.open--;
  finish(frame);
}

/**
 * An operation that `frame` opened is settled and the frame owns it; it let it go on at `at`.
 * @param beneath what the frame waits for goes on: the promise that it returned is not settled by this
 */
export function settled(frame: Frame, at: number, beneath: boolean): void {
  frame.open--;
  if (beneath) {
    frame.noted.heardAt = at;
    claim(frame);
    return;
  }
  frame.settledAt = at;
  claim(frame);
  if (frame.state === State.returned && frame.open === 0 && frame.first === undefined && frame.parent === undefined) {
    const wait = addWait(frame, frame.stopped, at, frame.stopLine);
    if (frame.answer !== undefined) {
      wait.cause = Cause.operation;
      wait.by = frame.answer.lo;
    }
    end(frame, at);
  } else {
    finish(frame);
  }
}

/** The frame that work of a root without a request began with. */
export const topFrame = (root: Root): Frame | undefined => (root.note as Frame | undefined)?.rare?.heir;

const maxSearched = 64;

/** What waits in a root with nobody open beneath it, oldest first; undefined = too many to say. */
export interface Leaves {
  /** At an await. */
  readonly waiting: Frame[];
  /** Returned a promise, none of whose answers was seen. */
  readonly returned: Frame[];
}

export function leavesOf(root: Root): Leaves | undefined {
  const list = root.note as Frame | undefined;
  const leaves: Leaves = { waiting: [], returned: [] };
  if (list === undefined) return leaves;
  let searched = 0;
  const stack: (Frame | undefined)[] = [list.first];
  while (stack.length > 0) {
    const frame = stack.pop();
    if (frame === undefined) continue;
    if (++searched > maxSearched) return undefined;
    if (frame.next !== undefined) stack.push(frame.next);
    if (frame.first !== undefined) stack.push(frame.first);
    else if (frame.state === State.waiting) leaves.waiting.push(frame);
    else if (frame.state === State.returned) leaves.returned.push(frame);
  }
  return leaves;
}

/** A frame that returned a promise: was it settled since the last time that an answer was put on it? */
export const isNewlySettled = (frame: Frame): boolean =>
  !(frame.settledAt >= frame.stopped) && !isPending(frame.returned);

/** At an await: an answer to it would have let it go on. */
export const isWaiting = (frame: Frame): boolean => frame.state === State.waiting;

/** The frame that runs now, whatever it is. */
export const runningFrame = (): object | undefined => here.frame;

export const hasOpenFrames = (): boolean => linked > 0;

/**
 * A timer of the code that runs now fired. If only one function of it waits, what it waits for paused since the timer
 * was set: a library that tries again, say.
 */
export function timerFired(at: number, setAt: number): void {
  const store = currentStore();
  if (!on || !(store instanceof Root) || at - setAt < longNs) return;
  const frame = soleWaiter(store);
  // What was set before it ran is no pause of what it then asked for.
  if (frame === undefined || setAt < frame.seg) return;
  const since = Math.max(setAt, frame.stopped, frame.rare?.pausedUntil ?? 0);
  if (at - since < longNs) return;
  addWait(frame, since, at, frame.stopLine).cause = Cause.pause;
  frame.noted.pausedUntil = at;
}

/** The only function of a root that waits for what none of its functions does; undefined = none, or several. */
function soleWaiter(root: Root): Frame | undefined {
  const leaves = leavesOf(root);
  if (leaves === undefined) return undefined;
  let sole = leaves.waiting[0];
  if (leaves.waiting.length > 1) return undefined;
  for (const { open, rare, settledAt, stopped, parent } of leaves.returned) {
    // One whose answers are there is over, as far as is seen: its caller waits.
    if (open > 0 || !(rare?.calledBack || settledAt >= stopped) || parent?.state !== State.waiting) return undefined;
    if (sole !== undefined && sole !== parent) return undefined;
    sole = parent;
  }
  return sole;
}

/** Not over: it runs, waits, or its promise is not settled. */
export const isOpen = (frame: Frame): boolean => frame.state !== State.done;

// --- starting

/** What transformed code finds. */
export const runtime = Object.freeze({
  m: sites,
  each,
  enter,
  suspend,
  resume,
  back,
  pause: pauseAtYield,
  fail,
  ret,
  exit,
  enterSync,
  exitSync,
  keep,
  into,
  out,
});

/** The same, and what it costs is told. */
const metered: typeof runtime = Object.freeze({
  ...runtime,
  enter: (site, outer) => {
    const since = enterOwn();
    const frame = enter(site, outer);
    leaveOwn(since);
    return frame;
  },
  suspend: (frame, value, line) => {
    const since = enterOwn();
    suspend(frame, value, line);
    leaveOwn(since);
    return value;
  },
  resume: (frame, value) => {
    const since = enterOwn();
    resume(frame, value);
    leaveOwn(since);
    return value;
  },
  exit: (frame) => {
    const since = enterOwn();
    exit(frame);
    leaveOwn(since);
  },
  into: (outer, line, site) => {
    const since = enterOwn();
    const turn = into(outer, line, site);
    leaveOwn(since);
    return turn;
  },
  out: (turn) => {
    const since = enterOwn();
    out(turn);
    leaveOwn(since);
  },
});

export const globalName = '$ww';

/** Makes the runtime reachable. Transformed code must find it, whatever `on` is. */
export function startFrames(): void {
  // Node compiles `inspect` when it is called first: 1 to 6 ms, which would be a function's of the user's.
  isPending(Promise.resolve());
  Object.defineProperty(globalThis, globalName, {
    value: limited ? metered : runtime,
    enumerable: false,
    configurable: true,
  });
}

/** From now every call does nothing. */
export function stopFrames(): void {
  on = false;
  here.frame = undefined;
}

/** A fault of ours: the program goes on as if it were not watched. */
function switchOff(fault: unknown): void {
  stopFrames();
  count('off.frames', fault instanceof Error ? fault.name : '', 1);
}
