// What two recorders would send of a small pinboard, made by hand so that every phase and every odd name is in it.

import { encodeBatch, newColumns } from '../src/model/batch.ts';
import { Cause, counters, functions, Kind, Pause, pauses, Rule, spans, waits } from '../src/model/schema.ts';

const ms = 1e6;
const phases = ['pool', 'dns', 'connect', 'tls', 'send', 'server', 'receive', 'loop'] as const;

export interface Span {
  id: bigint;
  parent: bigint;
  kind: Kind;
  operation: string;
  start: number;
  duration: number;
  statement?: string;
  service?: string;
  protocol?: string;
  function?: number;
  line?: number;
  cpu?: number;
  phases?: Partial<Record<(typeof phases)[number], number>>;
  status?: number;
  error?: string;
}

export interface Wait {
  span: bigint;
  start: number;
  duration: number;
  line: number;
  cause: Cause;
  by: bigint;
}

export interface PauseFact {
  kind: Pause;
  start: number;
  duration: number;
  function?: number;
  span?: bigint;
}

export interface Facts {
  trace: readonly [bigint, bigint];
  spans: Span[];
  waits: Wait[];
  pauses?: PauseFact[];
}

export interface Fn {
  id: number;
  function: string;
  file: string;
  line: number;
}

export const users = 'http://127.0.0.1:4001';
export const pins = 'mysql://127.0.0.1:3306/pins';
export const cache = 'redis://127.0.0.1:6379';

export const hostile = '<img src=x onerror="document.title=\'hacked\'">';
export const long = `aVery${'Long'.repeat(200)}Name`;
export const rightToLeft = 'טעןדף‮evil';
export const emoji = '🎉loadParty👩‍👩‍👧';

export const feedFunctions: Fn[] = [
  { id: 1, function: 'loadHome', file: 'src/home.ts', line: 12 },
  { id: 2, function: 'countLikes', file: 'src/likes.ts', line: 8 },
  { id: 3, function: hostile, file: 'src/<b>.ts', line: 1 },
  { id: 4, function: long, file: `src/${'deep/'.repeat(60)}file.ts`, line: 2 },
  { id: 5, function: rightToLeft, file: 'src/rtl.ts', line: 3 },
  { id: 6, function: emoji, file: 'src/emoji.ts', line: 4 },
];
export const usersFunctions: Fn[] = [{ id: 1, function: 'readUser', file: 'users/store.ts', line: 20 }];

/** One batch of one process, with its words. */
export function batchOf(
  number: number,
  origin: bigint,
  facts: readonly Facts[],
  fns: readonly Fn[],
  counts: Readonly<Record<string, number>> = {},
): Uint8Array {
  const texts: string[] = [];
  const ids = new Map([['', 0]]);
  const id = (text = '') => {
    const known = ids.get(text);
    if (known !== undefined) return known;
    ids.set(text, texts.push(text));
    return texts.length;
  };
  const spanRows = facts.flatMap(({ trace, spans }) => spans.map((span) => ({ trace, ...span })));
  const waitRows = facts.flatMap(({ trace, waits }) => waits.map((wait) => ({ trace, ...wait })));
  const pauseRows = facts.flatMap(({ trace, pauses = [] }) => pauses.map((pause) => ({ trace, ...pause })));
  const tables = {
    functions: newColumns(functions, fns.length),
    spans: newColumns(spans, spanRows.length),
    waits: newColumns(waits, waitRows.length),
    pauses: newColumns(pauses, pauseRows.length),
    counters: newColumns(counters, Object.keys(counts).length),
  };
  Object.entries(counts).forEach(([name, value], i) => {
    tables.counters.counter[i] = id(name);
    tables.counters.value[i] = value;
  });
  fns.forEach((fn, i) => {
    tables.functions.id[i] = fn.id;
    tables.functions.function[i] = id(fn.function);
    tables.functions.file[i] = id(fn.file);
    tables.functions.line[i] = fn.line;
  });
  spanRows.forEach((row, i) => {
    const to = tables.spans;
    [to.traceHi[i], to.traceLo[i]] = row.trace;
    to.span[i] = row.id;
    to.parent[i] = row.parent;
    to.kind[i] = row.kind;
    to.operation[i] = id(row.operation);
    to.statement[i] = id(row.statement);
    to.service[i] = id(row.service);
    to.protocol[i] = id(row.protocol);
    to.function[i] = row.function ?? 0;
    to.line[i] = row.line ?? 0;
    to.start[i] = row.start;
    to.duration[i] = row.duration;
    to.cpu[i] = row.cpu ?? 0;
    for (const phase of phases) to[phase][i] = row.phases?.[phase] ?? 0;
    to.rows[i] = -1;
    to.status[i] = row.status ?? 0;
    to.error[i] = id(row.error);
    to.rule[i] = row.kind === Kind.server ? Rule.root : Rule.resumeUser;
  });
  waitRows.forEach((row, i) => {
    const to = tables.waits;
    [to.traceHi[i], to.traceLo[i]] = row.trace;
    to.span[i] = row.span;
    to.start[i] = row.start;
    to.duration[i] = row.duration;
    to.line[i] = row.line;
    to.cause[i] = row.cause;
    to.by[i] = row.by;
  });
  pauseRows.forEach((row, i) => {
    const to = tables.pauses;
    to.kind[i] = row.kind;
    to.start[i] = row.start;
    to.duration[i] = row.duration;
    to.function[i] = row.function ?? 0;
    if (row.span === undefined) return;
    to.span[i] = row.span;
    [to.traceHi[i], to.traceLo[i]] = row.trace;
  });
  // Ids of texts must not meet those of this process's earlier batches: each test process sends one batch with words.
  return encodeBatch({ process: 0, number, origin, firstText: 1, texts, tables });
}

