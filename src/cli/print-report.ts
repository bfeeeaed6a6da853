// The report as text: functions and the services they wait for, requests, what would help, and what was not seen.
// Pure: a report and a paper in, lines out. Names are never cut: what is too long gets a line of its own.

import type {
  Accounts,
  FunctionReport,
  FunctionServiceReport,
  InTheWay,
  PauseSums,
  Report,
  RequestReport,
  SamplingCounts,
  ServiceReport,
} from '../model/report.ts';
import { bar, type Paper, padEnd, padStart, widthOf, wrap } from './terminal.ts';
import { count, counted, duration, percent } from './units.ts';

export interface PrintOptions {
  /** Functions, requests and findings shown at most; the rest is counted. */
  readonly most: number;
}

/** Below this many columns a row becomes lines. */
const narrow = 79;
const nameColumns = { least: 30, most: 60 };
const numberColumns = 50;

export function printReport(report: Report, paper: Paper, options: PrintOptions): string {
  const lines = [
    ...head(report, paper),
    ...functionsPart(report, paper, options),
    ...requestsPart(report, paper, options),
    ...findingsPart(report, paper, options),
    ...pausesPart(report, paper, options),
    ...coveragePart(report, paper),
  ];
  return `${lines.map((line) => paper.plain(line.trimEnd())).join('\n')}\n`;
}

function head({ run }: Report, { style, width }: Paper): string[] {
  const command = run.command.join(' ');
  const about = [
    duration(run.durationMs),
    counted(run.processes.length, 'process', 'processes'),
    `run ${run.id}`,
    ...(run.name === '' ? [] : [`“${run.name}”`]),
  ];
  const title = `${style.strong('whywait')}  ${command}`;
  const one = `${title}  ${style.faint(about.join(' · '))}`;
  return widthOf(one) <= width ? [one, ''] : [...wrap(title, width), ...wrapFacts(about, width).map(style.faint), ''];
}

// ── functions ────────────────────────────────────────────────────────────────────────────────────────────────────────

function functionsPart(report: Report, paper: Paper, { most }: PrintOptions): string[] {
  const calling = report.functions.filter(({ services }) => services.length > 0);
  if (calling.length === 0) return requestServices(report, paper, most);
  const shown = calling.slice(0, most);
  const lines = [...title('Functions, and the services they wait for', paper), ...columnHeads(paper)];
  for (const one of shown) lines.push(...functionLines(one, paper), '');
  const hidden = calling.length - shown.length;
  const silent = report.functions.length - calling.length;
  const rest = [
    hidden > 0 ? `${counted(hidden, 'more function')}: whywait report --all` : '',
    silent > 0 ? `${counted(silent, 'function')} seen that ${silent === 1 ? 'calls' : 'call'} no service` : '',
  ].filter(Boolean);
  if (rest.length > 0) lines.push(...wrap(rest.join(' · '), paper.width).map(paper.style.faint), '');
  return lines;
}

/** When no function was seen (--functions off, or none waited): what each request waits for. */
function requestServices({ requests, services }: Report, paper: Paper, most: number): string[] {
  const calling = requests.filter(({ services }) => services.length > 0);
  if (calling.length === 0) return servicesAlone(services, paper);
  const lines = [...title('Requests, and the services they wait for', paper), ...columnHeads(paper)];
  for (const one of calling.slice(0, most)) {
    const about = `${counted(one.calls, 'call')} · ${duration(one.totalMs)} in all · p95 ${duration(one.p95Ms)}`;
    lines.push(...heading(one.request, one.service, about, one.errors, paper));
    for (const service of one.services) lines.push(...serviceLines(service, one.totalMs, paper));
    lines.push('');
  }
  if (calling.length > most) {
    lines.push(paper.style.faint(`${counted(calling.length - most, 'more request')}: whywait report --all`), '');
  }
  return lines;
}

/** When no operation belongs to a function or a request: the services, whoever called them. */
function servicesAlone(services: readonly ServiceReport[], paper: Paper): string[] {
  if (services.length === 0) return [];
  const lines = title('Services', paper);
  for (const one of services) {
    const errors = one.errors > 0 ? paper.style.orange(counted(one.errors, 'error')) : '0 errors';
    lines.push(
      ...wrapFacts([one.service, counted(one.calls, 'call'), `${duration(one.sumMs)} in all`, errors], paper.width),
    );
  }
  return [...lines, ''];
}

