// Where the wall time of one frame went, in whole nanoseconds that sum to it exactly.

import { Cause } from '../model/schema.ts';
import { isFrame, listOf, type Tree } from './trace.ts';

/** ns each. See model/report.ts for what they say; the members sum to the frame's wall time. */
export interface FrameAccounts {
  cpu: number;
  callees: number;
  services: number;
  pool: number;
  connect: number;
  loop: number;
  timers: number;
  other: number;
  unexplained: number;
}

export const noAccounts = (): FrameAccounts => ({
  cpu: 0,
  callees: 0,
  services: 0,
  pool: 0,
  connect: 0,
  loop: 0,
  timers: 0,
  other: 0,
  unexplained: 0,
});

/** What may cover an instant, the strongest first. */
const layers = ['services', 'callees', 'connect', 'pool', 'loop', 'timers', 'other'] as const;
type Layer = (typeof layers)[number];
const layerCount = layers.length;
const layer = (name: Layer) => layers.indexOf(name);
const waiting = 2 * layerCount;

/**
 * Every instant of the frame gets one colour: it is painted with everything that went on, and the strongest shows.
 *
 * ```
 *   frame      ├──run──┼────────await────────┼run┼───await────┤
 *   query a            ├p┼c┼──service──┤
 *   query b                  ├──────service────┤loop
 *   timer                                        ├────────────┤   (the cause of the second await)
 *              cpu      p c  services          l cpu timers
 * ```
 *
 * While it waits, the operation or callee that the recorder proved to have let it go on (`waits.by`) shows before
 * all others, in its own phases; then what else the frame had asked for, or was handed by a callee (a response whose
 * body is still coming), in the order of `layers`: parallel calls count once. From the end of what let it go on until
 * it went on, the event loop was busy with others (`loop`). What nothing covers is the await's cause (timer, other), or
 * unexplained.
 *
 * While it does not wait, the frame runs: `cpu` says how much of that was its own code. The rest is what the picture
 * shows there (callees that ran inside it, mostly) as far as it reaches, or unexplained.
 */
export function accountsOf(tree: Tree, frame: number): FrameAccounts {
  const start = tree.start[frame];
  const end = tree.end[frame];
  const paint = newPaint(start, end);
  for (const child of listOf(tree.children, frame)) paintSpan(tree, child, paint, layerCount, start, end);
  for (const one of listOf(tree.handedOn, frame)) {
    let since = start;
    for (let callee = tree.parent[one]; callee !== frame; callee = tree.parent[callee]) {
      since = Math.max(since, tree.end[callee]);
    }
    paintSpan(tree, one, paint, layerCount, since, end);
  }
  for (const wait of listOf(tree.waits, frame)) paintWait(tree, wait, paint, start, end);

  const accounts = noAccounts();
  const running = new Float64Array(layerCount);
  let ran = 0;
  sweep(paint, (from, to, shown, waits) => {
    if (!waits) {
      ran += to - from;
      if (shown !== -1) running[shown] += to - from;
    } else if (shown === -1) accounts.unexplained += to - from;
    else accounts[layers[shown]] += to - from;
  });

  accounts.cpu = Math.min(ran, Math.max(0, Math.round(tree.columns.spans.cpu[frame])));
  let rest = ran - accounts.cpu;
  for (const name of layers) {
    const part = Math.min(rest, running[layer(name)]);
    accounts[name] += part;
    rest -= part;
  }
  accounts.unexplained += rest;
  return accounts;
}

/** Edges of what was painted: at `at`, the number of things of `colour` changes by `by`. */
interface Paint {
  readonly at: number[];
  readonly colour: number[];
  readonly by: number[];
  readonly start: number;
  readonly end: number;
}

const newPaint = (start: number, end: number): Paint => ({ at: [], colour: [], by: [], start, end });

function cover(paint: Paint, colour: number, from: number, to: number): void {
  if (from < paint.start) from = paint.start;
  if (to > paint.end) to = paint.end;
  if (to <= from) return;
  paint.at.push(from, to);
  paint.colour.push(colour, colour);
  paint.by.push(1, -1);
}

/** A span's phases within [from, to]. `base` 0 paints them as proved, `layerCount` as merely there. */
function paintSpan(tree: Tree, span: number, paint: Paint, base: number, from: number, to: number): void {
  const clipped = (name: Layer, a: number, b: number) =>
    cover(paint, base + layer(name), Math.max(a, from), Math.min(b, to));
  const begin = tree.start[span];
  const end = tree.end[span];
  if (isFrame(tree, span)) {
    clipped('callees', begin, end);
    return;
  }
  const { pool, dns, connect, tls, loop, late } = tree.columns.spans;
  const pooled = Math.min(end, begin + Math.round(Math.max(0, pool[span])));
  const connected = Math.min(end, pooled + Math.round(Math.max(0, dns[span] + connect[span] + tls[span])));
  clipped('pool', begin, pooled);
  clipped('connect', pooled, connected);
  const there = Math.max(connected, end - Math.round(Math.max(0, late[span])));
  clipped('services', connected, there);
  clipped('loop', there, end + Math.round(Math.max(0, loop[span])));
}

function paintWait(tree: Tree, wait: number, paint: Paint, start: number, end: number): void {
  const from = tree.waitStart[wait];
  const to = tree.waitEnd[wait];
  const { cause: causes, set } = tree.columns.waits;
  const cause = causes[wait];
  if (cause === Cause.pause) {
    cover(paint, layerCount + layer('timers'), from, to);
    return;
  }
  cover(paint, waiting, from, to);
  const by = tree.waitBy[wait];
  if (by !== -1) {
    paintSpan(tree, by, paint, 0, Math.max(from, start), Math.min(to, end));
    if (tree.end[by] > from) cover(paint, layer('loop'), Math.max(from, tree.end[by]), to);
  }
  if (cause === Cause.timer) {
    cover(paint, layer('timers'), Math.max(from, to - Math.round(Math.max(0, set[wait]))), to);
    cover(paint, layerCount + layer('timers'), from, to);
  }
  if (cause === Cause.other) cover(paint, layerCount + layer('other'), from, to);
}

/** Calls `see` for each stretch between two edges, with the colour that shows (-1 = none). */
function sweep(paint: Paint, see: (from: number, to: number, shown: number, waits: boolean) => void): void {
  const { at, colour, by } = paint;
  const edges = new Uint32Array(at.length);
  for (let i = 0; i < edges.length; i++) edges[i] = i;
  edges.sort((a, b) => at[a] - at[b]);
  const counts = new Int32Array(waiting + 1);
  let now = paint.start;
  for (const edge of edges) {
    if (at[edge] > now) {
      see(now, at[edge], shown(counts), counts[waiting] > 0);
      now = at[edge];
    }
    counts[colour[edge]] += by[edge];
  }
  if (paint.end > now) see(now, paint.end, -1, false);
}

function shown(counts: Int32Array): number {
  for (let i = 0; i < waiting; i++) if (counts[i] > 0) return i % layerCount;
  return -1;
}
