// The function × service matrix as a picture: a row a function, a column a service, a square whose area is the share
// of the function's wall time that the service held, its colour the time held in the whole run.

import { scaleLog, scaleSqrt } from 'd3-scale';
import type { ComponentChildren } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import { matrixOf } from '../analysis/matrix.ts';
import type {
  Accounts,
  Finding,
  FunctionReport,
  FunctionServiceReport,
  Report,
  RequestReport,
} from '../model/report.ts';
import { AccountsBar, AccountsLegend } from './accounts-bar.tsx';
import { formatRoute, type Route } from './route.ts';
import { serviceParts, shortHost, shortService } from './service-name.ts';
import { go, linkTo, live, route } from './state.ts';
import { Pairs, tips } from './tip.tsx';
import { counted, formatCount, formatMs, formatShare, oneLine } from './units.ts';

const side = 30;
/** Rows shown before the reader asks for more. */
const firstRows = 100;

/** Area ∝ share: a share of 1 fills the frame. */
const sideOf = scaleSqrt().domain([0, 1]).range([0, side]).clamp(true);

/** A row: a function, or a request where no function was seen (functions off). */
interface Line {
  readonly key: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** service.name of the process. */
  readonly process: string;
  readonly calls: number;
  readonly errors: number;
  readonly totalMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly accounts: Accounts | undefined;
  readonly services: readonly FunctionServiceReport[];
  readonly findings: readonly Finding[];
}

const functionLine = (f: FunctionReport): Line => ({
  key: `${f.service}\n${f.file}\n${f.line}\n${f.function}`,
  name: f.function,
  file: f.file,
  line: f.line,
  process: f.service,
  calls: f.calls,
  errors: f.errors,
  totalMs: f.wall.totalMs,
  p50Ms: f.wall.p50Ms,
  p95Ms: f.wall.p95Ms,
  p99Ms: f.wall.p99Ms,
  accounts: f.accounts,
  services: f.services,
  findings: f.findings,
});

const requestLine = (r: RequestReport): Line => ({
  ...r,
  key: `${r.service}\n${r.request}`,
  name: r.request,
  file: '',
  line: 0,
  process: r.service,
  accounts: undefined,
  findings: [],
});

const sorts = {
  wall: { label: 'wall time', of: (line: Line) => line.totalMs },
  calls: { label: 'calls', of: (line: Line) => line.calls },
  errors: { label: 'errors', of: (line: Line) => line.errors },
  p50: { label: 'p50', of: (line: Line) => line.p50Ms },
  p95: { label: 'p95', of: (line: Line) => line.p95Ms },
  p99: { label: 'p99', of: (line: Line) => line.p99Ms },
};
type Sort = keyof typeof sorts;

export const functionRoute = (f: FunctionReport, run: string): Route => ({
  view: 'function',
  run,
  name: f.function,
  file: f.file,
  line: f.line,
  service: '',
});

const lineRoute = ({ accounts, name, file, line }: Line, run: string, service: string): Route =>
  accounts ? { view: 'function', run, name, file, line, service } : { view: 'request', run, name };

/** The part of a wall time that the service held, 0 to 1. */
export const shareOf = (totalMs: number, { waitMs }: FunctionServiceReport): number =>
  totalMs > 0 ? Math.min(1, waitMs / totalMs) : 0;

