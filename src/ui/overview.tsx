// The whole program at a glance: how much was seen, the matrix, requests, services, findings, coverage.

import { useMemo } from 'preact/hooks';
import type { Report } from '../model/report.ts';
import { functionRoute, Matrix } from './matrix.tsx';
import { latencyScale, RangeAxis, RangePlot } from './range-plot.tsx';
import { serviceParts } from './service-name.ts';
import { linkTo, route } from './state.ts';
import { counted, formatCount, formatMs, formatShare, oneLine } from './units.ts';

export function Overview({ report }: { report: Report }) {
  const { run, coverage, requests, functions, services } = report;
  const inbound = requests.reduce((sum, request) => sum + request.calls, 0);
  const errors = requests.reduce((sum, request) => sum + request.errors, 0);
  const findings = functions
    .flatMap((f) => f.findings.map((finding) => ({ f, finding })))
    .sort((a, b) => b.finding.savesMs - a.finding.savesMs);
  return (
    <main>
      <h1 class="aside">{oneLine(run.name || run.id)}</h1>
      <div class="figures">
        <Figure value={formatMs(run.durationMs)} label="recorded" />
        <Figure value={formatCount(inbound)} label={inbound === 1 ? 'request' : 'requests'} />
        {errors > 0 && <Figure value={formatCount(errors)} label="failed" bad />}
        <Figure value={formatCount(coverage.operations)} label="operations on services" />
        <Figure value={formatCount(services.length)} label={services.length === 1 ? 'service' : 'services'} />
        <Figure
          value={coverage.operations ? formatShare(coverage.attributed / coverage.operations) : '–'}
          label="put on a function"
        />
      </div>
      <Matrix report={report} />
      <div class="columns">
        {findings.length > 0 && (
          <section class="card" aria-labelledby="findings-title">
            <div class="top">
              <h2 id="findings-title">Findings</h2>
              <span class="soft">what would make it faster, over the whole run</span>
            </div>
            <ul class="findings">
              {findings.slice(0, 12).map(({ f, finding }) => (
                <li key={`${finding.kind} ${finding.at} ${finding.text}`}>
                  <span class="name">{oneLine(finding.text)}</span>
                  {finding.savesMs > 0 && <span class="saves">saves up to {formatMs(finding.savesMs)}</span>}
                  <span class="soft">
                    <a {...linkTo(functionRoute(f, route.value.run))}>{oneLine(f.function)}</a>{' '}
                    <span class="mono name">{oneLine(finding.at)}</span> · {finding.kind}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        )}
        <Requests report={report} />
        <Services report={report} />
        <Pauses report={report} />
        <CoverageCard report={report} />
      </div>
    </main>
  );
}

export function Figure({ value, label, bad = false }: { value: string; label: string; bad?: boolean }) {
  return (
    <div class={bad ? 'figure error' : 'figure'}>
      <b>{value}</b>
      <span>{label}</span>
    </div>
  );
}

const plotWidth = 220;

function Requests({ report: { requests } }: { report: Report }) {
  const scale = useMemo(
    () =>
      latencyScale(
        requests.flatMap((r) => [r.p50Ms, r.p99Ms]),
        plotWidth,
      ),
    [requests],
  );
  return (
    <section class="card" aria-labelledby="requests-title">
      <div class="top">
        <h2 id="requests-title">Requests</h2>
        <span class="soft">dot p50, tick p95, line to p99; log scale</span>
      </div>
      {requests.length === 0 ? (
        <p class="empty">No request has come in yet.</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">request</th>
                <th scope="col" class="number">
                  calls
                </th>
                <th scope="col" class="number">
                  errors
                </th>
                <th scope="col" class="number">
                  p50
                </th>
                <th scope="col" class="number">
                  p99
                </th>
                <th scope="col" class="wide">
                  <span class="aside">latency</span>
                  <RangeAxis scale={scale} width={plotWidth} />
                </th>
              </tr>
            </thead>
            <tbody>
              {requests.map((r) => (
                <tr key={`${r.service}\n${r.request}`}>
                  <th scope="row">
                    <a class="name" {...linkTo({ view: 'request', run: route.value.run, name: r.request })}>
                      {oneLine(r.request)}
                    </a>{' '}
                    <span class="soft name">{oneLine(r.service)}</span>
                  </th>
                  <td class="number">{formatCount(r.calls)}</td>
                  <td class={r.errors ? 'number error' : 'number soft'}>{formatCount(r.errors)}</td>
                  <td class="number">{formatMs(r.p50Ms)}</td>
                  <td class="number">{formatMs(r.p99Ms)}</td>
                  <td class="wide">
                    <RangePlot of={r} scale={scale} width={plotWidth} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Services({ report: { services, run } }: { report: Report }) {
  const most = Math.max(1e-9, ...services.map((s) => s.sumMs));
  return (
    <section class="card" aria-labelledby="services-title">
      <div class="top">
        <h2 id="services-title">Services</h2>
        <span class="soft">busy: average number of calls in flight over the run</span>
      </div>
      {services.length === 0 ? (
        <p class="empty">No service has been called yet.</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">service</th>
                <th scope="col" class="number">
                  calls
                </th>
                <th scope="col" class="number">
                  errors
                </th>
                <th scope="col" class="number">
                  time in calls
                </th>
                <th scope="col" class="number">
                  busy
                </th>
                <th scope="col" class="wide">
                  called by
                </th>
              </tr>
            </thead>
            <tbody>
              {services.map((s) => {
                const { protocol, name, host } = serviceParts(s.service);
                return (
                  <tr key={s.service}>
                    <th scope="row">
                      <b>{protocol || s.protocol}</b> <span class="name">{oneLine(name)}</span>
                      <div class="soft">
                        <span class="name">
                          {[oneLine(host), s.protocol === 'unknown' && 'unknown protocol'].filter(Boolean).join(', ')}
                        </span>
                      </div>
                    </th>
                    <td class="number">{formatCount(s.calls)}</td>
                    <td class={s.errors ? 'number error' : 'number soft'}>{formatCount(s.errors)}</td>
                    <td class="number">
                      {formatMs(s.sumMs)}
                      <span class="rowbar">
                        <i style={{ width: `${(s.sumMs / most) * 100}%` }} />
                      </span>
                    </td>
                    <td class="number">{run.durationMs > 0 ? (s.sumMs / run.durationMs).toFixed(2) : '–'}</td>
                    <td class="wide soft">
                      {oneLine(s.callers.slice(0, 4).join(', '))}
                      {s.callers.length > 4 && ` and ${s.callers.length - 4} more`}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Pauses({ report: { pauses } }: { report: Report }) {
  const { gc, loop } = pauses;
  if (gc.count === 0 && loop.count === 0) return null;
  return (
    <section class="card" aria-labelledby="pauses-title">
      <div class="top">
        <h2 id="pauses-title">Pauses</h2>
        <span class="soft">when a process did nothing else; in a trace: the bands behind the bars</span>
      </div>
      <p id="pauses">
        {counted(gc.count, 'garbage collection')}: {formatMs(gc.totalMs)} in all, the longest {formatMs(gc.longestMs)}.
        The event loop was held for {formatMs(loop.thresholdMs)} and more {counted(loop.count, 'time')}
        {loop.count > 0 && `: ${formatMs(loop.totalMs)} in all, the longest ${formatMs(loop.longestMs)}`}.
      </p>
      {loop.by.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">held by</th>
                <th scope="col" class="number">
                  times
                </th>
                <th scope="col" class="number">
                  in all
                </th>
                <th scope="col" class="number">
                  longest
                </th>
              </tr>
            </thead>
            <tbody>
              {loop.by.slice(0, 12).map((one) => (
                <tr key={`${one.function} ${one.file}:${one.line} ${one.request} ${one.service}`}>
                  <th scope="row">
                    <span class="name">{oneLine(one.function || one.request) || 'code not known'}</span>{' '}
                    <span class="soft mono name">{one.file && `${oneLine(one.file)}:${one.line}`}</span>
                  </th>
                  <td class="number">{formatCount(one.count)}</td>
                  <td class="number">{formatMs(one.totalMs)}</td>
                  <td class="number">{formatMs(one.longestMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function CoverageCard({ report: { coverage, run, sampling } }: { report: Report }) {
  const { operations, attributed, uncertain, unattributed, unknownProtocol, dropped, blindSpots } = coverage;
  const share = (count: number) => (operations ? ` (${formatShare(count / operations)})` : '');
  return (
    <section class="card" aria-labelledby="coverage-title">
      <div class="top">
        <h2 id="coverage-title">Coverage</h2>
        <span class="soft">what these figures rest on</span>
      </div>
      <p id="coverage">
        {counted(operations, 'operation')} seen: {formatCount(attributed)} put on a function or request
        {share(attributed)}, {formatCount(uncertain)} uncertain, {formatCount(unattributed)} of nobody;{' '}
        {formatCount(unknownProtocol)} in an unknown protocol;{' '}
        <span class={dropped ? 'error' : ''}>{formatCount(dropped)} dropped</span>.
      </p>
      {sampling && (
        <p id="sampling">
          To stay under its budget the recorder took {formatCount(sampling.requests.recorded)} of{' '}
          {counted(sampling.requests.seen, 'request')}
          {sampling.work.seen > 0 &&
            ` and ${formatCount(sampling.work.recorded)} of ${counted(sampling.work.seen, 'piece')} of work of no request`}
          ; counts are by weight. It took {formatShare(sampling.cpuMs > 0 ? sampling.ownMs / sampling.cpuMs : 0)} of the
          CPU time.
        </p>
      )}
      {blindSpots.length > 0 && (
        <ul class="findings blind">
          {blindSpots.map(({ what, where }) => (
            <li key={`${what} ${where}`}>
              <span>
                Not seen: {oneLine(what)} <span class="soft mono name">{oneLine(where)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
      <p class="soft processes">
        {run.processes.map((p) => `${oneLine(p.service)} (pid ${p.pid}, ${p.runtime})`).join(' · ')}
      </p>
    </section>
  );
}
