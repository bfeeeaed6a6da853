// The report: which function waits for which service, how long. Fed trace by trace; what it holds grows with the
// number of functions × services × operations, not with the number of traces.

import type {
  Accounts,
  Coverage,
  Finding,
  FunctionReport,
  FunctionServiceReport,
  InTheWay,
  PausesReport,
  Report,
  RequestReport,
  RunInfo,
  Sampling,
  ServiceReport,
} from '../model/report.ts';
import { loopHeldNs, Pause, Rule } from '../model/schema.ts';
import type { CounterTotal, HolderRow, PauseTotal, Words } from '../model/trace.ts';
import { accountsOf } from './accounts.ts';
import { isFill, isOrdered, isRead, lookAtFrame, lookAtTrace, type Sight, type Step } from './findings.ts';
import { quantiles } from './histogram.ts';
import { pausedTimes } from './pauses.ts';
import { heldByServices } from './services-of.ts';
import {
  addAccounts,
  addCalls,
  addPaused,
  addServices,
  addTimes,
  at,
  type CallSums,
  countCall,
  countRest,
  type FunctionSums,
  newCalls,
  newFunction,
  newRequest,
  newService,
  type RequestSums,
  type ServiceSums,
} from './sums.ts';
import { buildTree, failed, isFrame, isOperation, listOf, type Tree, type TreeColumns } from './trace.ts';

/** What a report needs beside the traces. */
export interface ReportMeta {
  readonly run: RunInfo;
  readonly words: Words;
  readonly counters: readonly CounterTotal[];
  /** Left out: none was seen. */
  readonly pauses?: readonly PauseTotal[];
  /** Who held connections that others waited for; left out: nobody. */
  readonly holders?: readonly HolderRow[];
}

export interface ReportBuilder {
  /** Takes a trace in. Its columns are not kept and not changed. */
  add(trace: TreeColumns): void;
  /** The report on what was added so far. */
  finish(meta: ReportMeta): Report;
}

/** Paths between a function and a call that are told apart; longer ones and more of them are folded. */
const longestPath = 16;
const mostPaths = 32;
const mostFindings = 64;
/** In a path: functions left out. */
const leftOut = 0;

export function createReport(): ReportBuilder {
  const kept: Kept = {
    functions: new Map(),
    requests: new Map(),
    services: new Map(),
    findings: new Map(),
    coverage: { operations: 0, attributed: 0, uncertain: 0, unattributed: 0, unknownProtocol: new Map() },
  };
  return {
    add: (trace) => addTree(kept, buildTree(trace)),
    finish: (meta) => finish(kept, meta),
  };
}

/** The report on these traces. */
export function reportOf(traces: Iterable<TreeColumns>, meta: ReportMeta): Report {
  const report = createReport();
  for (const trace of traces) report.add(trace);
  return report.finish(meta);
}

interface ServiceTotals {
  readonly calls: CallSums;
  protocol: number;
  /** Ids of the functions that call it themselves. */
  readonly callers: Set<number>;
}

interface Kept {
  /** By process number and function id, joined by a space: their service.name is known at the end only. */
  readonly functions: Map<string, FunctionSums>;
  /** By process number and operation's text id. */
  readonly requests: Map<string, RequestSums>;
  readonly services: Map<number, ServiceTotals>;
  readonly findings: Map<string, Seen>;
  readonly coverage: {
    operations: number;
    attributed: number;
    uncertain: number;
    unattributed: number;
    /** Operations by protocol's text id. */
    readonly unknownProtocol: Map<number, number>;
  };
}

/** A finding over all frames that showed it. */
interface Seen {
  readonly sight: Sight;
  readonly owner: string;
  frames: number;
  times: number;
  saves: number;
}

// ── taking in ────────────────────────────────────────────────────────────────────────────────────────────────────────

