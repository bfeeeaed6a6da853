// One function: where its time went, which services held it and through whom, and traces to look into.

import type { FunctionReport, Report } from '../model/report.ts';
import { AccountsBar, shares } from './accounts-bar.tsx';
import { Exemplars } from './exemplars.tsx';
import { shareOf } from './matrix.tsx';
import { Figure } from './overview.tsx';
import type { Route } from './route.ts';
import { serviceParts, shortService } from './service-name.ts';
import { go, linkTo } from './state.ts';
import { formatCount, formatMs, formatShare, oneLine } from './units.ts';

type FunctionRoute = Extract<Route, { view: 'function' }>;

const isIt = (f: FunctionReport, at: FunctionRoute): boolean =>
  f.function === at.name && (at.file === '' || f.file === at.file) && (at.line === 0 || f.line === at.line);

export function FunctionPage({ at, report }: { at: FunctionRoute; report: Report }) {
  const f = report.functions.find((candidate) => isIt(candidate, at));
  const query: Record<string, string> = { run: at.run, function: at.name, file: at.file };
  if (at.line) query.line = String(at.line);
  if (at.service) query.service = at.service;
  query.limit = '100';
  return (
    <main>
      <div>
        <h1 class="name">{oneLine(at.name)}</h1>
        <p class="soft mono name">
          {oneLine(f?.file ?? at.file)}
          {(f?.line ?? at.line) > 0 && `:${f?.line ?? at.line}`}
        </p>
      </div>
      {f ? (
        <Known f={f} at={at} />
      ) : (
        <p class="note">This run's report holds no such function; its traces, if any, are listed below.</p>
      )}
      <Exemplars query={query} />
    </main>
  );
}

function Known({ f, at }: { f: FunctionReport; at: FunctionRoute }) {
  return (
    <>
      <div class="figures">
        <Figure value={formatCount(f.calls)} label={f.calls === 1 ? 'call' : 'calls'} />
        {f.errors > 0 && <Figure value={formatCount(f.errors)} label="failed" bad />}
        <Figure value={formatMs(f.wall.totalMs)} label="wall time" />
        <Figure value={formatMs(f.wall.p50Ms)} label="p50" />
        <Figure value={formatMs(f.wall.p95Ms)} label="p95" />
        <Figure value={formatMs(f.wall.p99Ms)} label="p99" />
      </div>
      <section class="card" aria-labelledby="time-title">
        <div class="top">
          <h2 id="time-title">Where the time went</h2>
          <span class="soft">of {formatMs(f.wall.totalMs)}, sums to 100 %</span>
        </div>
        <AccountsBar of={f.accounts} name={f.function} tall />
        <dl class="shares">
          {shares(f.accounts).map((part) => (
            <div key={part.name} title={part.meaning}>
              <dt>
                <i class={`swatch ${part.name}`} style={{ backgroundColor: `var(${part.colour})` }} /> {part.name}
              </dt>
              <dd>
                <b>{formatShare(part.share)}</b> <span class="soft">{formatMs(part.ms)}</span>
              </dd>
            </div>
          ))}
        </dl>
      </section>
      {f.findings.length > 0 && (
        <section class="card" aria-labelledby="findings-title">
          <div class="top">
            <h2 id="findings-title">Findings</h2>
          </div>
          <ul class="findings">
            {f.findings.map((finding) => (
              <li key={finding.text}>
                <span class="name">{oneLine(finding.text)}</span>
                {finding.savesMs > 0 && <span class="saves">saves up to {formatMs(finding.savesMs)}</span>}
                <span class="soft mono name">
                  {oneLine(finding.at)} · {finding.kind}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <ServicesOf f={f} at={at} />
    </>
  );
}

function ServicesOf({ f, at }: { f: FunctionReport; at: FunctionRoute }) {
  return (
    <section class="card" aria-labelledby="services-title">
      <div class="top">
        <h2 id="services-title">Services it waits for</h2>
        {at.service && (
          <span>
            traces below: only with <b class="name">{oneLine(shortService(at.service))}</b>{' '}
            <a {...linkTo({ ...at, service: '' })}>show all</a>
          </span>
        )}
      </div>
      {f.services.length === 0 ? (
        <p class="empty">It calls no service.</p>
      ) : (
        <div class="scroll">
          <table class="services">
            <thead>
              <tr>
                <th scope="col">service and operations</th>
                <th scope="col" class="number">
                  holds
                </th>
                <th scope="col" class="number">
                  time
                </th>
                <th scope="col" class="number">
                  calls
                </th>
                <th scope="col" class="number">
                  errors
                </th>
                <th scope="col" class="number wide">
                  p50
                </th>
                <th scope="col" class="number">
                  p95
                </th>
                <th scope="col" class="wide">
                  via
                </th>
              </tr>
            </thead>
            {f.services.map((s) => {
              const { protocol, name, host } = serviceParts(s.service);
              const chosen = at.service === s.service;
              return (
                <tbody key={s.service}>
                  <tr class={chosen ? 'crossed' : ''}>
                    <th scope="row">
                      <button
                        type="button"
                        class="plain"
                        aria-pressed={chosen}
                        onClick={() => go({ ...at, service: chosen ? '' : s.service }, true)}
                        title="Show only traces with this service"
                      >
                        <b>{protocol}</b> <bdi class="name">{oneLine(name)}</bdi>{' '}
                        <span class="soft name">{oneLine(host)}</span>
                      </button>
                    </th>
                    <td class="number">
                      {formatShare(shareOf(f.wall.totalMs, s))}
                      <span class="rowbar">
                        <i
                          style={{ width: `${shareOf(f.wall.totalMs, s) * 100}%`, backgroundColor: 'var(--server)' }}
                        />
                      </span>
                    </td>
                    <td class="number">{formatMs(s.waitMs)}</td>
                    <td class="number">{formatCount(s.calls)}</td>
                    <td class={s.errors ? 'number error' : 'number soft'}>{formatCount(s.errors)}</td>
                    <td class="number wide">{formatMs(s.p50Ms)}</td>
                    <td class="number">{formatMs(s.p95Ms)}</td>
                    <td class="wide soft name">{s.via.length ? oneLine(s.via.join(', ')) : 'calls it itself'}</td>
                  </tr>
                  {s.operations.map((o) => (
                    <tr key={o.operation} class="operation">
                      <th scope="row" class="mono name">
                        {oneLine(o.operation)}
                      </th>
                      <td />
                      <td class="number">{formatMs(o.sumMs)}</td>
                      <td class="number">{formatCount(o.calls)}</td>
                      <td class={o.errors ? 'number error' : 'number soft'}>{formatCount(o.errors)}</td>
                      <td class="wide" />
                      <td class="number">{formatMs(o.p95Ms)}</td>
                      <td class="wide" />
                    </tr>
                  ))}
                </tbody>
              );
            })}
          </table>
        </div>
      )}
    </section>
  );
}