/** Every word is somewhere in the row: its name, place, process, services, operations. */
function matches(line: Line, find: string): boolean {
  const services = line.services.map((s) => [s.service, ...s.operations.map((o) => o.operation)].join('\n'));
  const text = [line.name, `${line.file}:${line.line}`, line.process, ...services].join('\n').toLowerCase();
  return find
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export function Matrix({ report }: { report: Report }) {
  const at = route.value;
  const { run } = at;
  const { sort, find } = at.view === 'overview' ? at : { sort: '', find: '' };
  const [all, setAll] = useState(false);
  const [numbers, setNumbers] = useState(false);
  const { lines, services, of } = useMemo(() => {
    const { of, columns } = matrixOf(report);
    // With no function seen at all, requests are the rows; with nothing to show, the title still says functions.
    const byRequest = of === 'requests' && report.functions.length === 0 && report.requests.length > 0;
    const lines = byRequest ? report.requests.map(requestLine) : report.functions.map(functionLine);
    return { of: byRequest ? 'requests' : 'functions', services: columns, lines };
  }, [report]);
  const heat = useMemo(() => heatScale(lines), [lines]);
  const noun = of === 'functions' ? 'function' : 'request';

  const set = (change: { sort?: string; find?: string }) => go({ view: 'overview', run, sort, find, ...change }, true);
  const sorted = useMemo(() => {
    const value = sorts[sort as Sort]?.of ?? serviceSort(sort) ?? sorts.wall.of;
    const found = find ? lines.filter((line) => matches(line, find)) : lines;
    return [...found].sort((a, b) => value(b) - value(a));
  }, [lines, sort, find]);
  const rows = all ? sorted : sorted.slice(0, firstRows);
  const most = lines.reduce((max, { totalMs }) => Math.max(max, totalMs), 1e-9);
  const severalProcesses = new Set(lines.map(({ process }) => process)).size > 1;

  const head = (key: Sort, extra = '') => (
    <th scope="col" class={`number ${extra}`} aria-sort={(sort || 'wall') === key ? 'descending' : 'none'}>
      <button
        type="button"
        onClick={() => set({ sort: key === 'wall' ? '' : key })}
        title={`Sort by ${sorts[key].label}`}
      >
        {sorts[key].label}
      </button>
    </th>
  );

  return (
    <section class="card" aria-labelledby="matrix-title">
      <div class="top">
        <h2 id="matrix-title">{of === 'functions' ? 'Functions' : 'Requests'} × services</h2>
        <span class="soft">
          {find ? `${formatCount(sorted.length)} of ` : ''}
          {counted(lines.length, noun)}
        </span>
        <span class="grow" />
        <div class="tools">
          <button type="button" aria-pressed={numbers} onClick={() => setNumbers(!numbers)}>
            Numbers
          </button>
          <input
            type="search"
            aria-label="Find functions, files, services, operations"
            placeholder="Find function, file, service…"
            value={find}
            onInput={(event) => set({ find: event.currentTarget.value })}
          />
        </div>
      </div>
      {lines.length === 0 ? (
        <p class="empty">
          {live.value === 'ended' ? (
            <>
              <b>No function waited for a service in this run.</b>
              Its requests, if any, are below; coverage says what was seen.
            </>
          ) : (
            <>
              <b>No function has waited for a service yet.</b>
              Send the program some work; rows appear here as it is recorded.
            </>
          )}
        </p>
      ) : sorted.length === 0 ? (
        <p class="empty">
          <b>Nothing matches.</b>No function, file, service or operation holds “<bdi>{find}</bdi>”.
        </p>
      ) : (
        <div class="scroll flush">
          <Grid services={services} rows={rows.length}>
            <thead>
              <tr>
                <th scope="col">{noun}</th>
                {head('calls', 'wide')}
                {head('errors', 'wide')}
                {head('wall')}
                {head('p50', 'wide')}
                {head('p95', 'wide')}
                {head('p99', 'wide')}
                {of === 'functions' && (
                  <th scope="col" class="time wide">
                    where the time went
                  </th>
                )}
                {services.map((service) => {
                  const { protocol, name, host } = serviceParts(service);
                  return (
                    <th
                      scope="col"
                      class="cell"
                      key={service}
                      aria-sort={sort === service ? 'descending' : 'none'}
                      title={`${service}\nSort by the share it holds`}
                    >
                      <button type="button" onClick={() => set({ sort: sort === service ? '' : service })}>
                        <span class="service">
                          <b>{protocol || 'service'}</b>
                          {hostLines(oneLine(name || shortHost(host))).map((text) => (
                            <span key={text} class="clip">
                              {text}
                            </span>
                          ))}
                        </span>
                      </button>
                    </th>
                  );
                })}
              </tr>
            </thead>
            <tbody>
              {rows.map((line) => (
                <Row
                  key={line.key}
                  line={line}
                  services={services}
                  most={most}
                  heat={heat.colour}
                  numbers={numbers}
                  run={run}
                  process={severalProcesses}
                />
              ))}
            </tbody>
          </Grid>
        </div>
      )}
      {rows.length < sorted.length && (
        <p class="legend">
          <span>
            {formatCount(rows.length)} of {counted(sorted.length, noun)} shown
          </span>
          <button type="button" onClick={() => setAll(true)}>
            Show all
          </button>
        </p>
      )}
      {lines.length > 0 && (
        <div class="legend">
          <span class="group">
            area: share of the {noun}'s wall time
            {[0.01, 0.1, 0.5, 1].map((share) => (
              <span key={share}>
                <Square share={share} colour="var(--soft)" /> {formatShare(share).replace('<', '')}
              </span>
            ))}
          </span>
          {heat.to > 0 && (
            <span>
              colour: time held in the run, log scale: {formatMs(heat.from)} <i class="ramp" /> {formatMs(heat.to)}
            </span>
          )}
          {lines.some(({ services }) => services.some(({ errors }) => errors > 0)) && (
            <span>
              <svg width="8" height="8" aria-hidden="true">
                <path d="M0,0 h8 v8 z" fill="var(--error)" />
              </svg>
              some calls failed
            </span>
          )}
          <span class="group legend tight">
            <AccountsLegend />
          </span>
        </div>
      )}
    </section>
  );
}

/** A table whose filled cells the arrow keys walk; the first of each row is in the tab order. */
function Grid({
  services,
  rows,
  children,
}: {
  services: readonly string[];
  rows: number;
  children: ComponentChildren;
}) {
  const table = useRef<HTMLTableElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const cell = (event.target as Element).closest<HTMLTableCellElement>('td.cell');
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!cell || !step || !table.current) return;
    event.preventDefault();
    const body = table.current.tBodies[0];
    let row = (cell.parentElement as HTMLTableRowElement).sectionRowIndex;
    let column = cell.cellIndex;
    for (;;) {
      row += step[0];
      column += step[1];
      const next = body.rows[row]?.cells[column];
      if (!next) return;
      const link = next.querySelector<HTMLElement>('a.held');
      if (link) return link.focus();
    }
  };
  return (
    <table
      class={services.length > 9 ? 'matrix many' : 'matrix'}
      ref={table}
      onKeyDown={onKeyDown}
      data-rows={rows}
      data-services={services.length}
    >
      {children}
    </table>
  );
}