function addTree(kept: Kept, tree: Tree): void {
  const { spans, process } = tree.columns;
  const functionOf = (row: number) => at(kept.functions, `${process[row]} ${spans.function[row]}`, newFunction);
  const requestOf = (row: number) => at(kept.requests, `${process[row]} ${spans.operation[row]}`, newRequest);
  const see = (sight: Sight) => keepSight(kept, tree, sight);
  const paused = pausedTimes(tree);

  for (const row of tree.order) {
    const duration = tree.end[row] - tree.start[row];
    if (isFrame(tree, row)) {
      const sums = functionOf(row);
      const weight = weightOf(tree, row);
      if (spans.rule[row] === Rule.chain) countRest(sums, duration, failed(tree, row), weight);
      else countCall(sums, duration, failed(tree, row), weight);
      addAccounts(sums.accounts, accountsOf(tree, row), weight);
      addPaused(sums.paused, paused(row), weight);
      countBlockers(sums.blockers, tree, row, weight);
      lookAtFrame(tree, row, see);
    } else if (isOperation(tree, row)) {
      countOperation(kept, tree, row);
      countOnTheWayUp(tree, row, functionOf, requestOf);
    } else {
      const sums = requestOf(row);
      countCall(sums, duration, failed(tree, row) || spans.status[row] >= 500, weightOf(tree, row));
      addPaused(sums.paused, paused(row), weightOf(tree, row));
    }
  }
  heldByServices(tree, (row, service, ns) => {
    const sums = isFrame(tree, row) ? functionOf(row) : requestOf(row);
    at(sums.services, service, newService).wait += ns * weightOf(tree, row);
  });
  // Trace 0 holds what belongs to no trace: nothing in it has to do with anything else in it.
  if (spans.traceLo[0] !== 0n || spans.traceHi[0] !== 0n) lookAtTrace(tree, see);
}

/** Who ran while an answer that the frame waited for was there already. */
function countBlockers(blockers: Map<number, number>, tree: Tree, frame: number, weight: number): void {
  const { waits, spans } = tree.columns;
  for (const wait of listOf(tree.waits, frame)) {
    const by = tree.waitBy[wait];
    const blocker = waits.blocker[wait];
    if (blocker === 0 || by === -1) continue;
    const there = tree.end[by] - Math.round(Math.max(0, spans.late[by]));
    const ns = tree.waitEnd[wait] - Math.max(tree.waitStart[wait], there);
    if (ns > 0) blockers.set(blocker, (blockers.get(blocker) ?? 0) + ns * weight);
  }
}

/** How many like it a row stands for. */
const weightOf = ({ columns: { spans } }: Tree, row: number): number => spans.weight[row] || 1;

function countOperation({ services, coverage }: Kept, tree: Tree, row: number): void {
  const { spans } = tree.columns;
  const totals = at(services, spans.service[row], () => ({
    calls: newCalls(),
    protocol: 0,
    callers: new Set<number>(),
  }));
  const weight = weightOf(tree, row);
  countCall(totals.calls, tree.end[row] - tree.start[row], failed(tree, row), weight);
  totals.protocol ||= spans.protocol[row];
  if (spans.function[row] !== 0) totals.callers.add(spans.function[row]);
  coverage.operations += weight;
  if (spans.rule[row] === Rule.none) coverage.unattributed += weight;
  else if (spans.rule[row] === Rule.uncertain) coverage.uncertain += weight;
  else coverage.attributed += weight;
  const { unknownProtocol } = coverage;
  unknownProtocol.set(spans.protocol[row], (unknownProtocol.get(spans.protocol[row]) ?? 0) + weight);
}

/** Counts an operation for every function above it, each once, and for the request, with the path between. */
function countOnTheWayUp(
  tree: Tree,
  row: number,
  functionOf: (row: number) => FunctionSums,
  requestOf: (row: number) => RequestSums,
): void {
  const { spans } = tree.columns;
  const counted = new Set<number>();
  const path: number[] = [];
  let above = tree.parent[row];
  if (spans.function[row] !== 0 && !(above !== -1 && isFrame(tree, above))) {
    // The owner's own frame was not kept.
    countService(functionOf(row).services, tree, row, path);
    counted.add(spans.function[row]);
    path.push(spans.function[row]);
  }
  for (; above !== -1 && isFrame(tree, above); above = tree.parent[above]) {
    const id = spans.function[above];
    if (!counted.has(id)) {
      countService(functionOf(above).services, tree, row, path);
      counted.add(id);
    }
    if (path.length < longestPath && path[path.length - 1] !== id) path.push(id);
    else if (path.length === longestPath) path.push(leftOut);
  }
  if (above !== -1 && !isOperation(tree, above)) countService(requestOf(above).services, tree, row, path);
}