function functionLines(one: FunctionReport, paper: Paper): string[] {
  const { wall } = one;
  const about = `${counted(one.calls, 'call')} · ${duration(wall.totalMs)} in all · p95 ${duration(wall.p95Ms)}`;
  return [
    ...heading(one.function, `${one.file}:${one.line}`, about, one.errors, paper),
    ...one.services.flatMap((service) => serviceLines(service, wall.totalMs, paper)),
    ...accountsLine(one.accounts, wall.totalMs, paper),
    ...inTheWayLine('waited for connections, held by', one.heldBy, one.accounts.poolMs, wall.totalMs, paper),
    ...inTheWayLine('waited for the event loop, held by', one.blockedBy, one.accounts.loopMs, wall.totalMs, paper),
  ];
}

/** "waited for connections, held by exportPins 1.2 s, loadHome 80 ms": where it is worth a line. */
function inTheWayLine(
  words: string,
  others: readonly InTheWay[],
  waitedMs: number,
  wallMs: number,
  { style, width }: Paper,
): string[] {
  if (others.length === 0 || waitedMs < wallMs / 20) return [];
  const named = others.slice(0, 3).map((one) => `${one.function} ${duration(one.totalMs)}`);
  return wrap(`${words} ${named.join(', ')}`, width - 2).map((line) => style.faint(`  ${line}`));
}

function heading(name: string, place: string, about: string, errors: number, { style, width }: Paper): string[] {
  const left = `${style.strong(name)}  ${style.faint(place)}`;
  const right = errors > 0 ? `${about} · ${style.orange(counted(errors, 'error'))}` : about;
  const space = width - widthOf(left) - widthOf(right);
  return space >= 2 ? [left + ' '.repeat(space) + right] : [left, ...wrap(`  ${right}`, width)];
}

const accountNames: Record<keyof Accounts, string> = {
  servicesMs: 'services',
  calleesMs: 'functions it awaits',
  poolMs: 'pool',
  connectMs: 'connecting',
  loopMs: 'busy event loop',
  cpuMs: 'own code',
  timersMs: 'timers',
  otherMs: 'other waits',
  unexplainedMs: 'unexplained',
};

/** "time: services 65 %, functions it awaits 22 %, own code 8 %" */
function accountsLine(accounts: Accounts, wallMs: number, { style, width }: Paper): string[] {
  const parts = (Object.keys(accountNames) as (keyof Accounts)[])
    .filter((name) => accounts[name] >= wallMs / 200 && accounts[name] > 0)
    .sort((a, b) => accounts[b] - accounts[a])
    .map((name) => `${accountNames[name]} ${percent(accounts[name], wallMs)}`);
  if (parts.length === 0) return [];
  return wrap(`its time: ${parts.join(', ')}`, width - 2).map((line) => style.faint(`  ${line}`));
}

// ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────
//
//   name ……………………………………………… calls   wait  share      p50    p95    p99 err     number columns: 50

const barCells = ({ width }: Paper) => Math.min(20, 5 + Math.max(0, width - nameColumns.most - numberColumns));
const nameWidth = (paper: Paper) =>
  Math.min(nameColumns.most, Math.max(nameColumns.least, paper.width - numberColumns));

function row(cells: readonly string[], paper: Paper): string {
  const [calls, wait, drawn, share, p50, p95, p99, errors] = cells;
  return [
    padStart(calls, 6),
    padStart(wait, 7),
    ` ${padEnd(drawn, barCells(paper))}`,
    padStart(share, 5),
    padStart(p50, 7),
    padStart(p95, 7),
    padStart(p99, 7),
    padStart(errors, 4),
  ].join('');
}

