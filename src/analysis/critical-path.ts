// What a trace's duration is made of: at every instant the one span that the end was waiting for.

import { Cause, Kind } from '../model/schema.ts';
import { isFrame, type Lists, type Tree } from './trace.ts';

/** Stretches of time, by time; each begins where the one before ends. */
export interface CriticalPath {
  /** The span that the end was waiting for. */
  readonly span: number[];
  readonly start: number[];
  readonly end: number[];
}

/**
 * The critical path of a root (or of any span): contiguous, from its start to its end to the nanosecond. A span on it
 * shows with what it did itself; where it waited for another, that one shows.
 *
 * Walks backwards from the end. Where the recorder proved what let a frame go on (`waits.by`), that decides:
 *
 * ```
 *   loadHome ├──run──┼──────await Promise.all──────┼─run─┤
 *   query a       ├──────────────────────────┤                let it go on
 *   query b           ├──────────────┤                        was not waited for any longer
 *   path     ├loadH.─┼─────── query a ───────┼── loadHome ───┤
 * ```
 *
 * Elsewhere times decide: from an instant backwards the span was waiting for the child that ended last before it.
 * A child that ends later is cut at the parent's end; one that starts later, or is a message being handled (CONSUMER),
 * is not waited for. Siblings may touch; siblings in sequence may overlap by 1 % of the shorter, as clocks do.
 *
 * ```
 *   parent   ├──────────────────────────────────────┤
 *   a           ├────────┤
 *   b                    ├─────────┤
 *   c                         ├──────────┤                    d ├────┤
 *   path     ├p─┼───a────┼─p──┼─────c────┼────p──────┤        (b runs beside c: c ended last)
 * ```
 */
export function criticalPath(tree: Tree, root: number): CriticalPath {
  const byEnd = childrenByEnd(tree);
  const path: CriticalPath = { span: [], start: [], end: [] };
  const open = new Uint8Array(tree.size);
  const stack: Walk[] = [];
  const push = (span: number, from: number, to: number) => {
    open[span] = 1;
    stack.push({
      span,
      from,
      to,
      at: to,
      after: 0,
      child: tree.children.offsets[span + 1] - 1,
      wait: tree.waits.offsets[span + 1] - 1,
      proved: tree.waits.offsets[span + 1] > tree.waits.offsets[span],
    });
  };
  push(root, tree.start[root], tree.end[root]);
  while (stack.length > 0) {
    const walk = stack[stack.length - 1];
    const next = walk.at > walk.from ? waitedFor(tree, byEnd, walk, open) : -1;
    if (next === -1) {
      add(path, walk.span, walk.from, walk.at);
      open[walk.span] = 0;
      stack.pop();
      continue;
    }
    const until = Math.min(walk.at, walk.until ?? walk.at, tree.end[next]);
    const since = Math.max(walk.from, tree.start[next]);
    add(path, walk.span, until, walk.at);
    walk.at = since;
    walk.after = tree.end[next] - tree.start[next];
    push(next, since, until);
  }
  path.span.reverse();
  path.start.reverse();
  path.end.reverse();
  return path;
}

/** How far the walk through a span has come. */
interface Walk {
  readonly span: number;
  readonly from: number;
  readonly to: number;
  /** What is later is on the path already. */
  at: number;
  /** Index into the children by end: those after it are done with. */
  child: number;
  /** Index into the waits by start, likewise. */
  wait: number;
  /** How long what was found last is; 0 before. */
  after: number;
  /** The recorder saw this span wait: believe that rather than times. */
  readonly proved: boolean;
  /** When what `waitedFor` found stopped holding the span, if before its own end. */
  until?: number;
}