function countService(services: Map<number, ServiceSums>, tree: Tree, row: number, path: readonly number[]): void {
  const { spans } = tree.columns;
  const sums = at(services, spans.service[row], newService);
  const duration = tree.end[row] - tree.start[row];
  const weight = weightOf(tree, row);
  countCall(sums, duration, failed(tree, row), weight);
  sums.protocol ||= spans.protocol[row];
  sums.bytesOut += spans.bytesOut[row] * weight;
  sums.bytesIn += spans.bytesIn[row] * weight;
  countCall(at(sums.operations, spans.operation[row], newCalls), duration, failed(tree, row), weight);
  const key = path.join(' ');
  const known = sums.paths.has(key) || sums.paths.size < mostPaths ? key : String(leftOut);
  sums.paths.set(known, (sums.paths.get(known) ?? 0) + weight);
}

function keepSight({ findings }: Kept, tree: Tree, sight: Sight): void {
  const { spans, process } = tree.columns;
  if (sight.frame === -1 || !isFrame(tree, sight.frame)) return;
  const owner = `${process[sight.frame]} ${spans.function[sight.frame]}`;
  const steps = sight.steps.map((step) => Object.values(step).join(' ')).join(',');
  const key = `${owner} ${sight.kind} ${steps} ${sight.before?.function ?? ''} ${sight.before?.line ?? ''}`;
  if (!findings.has(key) && findings.size >= mostFindings * 64) return;
  const seen = at(findings, key, () => ({ sight, owner, frames: 0, times: 0, saves: 0 }));
  const weight = weightOf(tree, sight.frame);
  seen.frames += weight;
  seen.times += sight.times * weight;
  seen.saves += sight.saves * weight;
}

// ── giving out ───────────────────────────────────────────────────────────────────────────────────────────────────────

function finish(kept: Kept, { run, words, counters, pauses = [], holders: held = [] }: ReportMeta): Report {
  const say = sayer(words);
  const functions = new Map<string, { id: number; service: string; sums: FunctionSums; owners: Set<string> }>();
  for (const [owner, sums] of kept.functions) {
    const [process, id] = owner.split(' ').map(Number);
    const service = say.process(process);
    const merged = at(functions, `${id} ${service}`, () => ({ id, service, sums: newFunction(), owners: new Set() }));
    merged.owners.add(owner);
    addCalls(merged.sums, sums);
    addAccounts(merged.sums.accounts, sums.accounts);
    addPaused(merged.sums.paused, sums.paused);
    addServices(merged.sums.services, sums.services);
    addTimes(merged.sums.blockers, sums.blockers);
  }
  const holders = new Map<string, Map<number, number>>();
  for (const { process, function: waiter, holder, ns } of held) {
    const into = at(holders, `${waiter} ${say.process(process)}`, () => new Map<number, number>());
    into.set(holder, (into.get(holder) ?? 0) + ns);
  }
  const requests = new Map<string, { request: string; service: string; sums: RequestSums }>();
  for (const [key, sums] of kept.requests) {
    const [process, operation] = key.split(' ').map(Number);
    const request = say.text(operation);
    const service = say.process(process);
    const merged = at(requests, `${service} ${request}`, () => ({ request, service, sums: newRequest() }));
    addCalls(merged.sums, sums);
    addPaused(merged.sums.paused, sums.paused);
    addServices(merged.sums.services, sums.services);
  }
  const inTurn = new Set<number>();
  for (const { id, sums } of functions.values()) if (mustKeepTurn(sums, say)) inTurn.add(id);

  return {
    schema: 1,
    run,
    functions: [...functions.values()]
      .map(({ id, service, sums, owners }) =>
        functionReport(
          id,
          service,
          sums,
          inTheWay(holders.get(`${id} ${service}`), say),
          findingsOf(kept, owners, sums, inTurn, say),
          say,
        ),
      )
      .sort((a, b) => b.wall.totalMs - a.wall.totalMs || byWord(a.function, b.function)),
    services: [...kept.services]
      .map(([id, totals]) => serviceTotals(id, totals, say))
      .sort((a, b) => b.sumMs - a.sumMs || byWord(a.service, b.service)),
    requests: [...requests.values()]
      .map((request) => requestReport(request, say))
      .sort((a, b) => b.totalMs - a.totalMs || byWord(a.request, b.request)),
    pauses: pausesOf(pauses, say),
    sampling: samplingOf(counters),
    coverage: coverageOf(kept, counters, say),
  };
}

