// When the thread was taken: pauses of the garbage collector, and stretches in which the event loop was held. Nothing
// here wakes an idle program, keeps one alive, or can be seen by its own observers.
//
// The garbage collector tells Node's PerformanceObserver. Ours takes the entries where Node hands them over, before
// they are queued for a callback: no immediate is made, which async_hooks would show.
//
// The event loop has no such witness, and a timer that looks would wake it. But the recorder is called all the time
// while there is work: whenever a function of the user's begins, stops or goes on, a chunk or a request arrives. Each
// of these calls `seen`. Between two of them the same function runs, or code that is not the user's, or the loop
// is idle; how long it was idle, and whether it has turned, libuv counts (uv_metrics_idle_time, uv_metrics_info).
//
// Of those that follow each other closely only one is counted, as a profiler that takes samples would: who runs then
// has run since the one before it.
//
//   seen      ·····            ·  ···· ·            · ····
//   thread    ▓▓▓▓▓ idle       ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  idle
//                              ├─── held, by whoever ran for most of it ───┤

import { PerformanceObserver, performance } from 'node:perf_hooks';
import { loopHeldNs, Pause } from '../model/schema.ts';
import { now } from './clock.ts';
import { Root } from './operation.ts';
import { count, writePause } from './span-buffer.ts';

/** A frame (frames.ts), as far as it is needed to say who held the loop. */
interface Runner {
  readonly site: object;
  /** Of its span, the low half. */
  readonly lo: number;
  readonly functionId: number;
  readonly root: Root | undefined;
}

/** The counters of libuv are read when this much time has passed, ns: so a stretch is known this exactly. */
const lookEveryNs = 2e6;
/** Or when nothing was seen for so long. */
const gapNs = 1e6;
/** After a shorter time nobody is counted: far less than what is told. */
const quickNs = 1e5;

interface LoopTiming {
  readonly idleTime: number;
  /** Node 22.8, 20.18 and later. */
  readonly uvMetricsInfo?: { readonly loopCount: number };
}
const timing = performance.nodeTiming as unknown as LoopTiming;
const countsTurns = timing.uvMetricsInfo !== undefined;

/** When somebody was counted last. An array's element, as a double in a variable is made anew each time it is set. */
const counted = new Float64Array([now()]);
let lookedAt = counted[0]!;
let turn = -1;
let idle = 0;
/** Since when the thread has not been free, as far as is known. */
let begun = lookedAt;
/** Who ran for most of that time, by majority vote; and by how much. */
let top: Runner | Root | undefined;
let lead = 0;
/** A sync function, or a request's handler, that has returned since, nobody saw when. */
let left: Runner | Root | undefined;

/** The recorder is called, at `at`: is it so long after the last time that somebody is counted? Then call `seen`. */
export function isDue(at: number): boolean {
  if (at - counted[0]! >= quickNs) return true;
  left = undefined;
  return false;
}

/** Since the last time `runner`, or nobody that the recorder knows, has run. */
export function seen(at: number, runner: Runner | undefined): void {
  const gap = at - counted[0]!;
  if (gap >= gapNs || at - lookedAt >= lookEveryNs) {
    try {
      look(at, gap, runner);
    } catch {
      // Frames ask for the time where nothing guards them.
      count('off.pauses', '', 1);
      counted[0] = at;
    }
    return;
  }
  counted[0] = at;
  const who = runner ?? left;
  left = undefined;
  if (who !== undefined) vote(who, gap);
}

/** `runner` returns, and nobody looks at the clock. */
export function leaves(runner: object): void {
  left ??= runner as Runner | Root;
}

const siteOf = (runner: Runner | Root): object => (runner instanceof Root ? runner : runner.site);

function vote(runner: Runner | Root, ns: number): void {
  if (top !== undefined && siteOf(top) === siteOf(runner)) {
    top = runner;
    lead += ns;
  } else if (lead >= ns) lead -= ns;
  else {
    top = runner;
    lead = ns - lead;
  }
}

function look(at: number, gap: number, runner: Runner | undefined): void {
  const last = counted[0]!;
  const idleNow = timing.idleTime * 1e6;
  const turnNow = countsTurns ? (timing.uvMetricsInfo?.loopCount ?? 0) : turn + 1;
  const wasLeft = left;
  left = undefined;
  if (turnNow === turn && idleNow === idle) {
    // Still the same run of the same turn.
    const who = runner ?? wasLeft;
    if (who !== undefined) vote(who, gap);
  } else if (runner !== undefined) {
    // It runs synchronously since `last`: the loop had turned before.
    close(lookedAt);
    begun = last;
    vote(runner, gap);
  } else {
    const busy = Math.max(0, gap - (idleNow - idle));
    // Of several turns in which nothing was seen, one was at least as long as their mean.
    const turns = turnNow - turn;
    const isOne = turns <= 1 || busy / turns >= loopHeldNs;
    if (wasLeft !== undefined && isOne) {
      vote(wasLeft, busy);
      close(last + busy);
      begun = at;
    } else {
      close(last);
      // Nobody's of the user's. What waited for the loop is seen as soon as it is free: until now.
      begun = isOne ? at - busy : at;
      if (turns > 1) {
        close(at);
        begun = at;
      }
    }
  }
  counted[0] = at;
  lookedAt = at;
  turn = turnNow;
  idle = idleNow;
}