/**
 * GET /home/:id → loadHome → the users service (another process, redis) → `likes` × countLikes (mysql), one after
 * another. `slow` stretches the waits.
 */
export function home(n: number, slow: number, likes = 4): { feed: Facts; users: Facts } {
  const trace = [0xfeedn, BigInt(n)] as const;
  const base = BigInt(n) * 1000n;
  let count = 0n;
  const next = () => base + ++count;
  const at = n * 200 * ms;
  const feed: Facts = { trace, spans: [], waits: [] };
  const other: Facts = { trace, spans: [], waits: [] };

  const root = next();
  const frame = next();
  const call = next();
  const start = at + 0.5 * ms;
  let now = start + 1 * ms;
  const server = 6 * ms * slow;
  const callEnd = now + (0.3 + 0.2 + 0.4 + 0.5 + 0.1) * ms + server + 0.4 * ms;
  feed.spans.push({
    id: call,
    parent: frame,
    kind: Kind.client,
    operation: 'GET /users/:id',
    service: users,
    protocol: 'http',
    function: 1,
    line: 14,
    start: now,
    duration: callEnd - now,
    phases: {
      pool: 0.3 * ms,
      dns: 0.2 * ms,
      connect: 0.4 * ms,
      tls: 0.5 * ms,
      send: 0.1 * ms,
      server,
      receive: 0.4 * ms,
      loop: 0.6 * ms,
    },
    status: 200,
  });
  const remote = next();
  const reader = next();
  const get = next();
  other.spans.push(
    {
      id: remote,
      parent: call,
      kind: Kind.server,
      operation: 'GET /users/:id',
      protocol: 'http',
      start: now + 1.6 * ms,
      duration: server - 0.3 * ms,
      status: 200,
    },
    {
      id: reader,
      parent: remote,
      kind: Kind.internal,
      operation: 'readUser',
      function: 1,
      start: now + 1.8 * ms,
      duration: server - 1 * ms,
      cpu: 0.8 * ms,
    },
    {
      id: get,
      parent: reader,
      kind: Kind.client,
      operation: 'get user:?',
      service: cache,
      protocol: 'redis',
      function: 1,
      line: 22,
      start: now + 2.2 * ms,
      duration: server - 2 * ms,
      phases: { send: 0.1 * ms, server: server - 2.2 * ms, receive: 0.1 * ms },
    },
  );
  other.waits.push({
    span: reader,
    start: now + 2.2 * ms,
    duration: server - 1.9 * ms,
    line: 22,
    cause: Cause.operation,
    by: get,
  });
  feed.waits.push({
    span: frame,
    start: now,
    duration: callEnd + 0.6 * ms - now,
    line: 14,
    cause: Cause.operation,
    by: call,
  });
  now = callEnd + 0.9 * ms;

  for (let k = 0; k < likes; k++) {
    const counter = next();
    const query = next();
    const took = (1.5 + (k % 3) * 0.4) * ms * slow;
    const failed = n % 9 === 0 && k === 1;
    feed.spans.push(
      {
        id: counter,
        parent: frame,
        kind: Kind.internal,
        operation: 'countLikes',
        function: 2,
        line: 18,
        start: now,
        duration: took + 0.4 * ms,
        cpu: 0.2 * ms,
      },
      {
        id: query,
        parent: counter,
        kind: Kind.client,
        operation: 'SELECT likes WHERE pin_id = ?',
        statement: 'SELECT COUNT(*) FROM likes WHERE pin_id = ?',
        service: pins,
        protocol: 'mysql',
        function: 2,
        line: 9,
        start: now + 0.1 * ms,
        duration: took,
        phases: {
          pool: k === 0 ? 0.5 * ms : 0,
          send: 0.05 * ms,
          server: took - 0.15 * ms - (k === 0 ? 0.5 * ms : 0),
          receive: 0.1 * ms,
          loop: 0.1 * ms,
        },
        ...(failed && { error: '1213' }),
      },
    );
    feed.waits.push(
      { span: counter, start: now + 0.1 * ms, duration: took + 0.1 * ms, line: 9, cause: Cause.operation, by: query },
      { span: frame, start: now + 0.05 * ms, duration: took + 0.4 * ms, line: 18, cause: Cause.callee, by: counter },
    );
    now += took + 0.5 * ms;
  }
  const end = now + 1 * ms;
  feed.spans.push(
    {
      id: frame,
      parent: root,
      kind: Kind.internal,
      operation: 'loadHome',
      function: 1,
      start,
      duration: end - start,
      cpu: 2.5 * ms,
    },
    {
      id: root,
      parent: 0n,
      kind: Kind.server,
      operation: 'GET /home/:id',
      protocol: 'http',
      start: at,
      duration: end + 0.4 * ms - at,
      status: 200,
    },
  );
  return { feed, users: other };
}

