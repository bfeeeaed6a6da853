// A trace's columns → its tree: who asked for what, in which order, with what waits. Everything else in this room
// walks the tree that is made here. Rows stay rows: a span is its index in the columns, -1 is no span.

import { Kind } from '../model/schema.ts';
import type { TraceColumns } from '../model/trace.ts';

/** What a tree is made of: columns of one trace. Rows in any order; `start` counts from one origin for all rows. */
export type TreeColumns = Pick<TraceColumns, 'spans' | 'waits' | 'process'> &
  Partial<Pick<TraceColumns, 'pauses' | 'pauseProcess'>>;

export interface FunctionPlace {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly service: string;
  readonly runtime: string;
}

/** Columns with their words beside them, as a page holds a trace. */
export interface WordedColumns extends TreeColumns {
  /** Text by id; texts[0] is ''. */
  readonly texts: readonly string[];
  readonly functions: ReadonlyMap<number, FunctionPlace>;
  readonly processes: ReadonlyMap<number, ProcessInfo>;
}

/** A list of rows for each span, flat: those of span i are `items[offsets[i]] … items[offsets[i + 1] - 1]`. */
export interface Lists {
  readonly offsets: Uint32Array;
  readonly items: Uint32Array;
}

export interface TraceTree<C extends TreeColumns = WordedColumns> {
  readonly columns: C;
  readonly size: number;
  /** Whole ns, put right for clock skew; so that sums and differences of them are exact (below 2^53 ns, 104 days). */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Row of the parent; -1 for a root. */
  readonly parent: Int32Array;
  readonly depth: Uint32Array;
  /** By start; equal starts in the order of the rows. */
  readonly children: Lists;
  /** Operations whose answer was still coming when the callee that had asked for them ended: a response's body, say. */
  readonly handedOn: Lists;
  /** Rows of `columns.waits` of each span, by start. */
  readonly waits: Lists;
  /** Whole ns, put right like their spans. */
  readonly waitStart: Float64Array;
  readonly waitEnd: Float64Array;
  /** The row of the span that let the frame go on; -1 = not known, or not in this trace. */
  readonly waitBy: Int32Array;
  /** Parents before children, children in their order. Rows left out as duplicates are not in it. */
  readonly order: Uint32Array;
  /** By start. One for a whole trace; more when a parent is missing. */
  readonly roots: Uint32Array;
  /** Spans whose parent is not in the trace: not recorded here (a remote caller), or not yet stored. */
  readonly orphans: number;
  /** Rows left out because an earlier row has the same id. */
  readonly duplicates: number;
  /** Parent links left out because they went round in a circle. */
  readonly cycles: number;
  /** Spans shifted because a clock put them before what caused them. */
  readonly skewed: number;
}

/**
 * The tree of a trace.
 *
 * A span whose parent is missing is a root. Of rows with one id the first counts. A circle of parents is cut at its
 * earliest span. A span of another process that starts before the span that asked for it was timed by another clock:
 * it is shifted, with what it did in that process, to the middle of the asking span when it fits, else to its start:
 *
 * ```
 *   asked        ├────────────────┤             ├────────────────┤
 *   answered  ├────────┤                 →          ├────────┤
 * ```
 */
export function buildTree<C extends TreeColumns>(columns: C): TraceTree<C> {
  const { spans, waits } = columns;
  const size = spans.span.length;
  const rowOf = new Map<bigint, number>();
  const left = new Uint8Array(size);
  let duplicates = 0;
  for (let row = 0; row < size; row++) {
    if (rowOf.has(spans.span[row])) {
      left[row] = 1;
      duplicates++;
    } else rowOf.set(spans.span[row], row);
  }

  const start = new Float64Array(size);
  const end = new Float64Array(size);
  const parent = new Int32Array(size).fill(-1);
  let orphans = 0;
  for (let row = 0; row < size; row++) {
    start[row] = Math.round(spans.start[row]);
    end[row] = start[row] + whole(spans.duration[row]);
    if (left[row] || spans.parent[row] === 0n) continue;
    const above = rowOf.get(spans.parent[row]);
    if (above === undefined) orphans++;
    else parent[row] = above;
  }
  const cycles = cutCycles(parent, start);

  const byStart = new Uint32Array(size - duplicates);
  for (let row = 0, n = 0; row < size; row++) if (!left[row]) byStart[n++] = row;
  byStart.sort((a, b) => start[a] - start[b] || a - b);
  let children = group(byStart, size, (row) => parent[row]);
  const roots = byStart.filter((row) => parent[row] === -1);
  const order = walk(roots, children);

  const shift = new Float64Array(size);
  const skewed = correctSkew(order, parent, columns, start, end, shift);
  if (skewed > 0) {
    byStart.sort((a, b) => start[a] - start[b] || a - b);
    children = group(byStart, size, (row) => parent[row]);
  }
  const depth = new Uint32Array(size);
  for (const row of order) if (parent[row] !== -1) depth[row] = depth[parent[row]] + 1;

  const waitRows = waits.span.length;
  const waitStart = new Float64Array(waitRows);
  const waitEnd = new Float64Array(waitRows);
  const waitBy = new Int32Array(waitRows).fill(-1);
  const waiter = new Int32Array(waitRows);
  for (let wait = 0; wait < waitRows; wait++) {
    const row = rowOf.get(waits.span[wait]) ?? -1;
    waiter[wait] = row;
    waitStart[wait] = Math.round(waits.start[wait]) + (row === -1 ? 0 : shift[row]);
    waitEnd[wait] = waitStart[wait] + whole(waits.duration[wait]);
    if (waits.by[wait] !== 0n) waitBy[wait] = rowOf.get(waits.by[wait]) ?? -1;
  }
  const waitsByStart = new Uint32Array(waitRows);
  for (let wait = 0; wait < waitRows; wait++) waitsByStart[wait] = wait;
  waitsByStart.sort((a, b) => waitStart[a] - waitStart[b] || a - b);

  return {
    columns,
    size,
    start,
    end,
    parent,
    depth,
    children,
    handedOn: handedOn(order, parent, end, columns),
    waits: group(waitsByStart, size, (wait) => waiter[wait]),
    waitStart,
    waitEnd,
    waitBy,
    order: skewed > 0 ? walk(roots, children) : order,
    roots,
    orphans,
    duplicates,
    cycles,
    skewed,
  };
}

