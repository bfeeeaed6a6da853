// `--budget 2%`: how much of the process's CPU time the recorder takes, and which requests it records so as to stay
// under that. Without a budget every request is, and nothing here runs.
//
// A request is recorded whole or not at all, and stands for as many as there were of its kind: its spans' weight. So
// is a piece of work that no request asked for, and an operation of nobody's. The decision of whoever sent the request
// is kept (`traceparent`, its sampled flag); the spans then take the weight of the head of their trace.
//
//   requests     ● ● ● ○ ○ ○ ○ ○ ○ ○ ○ ○ ● ● ● ○ …      groups of as many as are under way at once (sampler.ts)
//   following    ├────────┤              ├──────
//
// In groups, since while any recorded request is under way all operations must be followed: an answer may be that
// request's, whoever seems to have asked. Between them connections are decoded, so that nothing loses step, and no more.
//
// The share is measured: of the recorder's calls one in 15.5, by chance, is timed, and compared with the CPU time of the
// process. A call from which the system took the processor away meanwhile counts as a long one, not as all that passed.

import { now } from './clock.ts';
import { random32 } from './ids.ts';
import type { Operation, Root } from './operation.ts';
import { Sampler } from './sampler.ts';
import { count } from './span-buffer.ts';

/** While false, what requests do is not followed: none that is recorded is under way. */
export let following = true;
/** Is there a budget? */
export let limited = false;

let budget = 1;
/** Of so many groups one is recorded. */
let rate = 1;
const maxRate = 4096;

/** Recorded and not over. */
const live = new Set<Root>();
/** One that goes on for longer is followed as far as its own context tells what is its. */
const longNs = 5e9;
let underWay = 0;

const { cpuUsage } = process;

/** @param share of the process's CPU time, 0.02 for 2 % */
export function startBudget(share: number): void {
  budget = share;
  limited = true;
  following = false;
  let least = 1e6;
  for (let i = 0; i < 200; i++) {
    const at = now();
    least = Math.min(least, now() - at);
  }
  clockNs = least;
  usage = cpuUsage.call(process);
  lookedAt = now();
}

// --- whether to record

const chance = (): number => random32() / 2 ** 32;
const requests = new Sampler(chance);
const work = new Sampler(chance);
const orphans = new Sampler(chance);
/** A group is no larger. */
const maxGroup = 16;

/** Decides on a new root; `remote`: what the sender of the request decided, where it said so. */
export function sample(root: Root, remote: boolean | undefined): void {
  if (!limited) return;
  adjust(root.start);
  if (remote !== undefined) {
    root.recorded = remote;
    root.weight = 0;
  } else {
    root.weight = root.request
      ? requests.next(Math.max(1, Math.min(maxGroup, underWay)), rate, root.start)
      : work.next(1, rate, root.start);
    root.recorded = root.weight > 0;
    if (root.request) seenRequests++;
    else seenWork++;
    if (root.recorded && root.request) keptRequests++;
    else if (root.recorded) keptWork++;
  }
  if (root.request) underWay++;
  if (!root.recorded) return;
  live.add(root);
  following = true;
}

/** An operation is asked for by nobody that is known, while nothing is followed: is it? Its weight; 0 = no. */
export const orphanWeight = (): number => orphans.next(1, rate, now());

/** The weight of a settled operation, 0 = that of its trace's head; -1 = it is not recorded. */
export function weightOf({ root, weight }: Operation): number {
  if (root !== undefined) return root.recorded ? root.weight : -1;
  if (!limited) return 1;
  return (weight < 0 ? orphanWeight() : weight) || -1;
}

/** A request is answered, or a root's last function has ended. */
export function over(root: Root): void {
  if (!limited || !root.ended || root.frames > 0) return;
  if (live.delete(root)) following = live.size > 0;
}

export function answeredRequest(): void {
  if (limited) underWay--;
}

// --- what it costs

/** Mean of the strides below. */
const stride = 15.5;
/** A longer call was interrupted: by the system, or by a collection of garbage. */
const longestNs = 200e3;
/** A promise hook of ours, that has nothing to do: measured on Node 20 to 26. */
const hookNs = 60;

let left = 1;
/** While something that is recorded was followed, and otherwise, ns. */
let followingOwn = 0;
let restingOwn = 0;
let clockNs = 0;
let hooks = 0;

/** A call of the recorder's begins; give the result to `leaveOwn`. Such calls are not nested. */
export function enterOwn(): number {
  if (!limited || --left > 0) return 0;
  left = 8 + (random32() & 15);
  return now();
}

export function leaveOwn(since: number): void {
  if (since === 0) return;
  const ns = Math.min(longestNs, Math.max(0, now() - since - clockNs)) * stride;
  if (following) followingOwn += ns;
  else restingOwn += ns;
}

/** A promise hook was called. */
export function hooked(): void {
  hooks++;
}

/** Time for what is recorded that was measured itself, ns. */
export function spent(ns: number): void {
  if (limited) followingOwn += Math.min(ns, 50e6);
}

// --- staying under it

const lookEveryNs = 100e6;
/** Less CPU time says too little. */
const leastCpuNs = 20e6;

let lookedAt = 0;
let usage = { user: 0, system: 0 };
let recentFollowing = 0;
let recentResting = 0;
let recentCpu = 0;

let seenRequests = 0;
let keptRequests = 0;
let seenWork = 0;
let keptWork = 0;
/** Of what is open now, as much is told. */
let toldRequests = 0;
let toldWork = 0;

function adjust(at: number): void {
  if (at - lookedAt < lookEveryNs) return;
  lookedAt = at;
  const { user, system } = cpuUsage.call(process);
  const cpu = (user - usage.user + system - usage.system) * 1e3;
  if (cpu < leastCpuNs) return;
  usage = { user, system };
  const resting = restingOwn + hooks * hookNs;
  count('budget.own', '', followingOwn + resting);
  count('budget.cpu', '', cpu);
  // Half of what is known is of the last turn, so that neither a burst nor a lull decides alone.
  recentFollowing = recentFollowing / 2 + followingOwn;
  recentResting = recentResting / 2 + resting;
  recentCpu = recentCpu / 2 + cpu;
  followingOwn = 0;
  restingOwn = 0;
  hooks = 0;
  // What it costs to see that nothing need be recorded is not in our hands. It may take the whole budget: a tenth is
  // kept for recording, as a run without any record is of no use.
  const mine = Math.max(0.85 * budget - recentResting / recentCpu, 0.1 * budget);
  const excess = recentFollowing / recentCpu / mine;
  if (excess > 1) rate = Math.min(maxRate, Math.ceil(rate * Math.min(4, excess)));
  else if (excess < 0.8) rate = Math.max(1, Math.floor(rate * Math.max(0.7, excess)));
  for (const root of live) if (at - root.start > longNs) live.delete(root);
  following = live.size > 0;
}

/** Adds to the counters how many there were and what it cost: before a batch is made. */
export function tellBudget(): void {
  if (!limited) return;
  adjust(now());
  for (const [name, value] of [
    ['requests.seen', seenRequests],
    ['requests.recorded', keptRequests],
    ['work.seen', seenWork],
    ['work.recorded', keptWork],
    ['requests.open', requests.open - toldRequests],
    ['work.open', work.open - toldWork],
  ] as const) {
    if (value !== 0) count(`budget.${name}`, '', value);
  }
  toldRequests = requests.open;
  toldWork = work.open;
  seenRequests = 0;
  keptRequests = 0;
  seenWork = 0;
  keptWork = 0;
}