interface Sayer {
  text(id: number): string;
  function(id: number): string;
  file(id: number): string;
  functionLine(id: number): number;
  process(number: number): string;
}

function sayer({ texts, functions, processes }: Words): Sayer {
  return {
    text: (id) => texts[id] ?? '',
    function: (id) => functions[id]?.function || '(anonymous)',
    file: (id) => functions[id]?.file ?? '',
    functionLine: (id) => functions[id]?.line ?? 0,
    process: (number) => processes[number]?.service ?? '',
  };
}

const byWord = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Whole ns → ms, exact to the ns. */
const ms = (ns: number) => Math.round(ns) / 1e6;

function times(sums: CallSums) {
  const [p50, p95, p99] = quantiles(sums.time, [0.5, 0.95, 0.99]);
  return { p50Ms: ms(p50), p95Ms: ms(p95), p99Ms: ms(p99) };
}

function functionReport(
  id: number,
  service: string,
  sums: FunctionSums,
  heldBy: InTheWay[],
  findings: Finding[],
  say: Sayer,
): FunctionReport {
  const accounts = Object.fromEntries(Object.entries(sums.accounts).map(([name, ns]) => [`${name}Ms`, ms(ns)]));
  return {
    function: say.function(id),
    file: say.file(id),
    line: say.functionLine(id),
    service,
    calls: sums.calls,
    errors: sums.errors,
    wall: { totalMs: ms(sums.time.sum), ...times(sums) },
    accounts: accounts as unknown as Accounts,
    paused: { gcMs: ms(sums.paused.gc), heldMs: ms(sums.paused.held) },
    services: servicesReport(sums.services, say),
    heldBy,
    blockedBy: inTheWay(sums.blockers, say),
    findings,
  };
}

/** The functions of these ids, with their ns; the ten that took most. */
function inTheWay(times: ReadonlyMap<number, number> | undefined, say: Sayer): InTheWay[] {
  return [...(times ?? [])]
    .map(([id, ns]) => ({
      function: say.function(id),
      file: say.file(id),
      line: say.functionLine(id),
      totalMs: ms(ns),
    }))
    .sort((a, b) => b.totalMs - a.totalMs || byWord(a.function, b.function))
    .slice(0, 10);
}

function servicesReport(services: Map<number, ServiceSums>, say: Sayer): FunctionServiceReport[] {
  return [...services]
    .map(([id, sums]): FunctionServiceReport => {
      const paths = pathsOf(sums, say);
      return {
        service: say.text(id),
        protocol: say.text(sums.protocol) || 'unknown',
        calls: sums.calls,
        errors: sums.errors,
        waitMs: ms(sums.wait),
        sumMs: ms(sums.time.sum),
        ...times(sums),
        bytesOut: sums.bytesOut,
        bytesIn: sums.bytesIn,
        via: (paths.find(({ via }) => via.length === 0) ?? paths[0])?.via ?? [],
        paths,
        operations: [...sums.operations]
          .map(([operation, calls]) => ({
            operation: say.text(operation),
            calls: calls.calls,
            errors: calls.errors,
            sumMs: ms(calls.time.sum),
            p95Ms: times(calls).p95Ms,
          }))
          .sort((a, b) => b.sumMs - a.sumMs || byWord(a.operation, b.operation)),
      };
    })
    .sort((a, b) => b.waitMs - a.waitMs || b.sumMs - a.sumMs || byWord(a.service, b.service));
}