interface RowProps {
  line: Line;
  services: readonly string[];
  /** Wall time of the longest row. */
  most: number;
  heat: (ms: number) => string;
  numbers: boolean;
  run: string;
  /** Say which process it is of. */
  process: boolean;
}

function Row({ line, services, most, heat, numbers, run, process }: RowProps) {
  const [finding, ...more] = line.findings;
  return (
    <tr data-row={line.name}>
      <th scope="row">
        <span class="function">
          <a {...linkTo(lineRoute(line, run, ''))} class="clip" title={line.name}>
            {oneLine(line.name)}
          </a>
          <span class="clip soft mono" title={line.file && `${line.file}:${line.line}`}>
            {line.file && <bdi>{`${shortPath(line.file)}:${line.line}`}</bdi>}
            {line.file && process && ' · '}
            {process && <bdi>{oneLine(line.process)}</bdi>}
          </span>
          {finding && (
            <span class="chip" title={line.findings.map(({ text }) => text).join('\n')}>
              {finding.kind}
              {more.length > 0 && ` +${more.length}`}
            </span>
          )}
          {line.accounts && (
            <span class="narrow">
              <AccountsBar of={line.accounts} name={line.name} />
            </span>
          )}
        </span>
      </th>
      <td class="number wide">{formatCount(line.calls)}</td>
      <td class={line.errors ? 'number wide error' : 'number wide soft'}>{formatCount(line.errors)}</td>
      <td class="number">
        {formatMs(line.totalMs)}
        <span class="rowbar">
          <i style={{ width: `${(line.totalMs / most) * 100}%` }} />
        </span>
      </td>
      <td class="number wide">{formatMs(line.p50Ms)}</td>
      <td class="number wide">{formatMs(line.p95Ms)}</td>
      <td class="number wide">{formatMs(line.p99Ms)}</td>
      {line.accounts && (
        <td class="time wide">
          <AccountsBar of={line.accounts} name={line.name} />
        </td>
      )}
      {services.map((service) => (
        <Cell key={service} line={line} service={service} heat={heat} numbers={numbers} run={run} />
      ))}
    </tr>
  );
}

interface CellProps {
  line: Line;
  service: string;
  heat: (ms: number) => string;
  numbers: boolean;
  run: string;
}

