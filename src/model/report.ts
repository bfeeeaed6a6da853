// The machine-readable answer, schema 1: what `whywait report --json` prints and `GET /api/report` serves.
// Durations are milliseconds, byte counts integers, times ISO 8601. Additive changes keep schema 1.

export interface Report {
  schema: 1;
  run: RunInfo;
  /** Sorted by wall.totalMs, largest first. */
  functions: FunctionReport[];
  services: ServiceReport[];
  requests: RequestReport[];
  pauses: PausesReport;
  /** With `--budget`; null = everything was recorded. */
  sampling: Sampling | null;
  coverage: Coverage;
}

export interface RunInfo {
  id: string;
  name: string;
  command: string[];
  startedAt: string;
  durationMs: number;
  processes: { pid: number; service: string; runtime: string }[];
}

/** Where the wall time went; the members sum to wall.totalMs. */
export interface Accounts {
  /** Its own synchronous code, callees that are user functions excluded. */
  cpuMs: number;
  /** Covered by user functions it waited for, accounted in their own rows. */
  calleesMs: number;
  servicesMs: number;
  /** Asked, but the request not yet on the wire. */
  poolMs: number;
  /** DNS, TCP and TLS. */
  connectMs: number;
  /** The answer had arrived but the event loop was busy. */
  loopMs: number;
  timersMs: number;
  otherMs: number;
  unexplainedMs: number;
}

export interface FunctionReport {
  function: string;
  file: string;
  line: number;
  service: string;
  calls: number;
  errors: number;
  wall: { totalMs: number; p50Ms: number; p95Ms: number; p99Ms: number };
  accounts: Accounts;
  paused: Paused;
  services: FunctionServiceReport[];
  /** Who held a service's connections while it waited for one (poolMs); with several connections they add up. */
  heldBy: InTheWay[];
  /** Who ran while its answers were there already (loopMs). */
  blockedBy: InTheWay[];
  findings: Finding[];
}

/** A function that another one waited for without having called it; most time first. */
export interface InTheWay {
  function: string;
  file: string;
  line: number;
  totalMs: number;
}

export interface FunctionServiceReport {
  service: string;
  protocol: string;
  calls: number;
  errors: number;
  /** Time the function was held by it; parallel calls are not counted twice. */
  waitMs: number;
  /** Plain sum of the calls' durations. */
  sumMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  bytesOut: number;
  bytesIn: number;
  /** User functions between this one and the call, on the path most used; empty when it calls itself. */
  via: string[];
  /** All paths, the most used first: the same functions, and how many of the calls came that way. */
  paths: { via: string[]; calls: number }[];
  operations: { operation: string; calls: number; errors: number; sumMs: number; p95Ms: number }[];
}

export interface Finding {
  kind: string;
  text: string;
  /** Over all calls of the run, at most. */
  savesMs: number;
  at: string;
}

export interface ServiceReport {
  service: string;
  protocol: string;
  calls: number;
  errors: number;
  sumMs: number;
  callers: string[];
}

export interface RequestReport {
  request: string;
  service: string;
  calls: number;
  errors: number;
  totalMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  paused: Paused;
  /** What was reached while it was answered, in its own process; `via` as for a function. */
  services: FunctionServiceReport[];
}

/** Time within its calls in which the thread was taken; across the accounts, not a member of them. */
export interface Paused {
  /** By the garbage collector. */
  gcMs: number;
  /** By code of other requests, or work of nobody's, that held the event loop. */
  heldMs: number;
}

export interface SamplingCounts {
  /** Exactly so many came. */
  seen: number;
  recorded: number;
  /** Came after the last that was recorded: no weight stands for them. */
  open: number;
}

/** What was left out so that the recorder stays under its budget. All counts of a report are by weight. */
export interface Sampling {
  /** Requests that came in, but for those whose sender had decided, and how many of them were recorded. */
  requests: SamplingCounts;
  /** Pieces of work that no request asked for, likewise. */
  work: SamplingCounts;
  /** The recorder's CPU time and the processes', ms: what it took, as it measured itself. */
  ownMs: number;
  cpuMs: number;
}

export interface PauseSums {
  count: number;
  totalMs: number;
  longestMs: number;
}

/** When the threads of the run did nothing else. */
export interface PausesReport {
  gc: PauseSums & { kinds: Record<'minor' | 'major' | 'incremental' | 'weak', PauseSums> };
  /** Stretches from `thresholdMs` on in which nothing else could run. */
  loop: PauseSums & {
    thresholdMs: number;
    /** Who ran for most of each, by totalMs, largest first. */
    by: (PauseSums & {
      /** '' = not known, or none of the user's. */
      function: string;
      file: string;
      line: number;
      /** The request whose handler it was, where no function is known; else ''. */
      request: string;
      service: string;
    })[];
  };
}

export interface Coverage {
  operations: number;
  attributed: number;
  uncertain: number;
  unattributed: number;
  unknownProtocol: number;
  dropped: number;
  blindSpots: { what: string; where: string }[];
}