function columnHeads(paper: Paper): string[] {
  if (paper.width < narrow) return [];
  const cells = barCells(paper);
  const heads =
    padEnd('', nameWidth(paper)) +
    padStart('calls', 6) +
    padStart('wait', 7) +
    padStart('of time', cells + 6) +
    padStart('p50', 7) +
    padStart('p95', 7) +
    padStart('p99', 7) +
    padStart('err', 4);
  return [paper.style.faint(heads)];
}

function serviceLines(one: FunctionServiceReport, wallMs: number, paper: Paper): string[] {
  const { style, width } = paper;
  const name = `  ${one.service}`;
  const via = one.via.length === 0 ? [] : wrap(`via ${one.via.join(' → ')}`, width - 4);
  const vias = via.map((line) => style.faint(`    ${line}`));
  const share = wallMs > 0 ? one.waitMs / wallMs : 0;
  const errors = one.errors > 0 ? style.orange(count(one.errors)) : '0';
  if (width < narrow) {
    const facts = [
      counted(one.calls, 'call'),
      `waits ${duration(one.waitMs)} (${percent(one.waitMs, wallMs)})`,
      `p50 ${duration(one.p50Ms)}`,
      `p95 ${duration(one.p95Ms)}`,
      `p99 ${duration(one.p99Ms)}`,
      one.errors > 0 ? style.orange(counted(one.errors, 'error')) : '0 errors',
    ];
    return [name, ...vias, ...wrapFacts(facts, width - 4).map((line) => `    ${line}`)];
  }
  const cells = row(
    [
      count(one.calls),
      duration(one.waitMs),
      style.blue(bar(share, barCells(paper))),
      percent(one.waitMs, wallMs),
      duration(one.p50Ms),
      duration(one.p95Ms),
      duration(one.p99Ms),
      errors,
    ],
    paper,
  );
  const space = nameWidth(paper);
  const first = widthOf(name) <= space ? [padEnd(name, space) + cells] : [name, ' '.repeat(space) + cells];
  return [...first, ...vias];
}

function wrapFacts(facts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.length - 1;
    if (last >= 0 && widthOf(lines[last]) + 3 + widthOf(fact) <= width) lines[last] += ` · ${fact}`;
    else lines.push(fact);
  }
  return lines;
}

// ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function title(text: string, { style, width }: Paper): string[] {
  const line = `── ${text} `;
  if (widthOf(line) + 2 > width) return wrap(`── ${text}`, width).map(style.strong);
  return [style.faint('── ') + style.strong(text) + style.faint(` ${'─'.repeat(Math.max(2, width - widthOf(line)))}`)];
}

function requestsPart({ requests }: Report, paper: Paper, { most }: PrintOptions): string[] {
  if (requests.length === 0) return [];
  const { style, width } = paper;
  const shown = requests.slice(0, most);
  const lines = title('Requests answered', paper);
  const facts = (one: RequestReport) => [
    counted(one.calls, 'call'),
    `p50 ${duration(one.p50Ms)}`,
    `p95 ${duration(one.p95Ms)}`,
    `p99 ${duration(one.p99Ms)}`,
    one.errors > 0 ? style.orange(counted(one.errors, 'error')) : '0 errors',
  ];
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...shown.map((one) => widthOf(facts(one)[i]))));
  for (const one of shown) {
    const name = `${one.request}  ${style.faint(one.service)}`;
    const cells = facts(one)
      .map((fact, i) => padStart(fact, widths[i]))
      .join('  ');
    const space = width - widthOf(name) - widthOf(cells);
    if (space >= 2) lines.push(name + ' '.repeat(space) + cells);
    else lines.push(name, ...wrapFacts(facts(one), width - 2).map((line) => `  ${line}`));
  }
  if (requests.length > most) {
    lines.push(style.faint(`${counted(requests.length - most, 'more request')}: whywait report --all`));
  }
  return [...lines, ''];
}

function findingsPart({ functions }: Report, paper: Paper, { most }: PrintOptions): string[] {
  const { style, width } = paper;
  const all = functions
    .flatMap((one) => one.findings.map((finding) => ({ finding, name: one.function })))
    .sort((a, b) => b.finding.savesMs - a.finding.savesMs);
  if (all.length === 0) return [];
  const shown = all.slice(0, Math.min(most, 5));
  const lines = title('What may be saved', paper);
  for (const { finding, name } of shown) {
    lines.push(
      `${style.orange(`up to ${duration(finding.savesMs)}`)}  ${style.strong(name)}  ${style.faint(finding.at)}`,
      ...wrap(finding.text, width - 2).map((line) => `  ${line}`),
    );
  }
  if (all.length > shown.length) lines.push(style.faint(`${counted(all.length - shown.length, 'more')} in --json`));
  return [...lines, ''];
}

