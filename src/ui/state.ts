// The page's few atoms of state, and what moves them: the address, the collector's events, time.

import { computed, effect, signal } from '@preact/signals';
import type { RunSummary } from '../model/api.ts';
import type { Report } from '../model/report.ts';
import { ApiError, askReport, askRuns } from './api.ts';
import { formatRoute, parseRoute, type Route } from './route.ts';

export const route = signal<Route>(parseRoute(location.hash));
export const runs = signal<readonly RunSummary[]>([]);
export const report = signal<Report | undefined>(undefined);
export const problem = signal<ApiError | undefined>(undefined);
/** `live`: the program runs. `ended`: all is stored. `lost`: the collector stopped answering. */
export const live = signal<'waiting' | 'live' | 'ended' | 'lost'>('waiting');
/** Spans stored so far, as the last event said. */
export const spansStored = signal(0);

const runAsked = computed(() => route.value.run);

/** Shows a route; with `replace`, without a new step for "back" (a selection, a zoom). */
export function go(to: Route, replace = false): void {
  const hash = formatRoute(to);
  if (hash === location.hash) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', hash);
  route.value = to;
}

/** Link attributes of a route: a true link, so that it opens in a new tab too. */
export const linkTo = (to: Route) => ({ href: formatRoute(to) });

let asking: AbortController | undefined;
let again = false;

/** Asks for the report; calls while one is on its way are answered by one more after it. */
async function refresh(): Promise<void> {
  if (asking) {
    again = true;
    return;
  }
  const mine = new AbortController();
  asking = mine;
  const run = runAsked.peek();
  try {
    const answer = await askReport(run, mine.signal);
    if (mine.signal.aborted) return;
    report.value = answer;
    problem.value = undefined;
  } catch (error) {
    if (mine.signal.aborted) return;
    problem.value = error instanceof ApiError ? error : new ApiError('refused', String(error));
    if (problem.value.kind === 'gone' && live.peek() !== 'ended') live.value = 'lost';
  } finally {
    if (asking === mine) asking = undefined;
  }
  if (again) {
    again = false;
    setTimeout(refresh, 500);
  }
}

async function refreshRuns(): Promise<void> {
  try {
    runs.value = await askRuns();
  } catch {
    // The report's own error says it.
  }
}

export function start(): void {
  const readAddress = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('hashchange', readAddress);
  addEventListener('popstate', readAddress);

  effect(() => {
    runAsked.value;
    asking?.abort();
    asking = undefined;
    report.value = undefined;
    problem.value = undefined;
    void refresh();
  });
  void refreshRuns();

  const events = new EventSource('api/events');
  events.onopen = () => {
    if (live.peek() !== 'ended') live.value = 'live';
    void refresh();
  };
  events.onmessage = ({ data }: MessageEvent<string>) => {
    live.value = 'live';
    spansStored.value = Number((JSON.parse(data) as { spans?: number }).spans ?? 0);
    void refresh();
  };
  events.addEventListener('end', () => {
    live.value = 'ended';
    events.close();
    void refresh();
    void refreshRuns();
  });
  events.onerror = () => {
    if (live.peek() !== 'ended') live.value = 'lost';
  };
}

/** Retry after a failure, by the reader's wish. */
export const retry = (): void => void refresh();