/** The latest stretches that may have been in somebody's way. */
const recent: Held[] = [];
let newest = -1;
const maxRecent = 16;
const inTheWayNs = 1e6;

/** A stretch in which the loop was held, and by whom, if one ran for most of it. */
export interface Held {
  readonly start: number;
  readonly end: number;
  /** Of the loop. */
  readonly turn: number;
  readonly by: Runner | Root | undefined;
}

const holder = (ns: number): Runner | Root | undefined => (lead * 2 >= ns ? top : undefined);

/** Since when the thread has run without turning to anything else, as far as is known. */
export const busySince = (): number => begun;

/**
 * Since when the loop had been held when, at `at`, something is read that may have lain there: in this turn, and in the
 * one before it, at whose beginning it was not there yet. `at` = it was free.
 */
export function heldSince(at: number): number {
  let since = at - begun >= inTheWayNs ? begun : at;
  for (let i = 0; i < recent.length; i++) {
    const held = recent[(newest + maxRecent - i) % maxRecent];
    if (held === undefined || held.turn < turn - 1 || since - held.end >= inTheWayNs) break;
    since = held.start;
  }
  return since;
}

/** Number of the function, other than `waiter`'s, that held the loop for most of [from, to]; 0 = none, or not known. */
export function blockerIn(from: number, to: number, waiter: object): number {
  let longest = 0;
  let blocker = 0;
  const weigh = ({ start, end, by }: Held) => {
    const shared = Math.min(end, to) - Math.max(start, from);
    if (shared <= longest || by === undefined || by instanceof Root || by.site === waiter) return;
    longest = shared;
    blocker = by.functionId;
  };
  weigh({ start: begun, end: to, turn, by: holder(to - begun) });
  for (const held of recent) weigh(held);
  return blocker;
}

/** A stretch ends. */
function close(at: number): void {
  const ns = at - begun;
  const who = holder(ns);
  top = undefined;
  lead = 0;
  if (ns >= inTheWayNs) {
    newest = (newest + 1) % maxRecent;
    recent[newest] = { start: begun, end: at, turn, by: who };
  }
  if (ns < loopHeldNs) return;
  // A program that loads its modules holds nothing up: its loop has not begun.
  if (who === undefined && turn <= 0) return;
  if (who === undefined) writePause(Pause.loop, begun, ns, 0, 0, undefined);
  else if (who instanceof Root) writePause(Pause.loop, begun, ns, 0, who.id.lo, who.trace);
  else writePause(Pause.loop, begun, ns, who.functionId, who.lo, who.root?.trace);
}

/** At exit: what is still going on. */
export function settlePauses(): void {
  const at = now();
  look(at, at - counted[0]!, undefined);
  close(at);
  begun = at;
}

// --- the garbage collector's

/** V8's GCType → Pause: 2 is a minor one, too (mark-sweep of young objects). */
const kinds: readonly (Pause | undefined)[] = (() => {
  const by: (Pause | undefined)[] = [];
  by[1] = Pause.minor;
  by[2] = Pause.minor;
  by[4] = Pause.major;
  by[8] = Pause.incremental;
  by[16] = Pause.weak;
  return by;
})();

interface GcEntry {
  readonly startTime: number;
  readonly duration: number;
  readonly detail?: { readonly kind?: number };
}

function collected({ startTime, duration, detail }: GcEntry): void {
  try {
    const kind = kinds[detail?.kind ?? 0];
    if (kind !== undefined) writePause(kind, startTime * 1e6, duration * 1e6, 0, 0, undefined);
  } catch {
    // One pause less.
  }
}

/** Begins to note the garbage collector's pauses. */
export function watchGc(): void {
  const take = Object.getOwnPropertySymbols(PerformanceObserver.prototype).find(
    ({ description }) => description === 'kMaybeBuffer',
  );
  if (take === undefined) {
    count('blind.gc', process.version, 1);
    return;
  }
  const observer = new PerformanceObserver(() => {});
  Object.defineProperty(observer, take, { value: collected });
  observer.observe({ entryTypes: ['gc'] });
}