/** One request of nothing but itself. */
export const ping = (n: number): Facts => ({
  trace: [0x1n, BigInt(n)],
  spans: [
    {
      id: 1n,
      parent: 0n,
      kind: Kind.server,
      operation: 'GET /ping',
      protocol: 'http',
      start: 0,
      duration: 0.12 * ms,
      status: 200,
    },
  ],
  waits: [],
});

/** A request whose functions and operation have names that try to be more than text. */
export function odd(n: number): Facts {
  const facts: Facts = { trace: [0x0ddn, BigInt(n)], spans: [], waits: [] };
  const root: Span = {
    id: 1n,
    parent: 0n,
    kind: Kind.server,
    operation: `GET /${hostile}`,
    protocol: 'http',
    start: 0,
    duration: 30 * ms,
  };
  facts.spans.push(root);
  feedFunctions.slice(2).forEach((fn, k) => {
    const frame = BigInt(10 + k * 2);
    const start = (1 + k * 6) * ms;
    facts.spans.push(
      { id: frame, parent: 1n, kind: Kind.internal, operation: fn.function, function: fn.id, start, duration: 5 * ms },
      {
        id: frame + 1n,
        parent: frame,
        kind: Kind.client,
        operation: `get ${fn.function}`,
        service: cache,
        protocol: 'redis',
        function: fn.id,
        start: start + ms,
        duration: 3 * ms,
        phases: { send: 0.1 * ms, server: 2.8 * ms, receive: 0.1 * ms },
      },
    );
    facts.waits.push({
      span: frame,
      start: start + ms,
      duration: 3 * ms,
      line: 1,
      cause: Cause.operation,
      by: frame + 1n,
    });
  });
  return facts;
}

/** One request of `count` spans: a loop that asks the database again and again. */
export function huge(count: number): Facts {
  const facts: Facts = { trace: [0xb16n, 1n], spans: [], waits: [] };
  const step = 0.2 * ms;
  const root: Span = {
    id: 1n,
    parent: 0n,
    kind: Kind.server,
    operation: 'POST /import',
    protocol: 'http',
    start: 0,
    duration: count * step,
  };
  facts.spans.push(root);
  for (let k = 1; k < count; k++)
    facts.spans.push({
      id: BigInt(k + 1),
      parent: 1n,
      kind: Kind.client,
      operation: k === count - 1 ? 'COMMIT' : 'INSERT likes',
      service: pins,
      protocol: 'mysql',
      start: k * step,
      duration: step * 0.8,
      phases: { send: step * 0.1, server: step * 0.6, receive: step * 0.1 },
    });
  return facts;
}

/** GET /held → loadHome waits 80 ms, while countLikes of another request holds the loop, and garbage is collected. */
export function paused(): Facts {
  const start = 3.6e12;
  return {
    trace: [0xbaddn, 1n],
    spans: [
      { id: 900_001n, parent: 0n, kind: Kind.server, operation: 'GET /held', start, duration: 100 * ms, status: 200 },
      {
        id: 900_002n,
        parent: 900_001n,
        kind: Kind.internal,
        operation: 'loadHome',
        function: 1,
        start: start + 5 * ms,
        duration: 90 * ms,
      },
    ],
    waits: [{ span: 900_002n, start: start + 10 * ms, duration: 80 * ms, line: 14, cause: Cause.other, by: 0n }],
    pauses: [
      { kind: Pause.loop, start: start + 20 * ms, duration: 40 * ms, function: 2 },
      { kind: Pause.major, start: start + 70 * ms, duration: 10 * ms },
    ],
  };
}
