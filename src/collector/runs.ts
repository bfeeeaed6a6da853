// Answers about any run of the directory, wherever its spans are: our own store, the collector that records it now,
// or its file.

import { request } from 'node:http';
import { createReport } from '../analysis/report.ts';
import type { RunSummary, TraceList } from '../model/api.ts';
import { parseTraceHex } from '../model/ids.ts';
import type { Report, RunInfo } from '../model/report.ts';
import type { CounterTotal, Words } from '../model/trace.ts';
import { openStore } from '../store/open.ts';
import { findRun, isLive, listRuns, type RunRecord, spansFile } from '../store/runs.ts';
import { type Store, StoreError, type TracesQuestion } from '../store/store.ts';
import { recoverRun } from './recover.ts';

/** The run that this process records. */
export interface OwnRun {
  readonly record: () => RunRecord;
  readonly store: Store;
  /** Grows whenever something was stored. */
  readonly changes: () => number;
  readonly spans: () => number;
  /** What the collector itself counted. */
  readonly counters: () => CounterTotal[];
}

interface Open {
  readonly record: RunRecord;
  readonly store: Store;
  readonly changes: () => number;
  readonly counters: () => CounterTotal[];
}

/** Ended runs that are kept open; each has a thread and its memory. */
const maxOpen = 2;

export class Runs {
  readonly #root: string;
  readonly #own: OwnRun | undefined;
  /** Most recently used last. */
  readonly #opened = new Map<string, Promise<Open>>();
  readonly #reports = new Map<string, { changes: number; report: Promise<Report> }>();

  constructor(root: string, own?: OwnRun) {
    this.#root = root;
    this.#own = own;
  }

  async list(): Promise<RunSummary[]> {
    const own = this.#own?.record();
    const records = await listRuns(this.#root);
    return Promise.all(
      records.map(async (found): Promise<RunSummary> => {
        const isOwn = found.id === own?.id;
        const record = isOwn ? own : await recoverRun(this.#root, found);
        const running = record.endedAt === '' && (isOwn || (await isLive(record)));
        const until = running ? Date.now() : Date.parse(record.endedAt);
        return {
          id: record.id,
          name: record.name,
          command: record.command,
          startedAt: record.startedAt,
          durationMs: Number.isNaN(until) ? -1 : until - Date.parse(record.startedAt),
          running,
          spans: isOwn ? this.#own!.spans() : record.spans,
        };
      }),
    );
  }

  /** The report of a run; no word: the own run's, else the newest's. */
  async report(word = ''): Promise<Report> {
    const run = await this.#locate(word);
    if ('socket' in run) return (await askJson(run.socket, '/api/report', { run: run.id })) as Report;
    const changes = run.changes();
    const known = this.#reports.get(run.record.id);
    // One that runs is recomputed when asked again, but never twice at the same time.
    if (known !== undefined && known.changes === changes) return known.report;
    const report = reportOf(run);
    this.#reports.set(run.record.id, { changes, report });
    report.catch(() => this.#reports.delete(run.record.id));
    return report;
  }

  async traces(word: string, question: TracesQuestion): Promise<TraceList> {
    const run = await this.#locate(word);
    if ('socket' in run) return (await askJson(run.socket, '/api/traces', { run: run.id, ...question })) as TraceList;
    return run.store.traces(question);
  }

  /** A trace as a batch's bytes; undefined when the run has none of that id. */
  async trace(word: string, hex: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const id = parseTraceHex(hex);
    if (id === undefined) return undefined;
    const run = await this.#locate(word);
    if (!('socket' in run)) return run.store.trace(id.hi, id.lo);
    const answer = await ask(run.socket, '/api/trace', { run: run.id, trace: hex });
    return answer.status === 404 ? undefined : succeeded(answer);
  }

  async #locate(word: string): Promise<Open | { id: string; socket: string }> {
    const own = this.#own;
    const ownRecord = own?.record();
    if (own !== undefined && ownRecord !== undefined && (word === '' || word === ownRecord.id))
      return { record: ownRecord, store: own.store, changes: own.changes, counters: own.counters };
    const record = await findRun(this.#root, word);
    if (own !== undefined && record.id === ownRecord?.id) return this.#locate(record.id);
    if (await isLive(record)) return { id: record.id, socket: record.socket };
    return this.#open(record);
  }

  #open(record: RunRecord): Promise<Open> {
    const known = this.#opened.get(record.id);
    this.#opened.delete(record.id);
    const open =
      known ??
      recoverRun(this.#root, record).then(async (recovered) => ({
        record: recovered,
        store: await openStore(spansFile(this.#root, record.id), 'read'),
        changes: () => 0,
        counters: () => [],
      }));
    this.#opened.set(record.id, open);
    open.catch(() => this.#opened.delete(record.id));
    for (const [id, oldest] of this.#opened) {
      if (this.#opened.size <= maxOpen) break;
      this.#opened.delete(id);
      oldest.then(({ store }) => store.close()).catch(() => undefined);
    }
    return open;
  }

  async close(): Promise<void> {
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(opened.map((open) => open.then(({ store }) => store.close()).catch(() => undefined)));
  }
}

async function reportOf({ record, store, counters }: Open): Promise<Report> {
  const report = createReport();
  await store.scanTraces((trace) => report.add(trace));
  const words = await store.words();
  const { firstStart, lastEnd } = await store.totals();
  const started = Date.parse(record.startedAt);
  // One that was killed says no end; its last span does.
  const ended =
    record.endedAt !== '' ? Date.parse(record.endedAt) : firstStart > 0n ? Number(lastEnd / 1000n) / 1000 : 0;
  return report.finish({
    run: {
      id: record.id,
      name: record.name,
      command: [...record.command],
      startedAt: record.startedAt,
      durationMs: Math.max(0, ended - started),
      processes: processesOf(words.processes),
    },
    words,
    pauses: await store.pauses(),
    holders: await store.holders(),
    counters: [...(await store.counters()), ...counters()],
  });
}

interface RawAnswer {
  readonly status: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

function ask(socketPath: string, path: string, query: Record<string, string | number | undefined>): Promise<RawAnswer> {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return new Promise((resolve, reject) => {
    request({ socketPath, path: `${path}?${given}` }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: new Uint8Array(Buffer.concat(parts)) }));
    })
      .on('error', reject)
      .end();
  });
}

const askJson = async (...question: Parameters<typeof ask>): Promise<unknown> =>
  JSON.parse(new TextDecoder().decode(succeeded(await ask(...question))));

function succeeded({ status, body }: RawAnswer): Uint8Array<ArrayBuffer> {
  if (status === 200) return body;
  const text = new TextDecoder().decode(body);
  throw new StoreError('WW_STORE_FAILED', `The collector of that run answered ${status}: ${text}.`, 'Try again.');
}

/** Each process once: threads ship by themselves, and may be all of it that did. */
function processesOf(shippers: Words['processes']): RunInfo['processes'] {
  const byPid = new Map<number, RunInfo['processes'][number]>();
  for (const { number, pid, service, runtime, thread } of shippers) {
    if (number !== 0 && (thread === 0 || !byPid.has(pid))) byPid.set(pid, { pid, service, runtime });
  }
  return [...byPid.values()];
}