/** By name: two ids of one name are one path. */
function pathsOf(sums: ServiceSums, say: Sayer): { via: string[]; calls: number }[] {
  const paths = new Map<string, { via: string[]; calls: number }>();
  for (const [key, calls] of sums.paths) {
    const ids = key === '' ? [] : key.split(' ').map(Number).reverse();
    const via = ids.map((id) => (id === leftOut ? '…' : say.function(id)));
    at(paths, via.join('\n'), () => ({ via, calls: 0 })).calls += calls;
  }
  return [...paths.values()].sort(
    (a, b) => b.calls - a.calls || a.via.length - b.via.length || byWord(a.via.join(), b.via.join()),
  );
}

function serviceTotals(id: number, { calls, protocol, callers }: ServiceTotals, say: Sayer): ServiceReport {
  return {
    service: say.text(id),
    protocol: say.text(protocol) || 'unknown',
    calls: calls.calls,
    errors: calls.errors,
    sumMs: ms(calls.time.sum),
    callers: [...new Set([...callers].map(say.function))].sort(byWord),
  };
}

function requestReport(
  { request, service, sums }: { request: string; service: string; sums: RequestSums },
  say: Sayer,
): RequestReport {
  return {
    request,
    service,
    calls: sums.calls,
    errors: sums.errors,
    totalMs: ms(sums.time.sum),
    ...times(sums),
    paused: { gcMs: ms(sums.paused.gc), heldMs: ms(sums.paused.held) },
    services: servicesReport(sums.services, say),
  };
}

function samplingOf(counters: readonly CounterTotal[]): Sampling | null {
  const value = (name: string) =>
    counters.reduce((sum, { counter, value }) => (counter === `budget.${name}` ? sum + value : sum), 0);
  if (!counters.some(({ counter }) => counter.startsWith('budget.'))) return null;
  const countsOf = (of: string) => ({
    seen: value(`${of}.seen`),
    recorded: value(`${of}.recorded`),
    open: value(`${of}.open`),
  });
  return {
    requests: countsOf('requests'),
    work: countsOf('work'),
    ownMs: ms(value('own')),
    cpuMs: ms(value('cpu')),
  };
}

const collections = { minor: Pause.minor, major: Pause.major, incremental: Pause.incremental, weak: Pause.weak };

function pausesOf(pauses: readonly PauseTotal[], say: Sayer): PausesReport {
  const total = (of: readonly PauseTotal[]) => ({
    count: of.reduce((sum, { count }) => sum + count, 0),
    totalMs: ms(of.reduce((sum, one) => sum + one.sum, 0)),
    longestMs: ms(of.reduce((most, { longest }) => Math.max(most, longest), 0)),
  });
  const held = pauses.filter(({ kind }) => kind === Pause.loop);
  const holders = new Map<string, PauseTotal[]>();
  for (const one of held) {
    at(holders, `${one.function} ${one.request} ${say.process(one.process)}`, (): PauseTotal[] => []).push(one);
  }
  const kinds = Object.entries(collections).map(([name, wanted]) => [
    name,
    total(pauses.filter(({ kind }) => kind === wanted)),
  ]);
  return {
    gc: {
      ...total(pauses.filter(({ kind }) => kind !== Pause.loop)),
      kinds: Object.fromEntries(kinds) as PausesReport['gc']['kinds'],
    },
    loop: {
      ...total(held),
      thresholdMs: ms(loopHeldNs),
      by: [...holders.values()]
        .map((of) => ({
          function: of[0].function === 0 ? '' : say.function(of[0].function),
          file: say.file(of[0].function),
          line: say.functionLine(of[0].function),
          request: of[0].request,
          service: say.process(of[0].process),
          ...total(of),
        }))
        .sort((a, b) => b.totalMs - a.totalMs || byWord(a.function, b.function)),
    },
  };
}

