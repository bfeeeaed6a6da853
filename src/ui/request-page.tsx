// One kind of request: how long it takes, and traces to look into.

import type { Report } from '../model/report.ts';
import { Exemplars } from './exemplars.tsx';
import { Figure } from './overview.tsx';
import type { Route } from './route.ts';
import { formatCount, formatMs, oneLine } from './units.ts';

export function RequestPage({ at, report }: { at: Extract<Route, { view: 'request' }>; report: Report }) {
  const r = report.requests.find(({ request }) => request === at.name);
  return (
    <main>
      <div>
        <h1 class="name">{oneLine(at.name)}</h1>
        {r && <p class="soft name">answered by {oneLine(r.service)}</p>}
      </div>
      {r ? (
        <div class="figures">
          <Figure value={formatCount(r.calls)} label={r.calls === 1 ? 'call' : 'calls'} />
          {r.errors > 0 && <Figure value={formatCount(r.errors)} label="failed" bad />}
          <Figure value={formatMs(r.p50Ms)} label="p50" />
          <Figure value={formatMs(r.p95Ms)} label="p95" />
          <Figure value={formatMs(r.p99Ms)} label="p99" />
        </div>
      ) : (
        <p class="note">This run's report holds no such request; its traces, if any, are listed below.</p>
      )}
      <Exemplars query={{ run: at.run, request: at.name, limit: '100' }} />
    </main>
  );
}
