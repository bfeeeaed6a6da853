// Which span stands in which row: the tree in its order, without what lies under a collapsed span.

import type { Tree } from '../../analysis/trace.ts';

/** By place in `tree.order`: the place after the span's subtree. */
export function subtreeEnds({ order, depth }: Pick<Tree, 'order' | 'depth'>): Uint32Array {
  const ends = new Uint32Array(order.length).fill(order.length);
  const open: number[] = [];
  for (let place = 0; place < order.length; place++) {
    while (open.length > 0 && depth[order[open[open.length - 1]]] >= depth[order[place]]) ends[open.pop()!] = place;
    open.push(place);
  }
  return ends;
}

/** The spans to show, top to bottom: all but those under a collapsed one. */
export function visibleRows(order: Uint32Array, ends: Uint32Array, collapsed: ReadonlySet<number>): Uint32Array {
  if (collapsed.size === 0) return order;
  const rows = new Uint32Array(order.length);
  let count = 0;
  for (let place = 0; place < order.length; ) {
    rows[count++] = order[place];
    place = collapsed.has(order[place]) ? ends[place] : place + 1;
  }
  return rows.subarray(0, count);
}
