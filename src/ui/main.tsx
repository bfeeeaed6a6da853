// The page: its head, the view that the address names, and the tooltip above all.

import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import './inspect.ts';
import { FunctionPage } from './function-page.tsx';
import { Overview } from './overview.tsx';
import { Problem } from './problem.tsx';
import { RequestPage } from './request-page.tsx';
import { go, linkTo, live, problem, report, retry, route, runs, spansStored, start } from './state.ts';
import { hideTip, TipLayer } from './tip.tsx';
import { TracePage } from './trace/trace-page.tsx';
import { counted, oneLine } from './units.ts';

function Page() {
  const at = route.value;
  const key = at.view === 'trace' ? at.trace : 'name' in at ? at.name : '';
  // a new view starts at its top
  useEffect(() => {
    hideTip();
    scrollTo(0, 0);
    document.title = `${at.view === 'trace' ? 'trace' : 'name' in at ? oneLine(at.name) : (report.peek()?.run.name ?? '')} · whywait`;
  }, [at.view, key]);
  return (
    <>
      <Head />
      <View />
      <TipLayer />
    </>
  );
}

function View() {
  const at = route.value;
  if (at.view === 'trace') return <TracePage at={at} key={at.trace} />;
  const known = report.value;
  const trouble = problem.value;
  if (!known)
    return (
      <main>
        <h1 class="aside">whywait</h1>
        {trouble ? (
          <Problem error={trouble} retry={retry} />
        ) : (
          <p class="empty" aria-busy="true">
            Reading the run…
          </p>
        )}
      </main>
    );
  return (
    <>
      {trouble && (
        <div class="banner">
          <Problem error={trouble} retry={retry} />
        </div>
      )}
      {at.view === 'function' ? (
        <FunctionPage at={at} report={known} />
      ) : at.view === 'request' ? (
        <RequestPage at={at} report={known} />
      ) : (
        <Overview report={known} />
      )}
    </>
  );
}

function Head() {
  const at = route.value;
  const known = report.value;
  const run = known?.run;
  return (
    <header class="head">
      <a class="brand" {...linkTo({ view: 'overview', run: at.run, sort: '', find: '' })}>
        <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
          <rect x="2" y="4" width="28" height="6" rx="1.5" fill="var(--request)" />
          <rect x="6" y="13" width="8" height="6" rx="1.5" fill="var(--cpu)" />
          <rect x="14" y="13" width="12" height="6" rx="1.5" fill="var(--server)" />
          <rect x="17" y="22" width="13" height="6" rx="1.5" fill="var(--server)" />
        </svg>
        whywait
      </a>
      <nav class="trail" aria-label="Where you are">
        {run && (
          <a class="step clip" {...linkTo({ view: 'overview', run: at.run, sort: '', find: '' })}>
            <bdi>{oneLine(run.name || run.id)}</bdi>
          </a>
        )}
        {at.view === 'trace' && <span class="step soft mono">{at.trace.slice(0, 8)}</span>}
        {'name' in at && <span class="step soft clip">{at.view}</span>}
      </nav>
      {run && at.view === 'overview' && <code class="soft clip wide">{oneLine(run.command.join(' '))}</code>}
      <span class="grow" />
      <Status />
      {runs.value.length > 1 && (
        <select
          aria-label="Run"
          value={at.run || run?.id}
          onChange={(event) => go({ view: 'overview', run: event.currentTarget.value, sort: '', find: '' })}
        >
          {at.run && !runs.value.some(({ id }) => id === at.run) && <option value={at.run}>not there</option>}
          {runs.value.map((r) => (
            <option key={r.id} value={r.id}>
              {oneLine(r.name || r.id)} ·{' '}
              {new Date(r.startedAt).toLocaleString('en-GB', { dateStyle: 'short', timeStyle: 'short' })}
            </option>
          ))}
        </select>
      )}
    </header>
  );
}

function Status() {
  // A run chosen by name may be another than the one that this collector records.
  const chosen = runs.value.find(({ id }) => id === route.value.run);
  const state = chosen && !chosen.running && live.value !== 'lost' ? 'ended' : live.value;
  const spans = chosen ? Math.max(chosen.spans, chosen.running ? spansStored.value : 0) : spansStored.value;
  const said = { waiting: 'connecting…', live: 'live', ended: 'ended', lost: 'collector gone' }[state];
  return (
    <span class={`status ${state}`} role="status" data-live={state}>
      <i />
      {said}
      {(state === 'live' || state === 'ended') && spans > 0 && ` · ${counted(spans, 'span')}`}
    </span>
  );
}

start();
render(<Page />, document.getElementById('page')!);
