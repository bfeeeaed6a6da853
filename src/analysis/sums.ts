// The numbers that a report keeps while traces pass by: as many as there are functions × services × operations, and
// no more however many traces. Words are ids here (texts, functions); a report puts the words in at its end.

import { type FrameAccounts, noAccounts } from './accounts.ts';
import { type Histogram, merge, newHistogram, record } from './histogram.ts';
import type { PausedTime } from './pauses.ts';

/** Calls of one kind: how many, how many failed, how long (ns). */
export interface CallSums {
  calls: number;
  errors: number;
  readonly time: Histogram;
}

export interface ServiceSums extends CallSums {
  protocol: number;
  /** ns that the caller was held; parallel calls once. */
  wait: number;
  bytesOut: number;
  bytesIn: number;
  readonly operations: Map<number, CallSums>;
  /** Function ids from the call outwards, joined by ' ' → how many calls came that way. */
  readonly paths: Map<string, number>;
}

export interface FunctionSums extends CallSums {
  readonly accounts: FrameAccounts;
  readonly paused: PausedTime;
  readonly services: Map<number, ServiceSums>;
  /** Function ids → ns that they ran while answers lay there. */
  readonly blockers: Map<number, number>;
}

export interface RequestSums extends CallSums {
  readonly paused: PausedTime;
  readonly services: Map<number, ServiceSums>;
}

export const newCalls = (): CallSums => ({ calls: 0, errors: 0, time: newHistogram() });

export const newService = (): ServiceSums => ({
  ...newCalls(),
  protocol: 0,
  wait: 0,
  bytesOut: 0,
  bytesIn: 0,
  operations: new Map(),
  paths: new Map(),
});

const noPause = (): PausedTime => ({ gc: 0, held: 0 });

export const newFunction = (): FunctionSums => ({
  ...newCalls(),
  accounts: noAccounts(),
  paused: noPause(),
  services: new Map(),
  blockers: new Map(),
});

export const newRequest = (): RequestSums => ({ ...newCalls(), paused: noPause(), services: new Map() });

/** The value of a key, made when it is not there yet. */
export function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** A call that stands for `weight` calls like it. */
export function countCall(sums: CallSums, ns: number, error: boolean, weight: number): void {
  sums.calls += weight;
  if (error) sums.errors += weight;
  record(sums.time, ns, weight);
}

/** The rest of a call that was counted already: its time, and its error. */
export function countRest(sums: CallSums, ns: number, error: boolean, weight: number): void {
  if (error) sums.errors += weight;
  sums.time.sum += ns * weight;
}

export function addAccounts(into: FrameAccounts, from: FrameAccounts, weight = 1): void {
  for (const name of Object.keys(into) as (keyof FrameAccounts)[]) into[name] += from[name] * weight;
}

export function addPaused(into: PausedTime, from: PausedTime, weight = 1): void {
  into.gc += from.gc * weight;
  into.held += from.held * weight;
}

export function addCalls(into: CallSums, from: CallSums): void {
  into.calls += from.calls;
  into.errors += from.errors;
  merge(into.time, from.time);
}

export function addTimes(into: Map<number, number>, from: ReadonlyMap<number, number>): void {
  for (const [id, ns] of from) into.set(id, (into.get(id) ?? 0) + ns);
}

export function addServices(into: Map<number, ServiceSums>, from: Map<number, ServiceSums>): void {
  for (const [service, sums] of from) {
    const to = at(into, service, newService);
    addCalls(to, sums);
    to.protocol ||= sums.protocol;
    to.wait += sums.wait;
    to.bytesOut += sums.bytesOut;
    to.bytesIn += sums.bytesIn;
    for (const [operation, calls] of sums.operations) addCalls(at(to.operations, operation, newCalls), calls);
    for (const [path, calls] of sums.paths) to.paths.set(path, (to.paths.get(path) ?? 0) + calls);
  }
}
