// A request target → the route it was probably made from: ids, numbers, tokens and the query are dropped.
//
//   /users/9f3…/pins/12?q=x → /users/:id/pins/:id

import { partPattern } from './key.ts';

const longestPath = 2000;
const mostSegments = 12;

/** Routes of targets seen before: all go when there are too many. */
const known = new Map<string, string>();
const maxKnown = 512;
const longestKnown = 256;

/** The route of a request target: origin form (/a/b?c), absolute form (http://host/a/b) or *. */
export function pathPattern(target: string): string {
  if (target.length > longestKnown) return patternOf(target);
  let pattern = known.get(target);
  if (pattern === undefined) {
    pattern = patternOf(target);
    if (known.size >= maxKnown) known.clear();
    known.set(target, pattern);
  }
  return pattern;
}

function patternOf(target: string): string {
  let from = 0;
  if (target.charCodeAt(0) !== 47) {
    const scheme = target.indexOf('://');
    if (scheme < 0) return target === '*' ? '*' : '';
    from = target.indexOf('/', scheme + 3);
    if (from < 0) return '/';
  }
  let to = Math.min(target.length, longestPath);
  for (let i = from; i < to; i++) {
    const code = target.charCodeAt(i);
    if (code === 63 || code === 35) to = i; // ? #
  }
  let route = '';
  let segments = 0;
  let at = from + 1;
  while (at <= to) {
    let end = target.indexOf('/', at);
    if (end < 0 || end > to) end = to;
    route += `/${end > at ? segmentPattern(target, at, end) : ''}`;
    if (++segments === mostSegments && end < to) return `${route}/…`;
    at = end + 1;
  }
  return route;
}

/** A segment stays when all of it is words: 'pins', 'user-settings', 'index.html', 'v2'. */
function segmentPattern(text: string, from: number, to: number): string {
  let at = from;
  while (at < to) {
    let end = text.indexOf('.', at);
    if (end < 0 || end > to) end = to;
    if (end > at && partPattern(text, at, end).includes('?')) return ':id';
    at = end + 1;
  }
  return text.slice(from, to);
}
