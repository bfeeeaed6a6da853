// What looks avoidable in how a function waits. Each finding says where, how often and how much it would save at
// most; none knows the data that passed, so each says what must hold for it to be true.

import { Cause, Kind } from '../model/schema.ts';
import { isFrame, isOperation, listOf, type Tree } from './trace.ts';

/** Fewer calls in a row than this are not called n + 1. */
export const manyCalls = 5;
const longestSequence = 8;

/** Something that a frame waited for: an operation (text ids of its service and name), or a function. */
export type Step =
  | { readonly service: number; readonly operation: number; readonly line: number }
  | { readonly function: number; readonly line: number };

/** What one frame, or one trace, shows. */
export interface Sight {
  readonly kind: 'n-plus-one' | 'sequential' | 'duplicate-read';
  /** Row of the frame to blame; for a duplicate read the frame that read again, or -1. */
  readonly frame: number;
  /** n-plus-one, duplicate-read: the one that is repeated. sequential: all, in their order. */
  readonly steps: readonly Step[];
  /** How many times it was done. */
  readonly times: number;
  /** ns, at most. */
  readonly saves: number;
  /** duplicate-read: function and line that read first. */
  readonly before?: { readonly function: number; readonly line: number };
}

/**
 * Looks at what one frame waited for, one after another.
 *
 * ```
 *   n-plus-one   ├a┤├a┤├a┤├a┤├a┤         the same from one line, 5 or more times: one call for all saves all but one
 *   sequential   ├──a──┤├───b───┤├─c─┤   if they need nothing of each other, together they take as long as b
 * ```
 */
export function lookAtFrame(tree: Tree, frame: number, see: (sight: Sight) => void): void {
  const waited = inTurn(tree, frame);
  if (waited.length < 2) return;

  const lines = linesOf(tree, frame);
  const groups = new Map<string, number[]>();
  for (const child of waited) {
    const step = stepOf(tree, child, lines);
    const key = 'function' in step ? `${step.function} ${step.line}` : `${step.service} ${step.operation} ${step.line}`;
    const group = groups.get(key);
    if (group) group.push(child);
    else groups.set(key, [child]);
  }
  const totals: { step: Step; time: number }[] = [];
  for (const group of groups.values()) {
    const step = stepOf(tree, group[0], lines);
    let sum = 0;
    let longest = 0;
    for (const child of group) {
      const time = tree.end[child] - tree.start[child];
      sum += time;
      if (time > longest) longest = time;
    }
    totals.push({ step, time: sum });
    if (group.length >= manyCalls && (isOperation(tree, group[0]) || asksSomething(tree, group[0]))) {
      see({ kind: 'n-plus-one', frame, steps: [step], times: group.length, saves: sum - longest });
    }
  }
  if (totals.length < 2 || totals.length > longestSequence) return;
  const sum = totals.reduce((all, { time }) => all + time, 0);
  const longest = totals.reduce((most, { time }) => Math.max(most, time), 0);
  see({ kind: 'sequential', frame, steps: totals.map(({ step }) => step), times: 1, saves: sum - longest });
}

/**
 * Looks for the same read by two places of the code in one trace. Keys and values are never recorded, so "the same"
 * means: same service, operation and statement, and as many bytes asked and answered.
 */
export function lookAtTrace(tree: Tree, see: (sight: Sight) => void): void {
  const { spans } = tree.columns;
  const first = new Map<string, number>();
  for (const row of tree.order) {
    if (spans.kind[row] !== Kind.client || !(spans.bytesIn[row] > 0) || spans.function[row] === 0) continue;
    const key = `${spans.service[row]} ${spans.operation[row]} ${spans.statement[row]} ${spans.bytesOut[row]} ${spans.bytesIn[row]}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, row);
      continue;
    }
    if (spans.function[before] === spans.function[row]) continue;
    see({
      kind: 'duplicate-read',
      frame: tree.parent[row],
      steps: [stepOf(tree, row, new Map())],
      times: 1,
      saves: tree.end[row] - tree.start[row],
      before: { function: spans.function[before], line: spans.line[before] },
    });
  }
}

/** The operations and functions that a frame waited for, without those that overlap another. */
function inTurn(tree: Tree, frame: number): number[] {
  const waits = listOf(tree.waits, frame);
  const asked = listOf(tree.children, frame).filter(
    (child) =>
      (tree.columns.spans.kind[child] === Kind.client || isFrame(tree, child)) && tree.end[child] > tree.start[child],
  );
  const awaited = waits.length === 0 ? undefined : awaitedOf(tree, waits);
  const turns: number[] = [];
  let busyUntil = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < asked.length; i++) {
    const child = asked[i];
    const alone =
      tree.start[child] >= busyUntil && (i + 1 === asked.length || tree.start[asked[i + 1]] >= tree.end[child]);
    busyUntil = Math.max(busyUntil, tree.end[child]);
    if (alone && (awaited === undefined || isOperation(tree, child) || awaited.has(child))) turns.push(child);
  }
  return turns;
}

function awaitedOf(tree: Tree, waits: Uint32Array): Set<number> {
  const awaited = new Set<number>();
  for (const wait of waits) if (tree.columns.waits.cause[wait] !== Cause.timer) awaited.add(tree.waitBy[wait]);
  return awaited;
}

/** The line at which the frame waited for each span that let it go on. */
function linesOf(tree: Tree, frame: number): ReadonlyMap<number, number> {
  const lines = new Map<number, number>();
  for (const wait of listOf(tree.waits, frame)) {
    if (tree.waitBy[wait] !== -1) lines.set(tree.waitBy[wait], tree.columns.waits.line[wait]);
  }
  return lines;
}

function stepOf(tree: Tree, row: number, lines: ReadonlyMap<number, number>): Step {
  const { spans } = tree.columns;
  const waited = lines.get(row) ?? 0;
  return isFrame(tree, row)
    ? { function: spans.function[row], line: waited || spans.line[row] }
    : { service: spans.service[row], operation: spans.operation[row], line: spans.line[row] || waited };
}

/** Whether any operation lies under a frame. */
function asksSomething(tree: Tree, frame: number): boolean {
  const open = [frame];
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    for (const child of listOf(tree.children, row)) {
      if (isOperation(tree, child)) return true;
      open.push(child);
    }
  }
  return false;
}

const reads =
  /^(SELECT|SHOW|GET|HEAD|OPTIONS|MGET|HGET|HMGET|HGETALL|LRANGE|LLEN|SMEMBERS|SISMEMBER|SCARD|ZRANGE|ZSCORE|ZCARD|EXISTS|TTL|STRLEN|HLEN|KEYS|SCAN|gets?|gats?|mg|PING)\b/i;
const fills = /^(set|setex|psetex|setnx|add|ms|touch|expire|pexpire)\b/i;
/** Part of opening a connection: no step of the user's. */
const opens = /^(connect|HELLO|AUTH|CLIENT)\b/i;

/** Whether doing it twice gives the same and changes nothing: decided by its verb. */
export const isRead = (operation: string): boolean => reads.test(operation);

/** Whether it keeps what was read before for the next time. */
export const isFill = (operation: string): boolean => fills.test(operation);

/** Whether another order may change something: writes do, but filling a cache and opening a connection do not. */
export const isOrdered = (operation: string): boolean =>
  !reads.test(operation) && !fills.test(operation) && !opens.test(operation);
