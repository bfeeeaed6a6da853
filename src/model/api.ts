// What the HTTP API answers beside reports and traces (ARCHITECTURE.md lists the calls).

/** A run as `GET /api/runs` lists it. */
export interface RunSummary {
  readonly id: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly startedAt: string;
  /** Until its end, or until now; -1 = not known, its collector was killed. */
  readonly durationMs: number;
  /** The program has not ended yet. */
  readonly running: boolean;
  /** Spans stored; -1 = not known, its collector was killed. */
  readonly spans: number;
}

/** An exemplar as `GET /api/traces` lists it. */
export interface TraceSummary {
  /** 32 hex digits. */
  readonly trace: string;
  /** Epoch milliseconds of the trace's first span. */
  readonly startMs: number;
  /** Of what was asked for: the function's or the service's longest call in the trace, the request, else the root. */
  readonly durationMs: number;
  /** The root's operation and the service.name of its process. */
  readonly operation: string;
  readonly service: string;
  readonly spans: number;
  readonly errors: number;
}

export interface TraceList {
  /** How many traces match; `traces` is a choice across their durations, slowest first. */
  readonly total: number;
  readonly traces: readonly TraceSummary[];
}