function coverageOf({ coverage }: Kept, counters: readonly CounterTotal[], say: Sayer): Coverage {
  let unknownProtocol = 0;
  for (const [protocol, count] of coverage.unknownProtocol) {
    if (say.text(protocol) === 'unknown' || say.text(protocol) === '') unknownProtocol += count;
  }
  let dropped = 0;
  const blindSpots: Coverage['blindSpots'] = [];
  for (const { counter, detail, value } of counters) {
    if (counter.startsWith('dropped.')) dropped += value;
    else if (/^(?:blind|off|lost)\./.test(counter)) {
      blindSpots.push({ what: counter.replace(/^blind\./, '').replace(/[.-]/g, ' '), where: detail });
    }
  }
  const { operations, attributed, uncertain, unattributed } = coverage;
  return { operations, attributed, uncertain, unattributed, unknownProtocol, dropped, blindSpots };
}

// ── findings, in words ───────────────────────────────────────────────────────────────────────────────────────────────

/** Whether a function cannot change places with others: it writes, or only keeps what others have read. */
function mustKeepTurn({ services }: FunctionSums, say: Sayer): boolean {
  const operations = [...services.values()].flatMap((service) => [...service.operations.keys()].map(say.text));
  return operations.some(isOrdered) || (operations.length > 0 && operations.every(isFill));
}

function findingsOf(
  kept: Kept,
  owners: ReadonlySet<string>,
  sums: FunctionSums,
  inTurn: ReadonlySet<number>,
  say: Sayer,
): Finding[] {
  const found: Finding[] = [];
  for (const seen of kept.findings.values()) {
    if (!owners.has(seen.owner)) continue;
    const finding = findingOf(seen, sums, inTurn, say);
    if (finding) found.push(finding);
  }
  return found.sort((a, b) => b.savesMs - a.savesMs || byWord(a.at, b.at)).slice(0, mostFindings);
}

const nameOf = (step: Step, say: Sayer) =>
  'function' in step ? say.function(step.function) : say.text(step.operation);

/** Milliseconds as a reader wants them in a sentence. */
const inWords = (ns: number) => `${ns >= 1e8 ? Math.round(ns / 1e6) : Number((ns / 1e6).toPrecision(2))} ms`;

function findingOf(
  { sight, owner, frames, times: done, saves }: Seen,
  sums: FunctionSums,
  inTurn: ReadonlySet<number>,
  say: Sayer,
): Finding | undefined {
  // Less than a twentieth of the function's time is not worth a reader's.
  if (saves <= 0 || saves < sums.time.sum / 20) return undefined;
  const own = Number(owner.split(' ')[1]);
  const at = `${say.file(own)}:${sight.steps[0].line || say.functionLine(own)}`;
  const savesMs = ms(saves);
  const each = inWords(saves / frames);
  const names = sight.steps.map((step) => nameOf(step, say));
  if (sight.kind === 'n-plus-one') {
    const many = Math.round(done / frames);
    const text = `${names[0]} runs ${many} times one after another in a call: asking once for all of them saves up to ${each} a call`;
    return { kind: sight.kind, text, savesMs, at };
  }
  if (sight.kind === 'sequential') {
    const keepsTurn = (step: Step) =>
      'function' in step
        ? inTurn.has(step.function)
        : isOrdered(say.text(step.operation)) || isFill(say.text(step.operation));
    if (sight.steps.some(keepsTurn)) return undefined;
    const list = `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
    const text = `${list} are waited for one after another: if independent, together they save up to ${each} a call`;
    return { kind: sight.kind, text, savesMs, at };
  }
  if (sight.steps.some((step) => !isRead(nameOf(step, say)))) return undefined;
  const first = sight.before!;
  const text = `${names[0]} was asked already in the same request by ${say.function(first.function)} (line ${first.line}), with as many bytes asked and answered: if it is the same, handing it on saves up to ${each} a time`;
  return { kind: sight.kind, text, savesMs, at };
}
