// What the trace page knows: the tree, its critical path, and what the reader has chosen, as signals.

import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type CriticalPath, criticalPath } from '../../analysis/critical-path.ts';
import type { Lists, TraceTree } from '../../analysis/trace.ts';
import { hex16 } from '../../model/ids.ts';
import { subtreeEnds, visibleRows } from './rows.ts';
import { extentOf } from './trace-data.ts';
import { besideOf, operationOf, placeOf, serviceOf } from './words.ts';

export type Window = readonly [number, number];

export interface TraceModel {
  readonly tree: TraceTree;
  /** Of the root that lasts longest. */
  readonly path: CriticalPath;
  readonly pathRoot: number;
  /** By span: pieces of `path`. */
  readonly pathOf: Lists;
  readonly extent: Window;
  /** By place in tree.order, the place after the subtree. */
  readonly ends: Uint32Array;
  /** By span, its place in tree.order. */
  readonly placeInOrder: Int32Array;
  readonly collapsed: Signal<ReadonlySet<number>>;
  readonly rows: ReadonlySignal<Uint32Array>;
  /** By span: its row, or the row of the collapsed span that hides it. */
  readonly rowOf: ReadonlySignal<Int32Array>;
  /** Window of time shown, ns. */
  readonly window: Signal<Window>;
  /** Chosen span; -1 = none. */
  readonly selected: Signal<number>;
  readonly find: Signal<string>;
  /** Spans that match `find`, in the order of the tree; undefined while nothing is looked for. */
  readonly found: ReadonlySignal<Uint32Array | undefined>;
}

export function newTraceModel(tree: TraceTree): TraceModel {
  const ends = subtreeEnds(tree);
  const placeInOrder = new Int32Array(tree.size).fill(-1);
  for (let place = 0; place < tree.order.length; place++) placeInOrder[tree.order[place]] = place;
  const pathRoot = longestRoot(tree);
  const path: CriticalPath = pathRoot >= 0 ? criticalPath(tree, pathRoot) : { span: [], start: [], end: [] };
  const extent = extentOf(tree);
  const collapsed = signal<ReadonlySet<number>>(new Set());
  const rows = computed(() => visibleRows(tree.order, ends, collapsed.value));
  const find = signal('');
  return {
    tree,
    path,
    pathRoot,
    pathOf: piecesBySpan(path, tree.size),
    extent,
    ends,
    placeInOrder,
    collapsed,
    rows,
    rowOf: computed(() => rowsBySpan(tree, ends, placeInOrder, rows.value)),
    window: signal(extent),
    selected: signal(-1),
    find,
    found: computed(() => search(tree, find.value)),
  };
}

/** Shortest window that can be shown, ns. */
const shortest = 200;

/** A window moved and cut so that it lies in the extent. */
export function clampWindow([from, to]: Window, [first, last]: Window): Window {
  const length = Math.min(last - first, Math.max(shortest, to - from));
  const start = Math.max(first, Math.min(from, last - length));
  return [start, start + length];
}

/** Zooms by `factor` (< 1 = closer) around the time `at`. */
export function zoomAround(model: TraceModel, at: number, factor: number): void {
  const [from, to] = model.window.peek();
  model.window.value = clampWindow([at - (at - from) * factor, at + (to - at) * factor], model.extent);
}

export function pan(model: TraceModel, by: number): void {
  const [from, to] = model.window.peek();
  model.window.value = clampWindow([from + by, to + by], model.extent);
}

/** Shows one span over most of the width. */
export function zoomTo(model: TraceModel, i: number): void {
  const { start, end, columns } = model.tree;
  const length = Math.max(shortest, end[i] + columns.spans.loop[i] - start[i]);
  model.window.value = clampWindow([start[i] - length * 0.08, start[i] + length * 1.08], model.extent);
}

export function toggle(model: TraceModel, i: number): void {
  if (!hasChildren(model.tree, i)) return;
  const next = new Set(model.collapsed.peek());
  if (!next.delete(i)) next.add(i);
  model.collapsed.value = next;
}

/** Unfolds whatever hides the span. */
export function reveal(model: TraceModel, i: number): void {
  const closed = model.collapsed.peek();
  const opened = new Set(closed);
  for (let above = model.tree.parent[i]; above !== -1; above = model.tree.parent[above]) opened.delete(above);
  if (opened.size !== closed.size) model.collapsed.value = opened;
}

export const hasChildren = ({ children }: TraceTree, i: number): boolean =>
  children.offsets[i + 1] > children.offsets[i];

export const isZoomed = (model: TraceModel): boolean => {
  const [from, to] = model.window.value;
  return from > model.extent[0] || to < model.extent[1];
};

/** The span with an id of 16 hex digits; -1 = none. */
export function spanByHex({ tree }: TraceModel, hex: string): number {
  if (!hex) return -1;
  const id = BigInt(`0x${hex}`);
  return tree.columns.spans.span.indexOf(id);
}

export const hexOf = ({ tree }: TraceModel, i: number): string => hex16(tree.columns.spans.span[i]);

function longestRoot({ roots, start, end }: TraceTree): number {
  let longest = -1;
  for (const root of roots) if (longest < 0 || end[root] - start[root] > end[longest] - start[longest]) longest = root;
  return longest;
}

function piecesBySpan({ span }: CriticalPath, size: number): Lists {
  const offsets = new Uint32Array(size + 1);
  for (const i of span) offsets[i + 1]++;
  for (let i = 0; i < size; i++) offsets[i + 1] += offsets[i];
  const items = new Uint32Array(span.length);
  const next = offsets.slice();
  for (let k = 0; k < span.length; k++) items[next[span[k]]++] = k;
  return { offsets, items };
}

function rowsBySpan(tree: TraceTree, ends: Uint32Array, placeInOrder: Int32Array, rows: Uint32Array): Int32Array {
  const rowOf = new Int32Array(tree.size).fill(-1);
  for (let row = 0; row < rows.length; row++) {
    const place = placeInOrder[rows[row]];
    const until = row + 1 < rows.length ? placeInOrder[rows[row + 1]] : ends[place];
    for (let hidden = place; hidden < until; hidden++) rowOf[tree.order[hidden]] = row;
  }
  return rowOf;
}

function search(tree: TraceTree, find: string): Uint32Array | undefined {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  // Few names, many spans: each combination of names is looked at once.
  const known = new Map<string, boolean>();
  const { operation, service, kind } = tree.columns.spans;
  return tree.order.filter((i) => {
    const key = `${operation[i]} ${service[i]} ${tree.columns.spans.function[i]} ${kind[i]}`;
    let hit = known.get(key);
    if (hit === undefined) {
      const text =
        `${operationOf(tree, i)}\n${serviceOf(tree, i)}\n${besideOf(tree, i)}\n${placeOf(tree, i)}`.toLowerCase();
      hit = words.every((word) => text.includes(word));
      known.set(key, hit);
    }
    return hit;
  });
}