/** The span that this one was waiting for last before `walk.at`; -1 = none, the rest is its own. */
function waitedFor(tree: Tree, byEnd: Lists, walk: Walk, open: Uint8Array): number {
  const { cause } = tree.columns.waits;
  delete walk.until;
  if (!walk.proved) return lastChild(tree, byEnd, walk, open, walk.from, walk.at);
  const first = tree.waits.offsets[walk.span];
  // `upTo` goes back through runs and waits in turn; nothing is put on the path before something is found.
  let upTo = walk.at;
  for (; walk.wait >= first; walk.wait--) {
    const wait = tree.waits.items[walk.wait];
    if (tree.waitStart[wait] >= upTo) continue;
    const ran = lastChild(tree, byEnd, walk, open, Math.max(walk.from, tree.waitEnd[wait]), upTo, true);
    if (ran !== -1) return ran;
    if (tree.waitEnd[wait] <= walk.from) return -1;
    const until = Math.min(upTo, tree.waitEnd[wait]);
    const by = tree.waitBy[wait];
    if (by !== -1 && !open[by] && blocks(tree, by, walk.from, until) && tree.end[by] > tree.waitStart[wait]) {
      walk.until = until;
      return by;
    }
    if (cause[wait] !== Cause.timer && cause[wait] !== Cause.other) {
      const child = lastChild(tree, byEnd, walk, open, Math.max(walk.from, tree.waitStart[wait]), until);
      if (child !== -1) {
        walk.until = until;
        return child;
      }
    }
    upTo = tree.waitStart[wait];
    if (upTo <= walk.from) return -1;
  }
  return lastChild(tree, byEnd, walk, open, walk.from, upTo, true);
}

/** Whether the span can be what was waited for at all in [from, to]. */
const blocks = (tree: Tree, span: number, from: number, to: number) =>
  tree.start[span] < to && Math.min(tree.end[span], to) > Math.max(tree.start[span], from);

/**
 * The child that ended last in [from, to]. A frame that is seen to wait runs between its waits: then only a frame
 * that began and ended in there can have held it (`inside`).
 */
function lastChild(
  tree: Tree,
  byEnd: Lists,
  walk: Walk,
  open: Uint8Array,
  from: number,
  to: number,
  inside = false,
): number {
  const first = byEnd.offsets[walk.span];
  for (; walk.child >= first; walk.child--) {
    const child = byEnd.items[walk.child];
    const start = tree.start[child];
    const end = Math.min(tree.end[child], walk.to);
    if (end <= from) return -1;
    if (open[child] || start >= to || end <= start || tree.columns.spans.kind[child] === Kind.consumer) continue;
    if (inside ? !isFrame(tree, child) || start < from || end > to : end > to + slack(tree, child, walk)) continue;
    walk.child--;
    return child;
  }
  return -1;
}

/** How far a child may reach over the sibling that came after it. */
const slack = (tree: Tree, child: number, walk: Walk) =>
  Math.min(tree.end[child] - tree.start[child], walk.after) / 100;

function add(path: CriticalPath, span: number, start: number, end: number): void {
  if (end <= start) return;
  const last = path.span.length - 1;
  if (last >= 0 && path.span[last] === span && path.start[last] === end) {
    path.start[last] = start;
    return;
  }
  path.span.push(span);
  path.start.push(start);
  path.end.push(end);
}

/** The children of each span by their end (cut at the span's), in the same lists. */
function childrenByEnd(tree: Tree): Lists {
  const items = tree.children.items.slice();
  for (let span = 0; span < tree.size; span++) {
    const below = items.subarray(tree.children.offsets[span], tree.children.offsets[span + 1]);
    const cut = tree.end[span];
    if (below.length > 1) {
      below.sort((a, b) => Math.min(tree.end[a], cut) - Math.min(tree.end[b], cut) || tree.start[a] - tree.start[b]);
    }
  }
  return { offsets: tree.children.offsets, items };
}

/** The rows of a path's spans, each once, with the ns that they are on it. */
export function timeOnPath(path: CriticalPath): Map<number, number> {
  const time = new Map<number, number>();
  for (let i = 0; i < path.span.length; i++) {
    time.set(path.span[i], (time.get(path.span[i]) ?? 0) + path.end[i] - path.start[i]);
  }
  return time;
}