/** "event loop held  3 times · 132 ms in all · longest 61 ms", and by whom. */
function pausesPart({ pauses: { gc, loop } }: Report, paper: Paper, { most }: PrintOptions): string[] {
  if (gc.count === 0 && loop.count === 0) return [];
  const { style, width } = paper;
  const facts = ({ totalMs, longestMs }: PauseSums, times: string) => [
    times,
    `${duration(totalMs)} in all`,
    `longest ${duration(longestMs)}`,
  ];
  const line = (name: string, place: string, of: string[]): string[] => {
    const left = `${name}${place === '' ? '' : `  ${style.faint(place)}`}`;
    const right = of.join(' · ');
    const space = width - widthOf(left) - widthOf(right);
    return space >= 2
      ? [left + ' '.repeat(space) + right]
      : [left, ...wrapFacts(of, width - 4).map((one) => `    ${one}`)];
  };
  const lines = title('Pauses', paper);
  if (gc.count > 0) lines.push(...line('garbage collection', '', facts(gc, counted(gc.count, 'pause'))));
  if (loop.count > 0) {
    const name = `event loop held for ${duration(loop.thresholdMs)} and more`;
    lines.push(...line(name, '', facts(loop, counted(loop.count, 'time'))));
  }
  const shown = loop.by.slice(0, Math.min(most, 5));
  for (const one of shown) {
    const who = one.function || one.request || 'not known by whom';
    const place = one.function === '' ? '' : `${one.file}:${one.line}`;
    lines.push(...line(`  ${style.strong(who)}`, place, facts(one, counted(one.count, 'time'))));
  }
  if (loop.by.length > shown.length)
    lines.push(style.faint(`  ${counted(loop.by.length - shown.length, 'more')} in --json`));
  return [...lines, ''];
}

/** "1 of 12.4 requests recorded (1,021 of 12,650), the counts are by weight · the recorder took 1.8 % of the CPU time" */
function samplingFacts({ sampling }: Report): string[] {
  if (sampling === null) return [];
  const { requests, work, ownMs, cpuMs } = sampling;
  const rate = ({ seen, recorded }: SamplingCounts, what: string) => {
    if (seen === 0) return [];
    if (recorded === seen) return [`all ${what} recorded`];
    const one = recorded === 0 ? 'none' : `1 of ${(seen / recorded).toFixed(1)}`;
    return [`${one} ${what} recorded (${count(recorded)} of ${count(seen)})`];
  };
  const told = [...rate(requests, 'requests'), ...rate(work, 'pieces of other work')];
  const share = cpuMs > 0 ? `the recorder took ${((100 * ownMs) / cpuMs).toFixed(1)} % of the CPU time` : '';
  return [...told, 'counts are by weight', share].filter(Boolean);
}

function coveragePart(report: Report, { style, width }: Paper): string[] {
  const { coverage } = report;
  const warn = (value: number, text: string) => (value > 0 ? style.orange(text) : text);
  const facts = [
    `${counted(coverage.operations, 'operation')} seen`,
    `${count(coverage.attributed)} attributed`,
    warn(coverage.uncertain, `${count(coverage.uncertain)} uncertain`),
    warn(coverage.unattributed, `${count(coverage.unattributed)} without owner`),
    warn(coverage.unknownProtocol, `${count(coverage.unknownProtocol)} unknown protocol`),
    warn(coverage.dropped, `${count(coverage.dropped)} dropped`),
  ];
  const blind = coverage.blindSpots.map(({ what, where }) =>
    style.orange(`not seen: ${where === '' ? what : `${what} (${where})`}`),
  );
  return [...wrapFacts(samplingFacts(report), width), ...wrapFacts(facts, width), ...blind];
}