/** A tree whatever comes with its columns. */
export type Tree = TraceTree<TreeColumns>;

/** The rows of one span in lists. */
export const listOf = (lists: Lists, span: number): Uint32Array =>
  lists.items.subarray(lists.offsets[span], lists.offsets[span + 1]);

export const isFrame = (tree: Tree, row: number): boolean => tree.columns.spans.kind[row] === Kind.internal;

/** An operation on a service: a request made, a message handed over or delivered. */
export const isOperation = (tree: Tree, row: number): boolean => tree.columns.spans.kind[row] >= Kind.client;

export const failed = (tree: Tree, row: number): boolean => tree.columns.spans.error[row] !== 0;

/** A duration in whole ns; 0 for what cannot be one. */
const whole = (ns: number) => (ns > 0 ? Math.round(ns) : 0);

/** Counting sort of rows into lists, one for each owner; rows of owner -1 are left out. Keeps the order of rows. */
function group(rows: Uint32Array, owners: number, ownerOf: (row: number) => number): Lists {
  const offsets = new Uint32Array(owners + 1);
  for (const row of rows) if (ownerOf(row) >= 0) offsets[ownerOf(row) + 1]++;
  for (let owner = 0; owner < owners; owner++) offsets[owner + 1] += offsets[owner];
  const items = new Uint32Array(offsets[owners]);
  const next = offsets.slice();
  for (const row of rows) if (ownerOf(row) >= 0) items[next[ownerOf(row)]++] = row;
  return { offsets, items };
}

/** For each frame the operations of its callees, and of theirs, of which it may have got the rest. */
function handedOn(order: Uint32Array, parent: Int32Array, end: Float64Array, { spans, process }: TreeColumns): Lists {
  const owners: number[] = [];
  const operations: number[] = [];
  for (const row of order) {
    if (spans.kind[row] !== Kind.client) continue;
    const firstByte = end[row] - whole(spans.receive[row]);
    let callee = parent[row];
    while (
      callee !== -1 &&
      spans.kind[callee] === Kind.internal &&
      end[callee] < end[row] &&
      end[callee] >= firstByte
    ) {
      const caller = parent[callee];
      if (caller === -1 || spans.kind[caller] !== Kind.internal || process[caller] !== process[row]) break;
      owners.push(caller);
      operations.push(row);
      callee = caller;
    }
  }
  const { offsets, items } = group(Uint32Array.from(owners.keys()), end.length, (i) => owners[i]);
  return { offsets, items: items.map((i) => operations[i]) };
}

/** Makes the earliest span of each circle of parents a root. Says how many there were. */
function cutCycles(parent: Int32Array, start: Float64Array): number {
  const seenBy = new Int32Array(parent.length).fill(-1);
  let cycles = 0;
  for (let row = 0; row < parent.length; row++) {
    let at = row;
    while (at !== -1 && seenBy[at] === -1) {
      seenBy[at] = row;
      at = parent[at];
    }
    if (at === -1 || seenBy[at] !== row) continue;
    let earliest = at;
    for (let next = parent[at]; next !== at; next = parent[next]) if (start[next] < start[earliest]) earliest = next;
    parent[earliest] = -1;
    cycles++;
  }
  return cycles;
}

/** Parents before children, depth first. */
function walk(roots: Uint32Array, children: Lists): Uint32Array {
  const order: number[] = [];
  const open = Array.from(roots).reverse();
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    order.push(row);
    const below = listOf(children, row);
    for (let i = below.length - 1; i >= 0; i--) open.push(below[i]);
  }
  return Uint32Array.from(order);
}

function correctSkew(
  order: Uint32Array,
  parent: Int32Array,
  { process }: TreeColumns,
  start: Float64Array,
  end: Float64Array,
  shift: Float64Array,
): number {
  let skewed = 0;
  for (const row of order) {
    const above = parent[row];
    if (above === -1) continue;
    if (process[row] === process[above]) shift[row] = shift[above];
    else if (start[row] < start[above]) {
      const spare = end[above] - start[above] - (end[row] - start[row]);
      shift[row] = start[above] - start[row] + Math.max(0, Math.floor(spare / 2));
    }
    if (shift[row] === 0) continue;
    start[row] += shift[row];
    end[row] += shift[row];
    skewed++;
  }
  return skewed;
}