function Cell({ line, service, heat, numbers, run }: CellProps) {
  const held = line.services.find((s) => s.service === service);
  if (!held) return <td class="cell" />;
  const share = shareOf(line.totalMs, held);
  return (
    <td class="cell">
      <a
        class="held"
        href={formatRoute(lineRoute(line, run, service))}
        tabIndex={line.services[0] === held ? 0 : -1}
        data-service={service}
        data-share={share.toFixed(6)}
        aria-label={`${line.name} to ${service}: ${formatShare(share)} of its wall time, ${counted(held.calls, 'call')}`}
        {...tips(() => cellTip(line, held, share))}
      >
        <Square share={share} colour={heat(held.waitMs)} bad={held.errors > 0} />
        {numbers && <span class="value">{formatShare(share)}</span>}
      </a>
    </td>
  );
}

const cellTip = (line: Line, s: FunctionServiceReport, share: number) => (
  <>
    <b class="name">{oneLine(line.name)}</b> → <b class="name">{oneLine(shortService(s.service))}</b>
    <div class="soft name">{oneLine(s.service)}</div>
    <Pairs
      of={[
        ['holds', `${formatShare(share)} of its wall time`],
        ['time held', `${formatMs(s.waitMs)} of ${formatMs(line.totalMs)}`],
        ['calls', formatCount(s.calls)],
        s.errors > 0 && ['errors', <span class="error">{formatCount(s.errors)}</span>],
        ['p50 · p95 · p99', `${formatMs(s.p50Ms)} · ${formatMs(s.p95Ms)} · ${formatMs(s.p99Ms)}`],
        s.via.length > 0 && ['via', oneLine(s.via.join(' → '))],
        ...s.operations.slice(0, 3).map((o) => [clip(o.operation), counted(o.calls, 'call')] as const),
      ]}
    />
  </>
);

/** A name for a tooltip, where long ones would push the figures aside. */
const clip = (text: string): string => (text.length > 48 ? `${oneLine(text.slice(0, 47))}…` : oneLine(text));

function Square({ share, colour, bad = false }: { share: number; colour: string; bad?: boolean }) {
  const size = share > 0 ? Math.max(1.5, sideOf(share)) : 0;
  const inset = (side - size) / 2;
  return (
    <svg width={side + 2} height={side + 2} viewBox={`-1 -1 ${side + 2} ${side + 2}`} aria-hidden="true">
      <rect width={side} height={side} rx="2" fill="none" stroke="var(--line)" />
      <rect x={inset} y={inset} width={size} height={size} rx={size > 8 ? 2 : 0} fill={colour} />
      {bad && <path d={`M${side - 5},0 h5 v5 z`} fill="var(--error)" />}
    </svg>
  );
}

/** Time held → colour, a log ramp from the least to the most of the run; CSS mixes the two ends, so themes may change. */
function heatScale(lines: readonly Line[]): { colour: (ms: number) => string; from: number; to: number } {
  const held = lines.flatMap(({ services }) => services.map((s) => s.waitMs)).filter((ms) => ms > 0);
  if (held.length === 0) return { colour: () => 'var(--heat-0)', from: 0, to: 0 };
  const to = held.reduce((a, b) => Math.max(a, b));
  const from = Math.min(
    to / 10,
    Math.max(
      held.reduce((a, b) => Math.min(a, b)),
      to / 1e4,
    ),
  );
  const position = scaleLog().domain([from, to]).range([0, 100]).clamp(true);
  const colour = (ms: number) =>
    `color-mix(in oklab, var(--heat-1) ${position(Math.max(ms, from)).toFixed(1)}%, var(--heat-0))`;
  return { colour, from, to };
}

const serviceSort = (service: string) =>
  service.includes(':')
    ? (line: Line) => {
        const held = line.services.find((s) => s.service === service);
        return held ? shareOf(line.totalMs, held) : -1;
      }
    : undefined;

/** "10.0.0.17:9092" on two lines, so that the port is never what is cut off. */
function hostLines(host: string): string[] {
  const port = /^(.+)(:\d+)$/.exec(host);
  return port ? [port[1], port[2]] : [host];
}

/** The end of a path says more than its start. */
function shortPath(path: string): string {
  const clean = oneLine(path);
  return clean.length > 44 ? `…${clean.slice(-43)}` : clean;
}
