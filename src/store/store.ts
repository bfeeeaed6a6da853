// The store's contract: a run's spans go in as batches and come out as columns. Every engine passes testkit.ts.

import type { TraceList } from '../model/api.ts';
import type { CounterTotal, HolderRow, PauseTotal, ProcessInfo, TraceColumns, Words } from '../model/trace.ts';
import type { Hello } from '../model/wire.ts';

export interface Store {
  /** The number of the process that says hello; the same token has the same number. Durable when resolved. */
  join(hello: Hello): Promise<number>;

  /**
   * Keeps a batch of a process that joined; durable when resolved. The bytes are given away (their buffer may be
   * detached). A batch stored already is not stored again.
   */
  append(process: number, batch: Uint8Array<ArrayBuffer>): Promise<Appended>;

  /** Texts, functions and processes known now: at least those that spans read before or at this moment name. */
  words(): Promise<Words>;
  totals(): Promise<Totals>;
  /** Sums of the counters, ordered by counter and detail. */
  counters(): Promise<CounterTotal[]>;
  /** Pauses by kind, process and who held the loop, most time first. */
  pauses(): Promise<PauseTotal[]>;

  /**
   * Every trace once, ordered by id; a snapshot of what was stored at the call. Spans of no trace (id 0) may come in
   * several pieces. `onTrace` is called in turn and may keep what it gets.
   */
  scanTraces(onTrace: (trace: TraceColumns) => void): Promise<void>;

  /** Exemplars across the distribution of durations, slowest first. */
  traces(question: TracesQuestion): Promise<TraceList>;

  /** One trace as a batch's bytes, as ARCHITECTURE.md says for /api/trace; undefined when there is none. */
  trace(hi: bigint, lo: bigint): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /** Calls, errors and durations by name, most time first. */
  rollup(of: RollupKind): Promise<RollupRow[]>;

  /** Who held the connections of a service while functions waited for one. */
  holders(): Promise<HolderRow[]>;

  close(): Promise<void>;
}

export interface Appended {
  readonly number: number;
  readonly spans: number;
  /** It was stored already, and not again. */
  readonly repeated: boolean;
}

export interface Totals {
  readonly spans: number;
  readonly batches: number;
  /** Epoch ns of the first start and the last end; 0 and 0 when there is no span. */
  readonly firstStart: bigint;
  readonly lastEnd: bigint;
}

/** All that is given must hold of a trace: it has a span of the function, of the request, a call to the service. */
export interface TracesQuestion {
  readonly function?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly request?: string | undefined;
  readonly service?: string | undefined;
  readonly limit?: number | undefined;
}

export type RollupKind = 'functions' | 'services' | 'requests';

export interface RollupRow {
  /** Function, service URL, or request. */
  readonly name: string;
  /** Functions only. */
  readonly file: string;
  readonly line: number;
  /** service.name of the process (requests, functions), or the protocol (services). */
  readonly of: string;
  readonly calls: number;
  readonly errors: number;
  /** ns */
  readonly sum: number;
  readonly histogram: Histogram;
}

/** Counts by log bucket, ascending. A value v > 0 is in bucket floor(log2(v) × 16): 4.4 % wide. */
export interface Histogram {
  readonly buckets: Int32Array;
  readonly counts: Float64Array;
}

export const bucketsPerDoubling = 16;

/** The value below which a share `q` of the counts lies, by the middle of its bucket; 0 when there is none. */
export function quantile({ buckets, counts }: Histogram, q: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let left = Math.max(1, Math.ceil(q * total));
  for (let i = 0; i < counts.length; i++) {
    left -= counts[i]!;
    if (left <= 0) return 2 ** ((buckets[i]! + 0.5) / bucketsPerDoubling);
  }
  return 0;
}

export type StoreErrorCode =
  | 'WW_STORE_CORRUPT'
  | 'WW_STORE_READONLY'
  | 'WW_STORE_FULL'
  | 'WW_STORE_LOCKED'
  | 'WW_STORE_VERSION'
  | 'WW_STORE_MISSING'
  | 'WW_STORE_FAILED'
  | 'WW_RUN_UNKNOWN'
  | 'WW_RUN_LIVE';

/** One sentence of what is wrong, one of what to do. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly what: string;
  readonly todo: string;

  constructor(code: StoreErrorCode, what: string, todo: string, options?: ErrorOptions) {
    super(`${what} ${todo}`, options);
    this.name = 'StoreError';
    this.code = code;
    this.what = what;
    this.todo = todo;
  }
}

/** A store opened to be read has no process, and takes no batch. */
export const unknownProcess: ProcessInfo = {
  number: 0,
  pid: 0,
  ppid: 0,
  thread: 0,
  service: '',
  runtime: '',
  script: '',
  origin: 0n,
};
