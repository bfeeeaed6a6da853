// What a span is called on the page: its name, and what stands beside it.

import type { TraceTree } from '../../analysis/trace.ts';
import { Kind, Pause, Rule } from '../../model/schema.ts';
import { shortService } from '../service-name.ts';
import { oneLine } from '../units.ts';

export const operationOf = (tree: TraceTree, i: number): string =>
  oneLine(tree.columns.texts[tree.columns.spans.operation[i]] ?? '') ||
  (tree.columns.spans.kind[i] === Kind.internal ? functionOf(tree, i) || '(anonymous)' : '(no name)');

export const serviceOf = (tree: TraceTree, i: number): string =>
  oneLine(tree.columns.texts[tree.columns.spans.service[i]] ?? '');

export const errorOf = (tree: TraceTree, i: number): string =>
  oneLine(tree.columns.texts[tree.columns.spans.error[i]] ?? '');

export const processOf = (tree: TraceTree, i: number): string =>
  oneLine(tree.columns.processes.get(tree.columns.process[i])?.service ?? '');

/** "src/home.ts:12" of a function's span; "" where not known. */
export function placeOf(tree: TraceTree, i: number): string {
  const place = tree.columns.functions.get(tree.columns.spans.function[i]);
  return place ? `${oneLine(place.file)}:${place.line}` : '';
}

/** The function that owns an operation, or ''. */
export const functionOf = (tree: TraceTree, i: number): string =>
  oneLine(tree.columns.functions.get(tree.columns.spans.function[i])?.function ?? '');

/** What stands beside the name, softer: a function's place, an operation's service. */
export function besideOf(tree: TraceTree, i: number): string {
  const kind = tree.columns.spans.kind[i];
  if (kind === Kind.internal) return placeOf(tree, i);
  if (kind === Kind.server) return tree.columns.spans.status[i] ? `${statusOf(tree.columns.spans.status[i])}` : '';
  return shortService(serviceOf(tree, i));
}

/** gRPC's codes are kept as 1000 and more. */
export const statusOf = (status: number): string => (status >= 1000 ? `gRPC ${status - 1000}` : String(status));

/** By Pause. */
export const pauseNames: readonly string[] = (() => {
  const names: string[] = [];
  names[Pause.loop] = 'event loop held';
  names[Pause.minor] = 'garbage collection, minor';
  names[Pause.major] = 'garbage collection, major';
  names[Pause.incremental] = 'garbage collection, a step';
  names[Pause.weak] = 'garbage collection, weak callbacks';
  return names;
})();

/** Who held the event loop in a pause: "spin src/spin.ts:12", a request of this trace, or not known; '' of others. */
export function holderOf(tree: TraceTree, k: number): string {
  const { pauses, spans, functions } = tree.columns;
  if (pauses === undefined || pauses.kind[k] !== Pause.loop) return '';
  const place = functions.get(pauses.function[k]);
  if (place) return `${oneLine(place.function)} ${oneLine(place.file)}:${place.line}`;
  const row = pauses.span[k] === 0n ? -1 : spans.span.indexOf(pauses.span[k]);
  if (row >= 0) return operationOf(tree, row);
  return pauses.span[k] === 0n ? 'code not known' : 'another request';
}

export const kindNames: readonly string[] = ['function', 'request', 'operation', 'message sent', 'message received'];

/** By Rule: how it was decided whose operation it is. */
export const ruleNames: readonly string[] = (() => {
  const names: string[] = [];
  names[Rule.none] = 'no owner found';
  names[Rule.uncertain] = 'several owners possible';
  names[Rule.sync] = 'written in its owner’s run';
  names[Rule.resume] = 'its answer let its owner go on';
  names[Rule.resumeUser] = 'its answer let the function go on';
  names[Rule.bound] = 'its answer called the owner’s callback';
  names[Rule.tag] = 'its owner made the bytes';
  names[Rule.chain] = 'follows an operation of its owner';
  names[Rule.creator] = 'its owner opened the connection';
  names[Rule.root] = 'its own root';
  return names;
})();
