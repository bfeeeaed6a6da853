// What the store hands to whoever asks what the spans mean: the run's words, then its traces one by one, in columns.

import type { Pause, PauseColumns, SpanColumns, WaitColumns } from './schema.ts';

/** A process or worker thread of the run. */
export interface ProcessInfo {
  /** Counts from 1 in the run. */
  readonly number: number;
  readonly pid: number;
  readonly ppid: number;
  /** 0 for the main thread. */
  readonly thread: number;
  /** service.name of the process: what `service` of a function or a request is in a report. */
  readonly service: string;
  readonly runtime: string;
  readonly script: string;
  /** Epoch ns of the process's time 0. */
  readonly origin: bigint;
}

/** A function of the user's; the same in every process that runs the same source. */
export interface FunctionInfo {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

/** A counter's sum over the run. */
export interface CounterTotal {
  readonly counter: string;
  readonly detail: string;
  readonly value: number;
}

/** Pauses of one kind, in one process, by one function or request. */
export interface PauseTotal {
  readonly kind: Pause;
  readonly process: number;
  /** As `pauses.function`; 0 = none. */
  readonly function: number;
  /** The request whose handler it was, where no function is known; else ''. */
  readonly request: string;
  readonly count: number;
  /** ns */
  readonly sum: number;
  readonly longest: number;
}

/** A function that waited for a connection, and one that held some meanwhile: ids as in Words. */
export interface HolderRow {
  readonly process: number;
  readonly function: number;
  readonly holder: number;
  /** How long it held them, within the waits; several connections and waits add up. */
  readonly ns: number;
}

/** The words that ids in columns stand for. */
export interface Words {
  /** By text id; texts[0] is ''. */
  readonly texts: readonly string[];
  /** By `function` of a span; functions[0] is the one of spans that have none. */
  readonly functions: readonly FunctionInfo[];
  /** By process number; processes[0] stands for "not known". */
  readonly processes: readonly ProcessInfo[];
}

/** One trace over all its processes. */
export interface TraceColumns {
  readonly traceHi: bigint;
  readonly traceLo: bigint;
  /** Epoch ns that every `start` counts from: the start of the trace's first span. */
  readonly origin: bigint;
  /** Sorted by start. */
  readonly spans: SpanColumns;
  /** spans.length process numbers. */
  readonly process: Uint32Array;
  /** Sorted by start. */
  readonly waits: WaitColumns;
  /** What went on in its processes meanwhile: sorted by process, then by start. */
  readonly pauses: PauseColumns;
  /** pauses.length process numbers. */
  readonly pauseProcess: Uint32Array;
}
