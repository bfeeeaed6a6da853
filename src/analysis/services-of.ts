// How long each frame was held by each service, through the functions that it waits for.

import { type Intervals, join, overlap, union } from './intervals.ts';
import { isFrame, isOperation, listOf, type Tree } from './trace.ts';

/**
 * Calls `see` for every frame and service (a text id) reached through its subtree of frames, with the ns during which
 * an operation on the service was going on while the frame waited. What goes on in parallel counts once:
 *
 * ```
 *   loadHome    ├─run─┼──────await──────┼run┼──await──┤
 *   query a           ├───────┤
 *   getUser              ├────────────┤
 *     query b              ├───────┤
 *   query c                                 ├─────────┼───┤   (goes on after loadHome returned)
 *   counted           ├────────────┤        ├─────────┤
 * ```
 *
 * A frame without any wait on record counts while it lasts. The subtree ends at operations: what the called service
 * does, in its own process, is its own. Requests (SERVER spans) are seen like frames.
 */
export function heldByServices(tree: Tree, see: (frame: number, service: number, ns: number) => void): void {
  const { service } = tree.columns.spans;
  const reached: (Map<number, Intervals> | undefined)[] = new Array(tree.size);
  for (let i = tree.order.length - 1; i >= 0; i--) {
    const row = tree.order[i];
    if (isOperation(tree, row)) continue;
    const own = new Map<number, number[]>();
    let all: Map<number, Intervals> | undefined;
    for (const child of listOf(tree.children, row)) {
      if (isOperation(tree, child)) {
        const pairs = own.get(service[child]);
        if (pairs) pairs.push(tree.start[child], tree.end[child]);
        else own.set(service[child], [tree.start[child], tree.end[child]]);
        continue;
      }
      const below = reached[child];
      reached[child] = undefined;
      if (!below || !isFrame(tree, child)) continue;
      if (!all) all = below;
      else for (const [id, intervals] of below) all.set(id, join(all.get(id) ?? [], intervals));
    }
    all ??= new Map();
    for (const [id, pairs] of own) all.set(id, join(all.get(id) ?? [], union(pairs)));
    if (all.size === 0) continue;
    reached[row] = all;
    const held = holds(tree, row);
    for (const [id, intervals] of all) see(row, id, overlap(held, intervals));
  }
}

/** When a frame waited, within its own time. */
export function holds(tree: Tree, row: number): Intervals {
  const start = tree.start[row];
  const end = tree.end[row];
  const pairs: number[] = [];
  for (const wait of listOf(tree.waits, row)) {
    pairs.push(Math.max(start, tree.waitStart[wait]), Math.min(end, tree.waitEnd[wait]));
  }
  return pairs.length > 0 ? union(pairs) : end > start ? [start, end] : [];
}
