// What every engine of the store must do. An engine's test calls `storeKit` with a way to open a fresh store.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Batch, type BatchTables, decodeBatch, encodeBatch, newColumns } from '../model/batch.ts';
import { parseTraceHex } from '../model/ids.ts';
import { batchTables, counters, functions, Kind, Pause, pauses, spans, waits } from '../model/schema.ts';
import type { TraceColumns, Words } from '../model/trace.ts';
import type { Hello } from '../model/wire.ts';
import { quantile, type Store } from './store.ts';

export const hello = (token: string, more: Partial<Hello> = {}): Hello => ({
  version: 1,
  token,
  pid: 100,
  ppid: 1,
  thread: 0,
  runtime: 'node v20.20.2',
  service: 'feed',
  script: 'app.js',
  origin: '1700000000000000000',
  ...more,
});

export interface SpanFact {
  readonly trace: readonly [bigint, bigint];
  readonly span: bigint;
  readonly parent?: bigint;
  readonly kind?: Kind;
  readonly operation?: string;
  readonly service?: string;
  readonly protocol?: string;
  /** Function id in the process. */
  readonly function?: number;
  readonly start?: number;
  readonly duration?: number;
  readonly error?: string;
  /** 1 unless told. */
  readonly weight?: number;
}

export interface WaitFact {
  readonly trace: readonly [bigint, bigint];
  readonly span: bigint;
  readonly start: number;
  readonly duration: number;
  readonly by?: bigint;
}

export interface PauseFact {
  readonly kind: Pause;
  readonly start: number;
  readonly duration: number;
  readonly function?: number;
  readonly span?: bigint;
  readonly trace?: readonly [bigint, bigint];
}

export interface BatchFacts {
  readonly spans?: readonly SpanFact[];
  readonly waits?: readonly WaitFact[];
  readonly pauses?: readonly PauseFact[];
  readonly functions?: readonly { id: number; function: string; file: string; line: number }[];
  readonly counters?: readonly { counter: string; detail?: string; value: number }[];
}

/** Makes the batches of one process, as a recorder does: a text is sent once. */
export class BatchMaker {
  readonly origin: bigint;
  #number = 0;
  #texts = new Map<string, number>([['', 0]]);

  constructor(origin: string | bigint = '1700000000000000000') {
    this.origin = BigInt(origin);
  }

  batch(facts: BatchFacts): Batch {
    const firstText = this.#texts.size;
    const texts: string[] = [];
    const id = (text: string | undefined) => {
      const known = this.#texts.get(text ?? '');
      if (known !== undefined) return known;
      const fresh = this.#texts.size;
      this.#texts.set(text!, fresh);
      texts.push(text!);
      return fresh;
    };
    const tables: BatchTables = {
      functions: newColumns(functions, facts.functions?.length ?? 0),
      spans: newColumns(spans, facts.spans?.length ?? 0),
      waits: newColumns(waits, facts.waits?.length ?? 0),
      pauses: newColumns(pauses, facts.pauses?.length ?? 0),
      counters: newColumns(counters, facts.counters?.length ?? 0),
    };
    facts.functions?.forEach((fact, i) => {
      tables.functions.id[i] = fact.id;
      tables.functions.function[i] = id(fact.function);
      tables.functions.file[i] = id(fact.file);
      tables.functions.line[i] = fact.line;
    });
    facts.spans?.forEach((fact, i) => {
      const to = tables.spans;
      [to.traceHi[i], to.traceLo[i]] = fact.trace;
      to.span[i] = fact.span;
      to.parent[i] = fact.parent ?? 0n;
      to.kind[i] = fact.kind ?? Kind.internal;
      to.operation[i] = id(fact.operation);
      to.service[i] = id(fact.service);
      to.protocol[i] = id(fact.protocol);
      to.function[i] = fact.function ?? 0;
      to.start[i] = fact.start ?? 0;
      to.duration[i] = fact.duration ?? 0;
      to.error[i] = id(fact.error);
      to.rows[i] = -1;
      to.weight[i] = fact.weight ?? 1;
    });
    facts.waits?.forEach((fact, i) => {
      const to = tables.waits;
      [to.traceHi[i], to.traceLo[i]] = fact.trace;
      to.span[i] = fact.span;
      to.start[i] = fact.start;
      to.duration[i] = fact.duration;
      to.by[i] = fact.by ?? 0n;
    });
    facts.pauses?.forEach((fact, i) => {
      const to = tables.pauses;
      to.kind[i] = fact.kind;
      to.start[i] = fact.start;
      to.duration[i] = fact.duration;
      to.function[i] = fact.function ?? 0;
      to.span[i] = fact.span ?? 0n;
      [to.traceHi[i], to.traceLo[i]] = fact.trace ?? [0n, 0n];
    });
    facts.counters?.forEach((fact, i) => {
      tables.counters.counter[i] = id(fact.counter);
      tables.counters.detail[i] = id(fact.detail);
      tables.counters.value[i] = fact.value;
    });
    return { process: 0, number: ++this.#number, origin: this.origin, firstText, texts, tables };
  }

  bytes(facts: BatchFacts): Uint8Array<ArrayBuffer> {
    return encodeBatch(this.batch(facts));
  }
}

/** Numbers that look random and are the same each time. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** All that is stored, as text that does not depend on the ids the store chose, nor on the order of its input. */
export async function dump(store: Store): Promise<string[]> {
  const known = await store.words();
  const lines: string[] = [];
  await store.scanTraces((trace) => lines.push(...traceLines(trace, known)));
  for (const { counter, detail, value } of await store.counters()) lines.push(`counter ${counter} ${detail} ${value}`);
  return lines;
}

function traceLines(trace: TraceColumns, known: Words): string[] {
  const lines: string[] = [];
  for (let i = 0; i < trace.process.length; i++) {
    const at = known.functions[trace.spans.function[i]!]!;
    const values = batchTables[1].columns.map(({ name, type }) => {
      const value = trace.spans[name as keyof typeof trace.spans][i]!;
      if (type === 'text') return known.texts[value as number];
      if (type === 'time') return trace.origin + BigInt(value);
      return name === 'function' ? `${at.function} ${at.file}:${at.line}` : String(value);
    });
    lines.push(`span ${known.processes[trace.process[i]!]!.service} ${values.join(' | ')}`);
  }
  for (let i = 0; i < trace.waits.span.length; i++) {
    const { waits: of } = trace;
    lines.push(`wait ${of.span[i]} ${trace.origin + BigInt(of.start[i]!)} ${of.duration[i]} by ${of.by[i]}`);
  }
  for (let i = 0; i < trace.pauseProcess.length; i++) {
    const { pauses: of } = trace;
    const { service } = known.processes[trace.pauseProcess[i]!]!;
    const at = known.functions[of.function[i]!]!;
    const start = trace.origin + BigInt(of.start[i]!);
    lines.push(`pause ${service} ${of.kind[i]} ${start} ${of.duration[i]} ${at.function} ${of.span[i]}`);
  }
  return lines;
}

/** Traces over two processes: a request, a function that waits, two calls. */
export function someTraces(count: number, random: () => number): { feed: BatchFacts[]; users: BatchFacts[] } {
  const feed: BatchFacts[] = [];
  const users: BatchFacts[] = [];
  for (let i = 1; i <= count; i++) {
    const trace = [BigInt(Math.floor(random() * 2 ** 52)), BigInt(i)] as const;
    const start = i * 1e6;
    const long = 1e5 + Math.floor(random() * 1e6);
    const id = (n: number) => BigInt(i * 10 + n);
    feed.push({
      spans: [
        { trace, span: id(1), kind: Kind.server, operation: 'GET /home/:id', start, duration: long },
        {
          trace,
          span: id(2),
          parent: id(1),
          function: 1,
          operation: 'loadHome',
          start: start + 10,
          duration: long - 20,
        },
        {
          trace,
          span: id(3),
          parent: id(2),
          kind: Kind.client,
          function: 1,
          operation: 'GET /users/:id',
          service: 'http://users:80',
          protocol: 'http',
          start: start + 20,
          duration: long - 50,
          error: i % 10 === 0 ? '503' : '',
        },
      ],
      waits: [{ trace, span: id(2), start: start + 30, duration: long - 60, by: id(3) }],
      functions: i === 1 ? [{ id: 1, function: 'loadHome', file: 'src/home.ts', line: 12 }] : [],
      pauses: [
        { kind: Pause.minor, start: start + 40, duration: 100 },
        ...(i % 7 === 0 ? [{ kind: Pause.loop, start, duration: 11e6, function: 1, span: id(2), trace }] : []),
      ],
      counters: [{ counter: 'dropped.spans', value: 1 }],
    });
    users.push({
      spans: [
        {
          trace,
          span: id(4),
          parent: id(3),
          kind: Kind.server,
          operation: 'GET /users/:id',
          start: start + 25,
          duration: 900,
        },
      ],
    });
  }
  return { feed, users };
}

const join = (facts: readonly BatchFacts[]): BatchFacts => ({
  spans: facts.flatMap((fact) => fact.spans ?? []),
  waits: facts.flatMap((fact) => fact.waits ?? []),
  pauses: facts.flatMap((fact) => fact.pauses ?? []),
  functions: facts.flatMap((fact) => fact.functions ?? []),
  counters: facts.flatMap((fact) => fact.counters ?? []),
});

/** Fills a store: each list of facts is cut into batches of `size` traces. */
export async function fill(store: Store, parts: ReturnType<typeof someTraces>, size: number): Promise<void> {
  const processes = [
    { said: hello('a'), facts: parts.feed },
    { said: hello('b', { service: 'users', pid: 101, origin: '1699999999999999000' }), facts: parts.users },
  ];
  await Promise.all(
    processes.map(async ({ said, facts }) => {
      const process = await store.join(said);
      const maker = new BatchMaker(said.origin);
      const appended: Promise<unknown>[] = [];
      for (let i = 0; i < facts.length; i += size) {
        appended.push(store.append(process, maker.bytes(join(facts.slice(i, i + size)))));
      }
      await Promise.all(appended);
    }),
  );
}

/** A store of nothing at all, opened anew with what it keeps by `again`. */
export interface Opened {
  readonly store: Store;
  readonly again: () => Promise<Store>;
}

export function storeKit(engine: string, open: () => Promise<Opened>): void {
  const kit = (claim: string, run: (opened: Opened) => Promise<void>) =>
    test(`${engine}: ${claim}`, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.store.close();
      }
    });

  kit('an empty store answers every question', async ({ store }) => {
    assert.deepEqual(await dump(store), []);
    assert.deepEqual(await store.traces({}), { total: 0, traces: [] });
    assert.equal(await store.trace(1n, 2n), undefined);
    assert.deepEqual(await store.rollup('functions'), []);
    assert.deepEqual(await store.totals(), { spans: 0, batches: 0, firstStart: 0n, lastEnd: 0n });
  });

  kit('what is appended is read back, to the nanosecond and the bit', async ({ store }) => {
    const process = await store.join(hello('a'));
    const maker = new BatchMaker();
    const random = seeded(1);
    const batch = maker.batch({ spans: Array.from({ length: 3 }, (_, i) => ({ trace: [1n, 1n], span: BigInt(i) })) });
    const of = batch.tables.spans as unknown as Record<string, { [row: number]: number | bigint; length: number }>;
    const expected: Record<string, (number | bigint)[]> = {};
    for (const { name, type } of spans.columns) {
      for (let i = 0; i < 3; i++) {
        if (type === 'u64' && !name.startsWith('trace')) of[name]![i] = 2n ** 64n - 1n - BigInt(i);
        else if (type === 'time') of[name]![i] = 2 ** 52 + 1 + i;
        else if (type === 'f64') of[name]![i] = random() * 1e9;
        else if (type === 'i32') of[name]![i] = i - 1;
        else if (type === 'u32' && name !== 'function') of[name]![i] = 2 ** 32 - 1 - i;
        else if (type === 'u16' || type === 'u8') of[name]![i] = 255 - i;
      }
      expected[name] = Array.from(of[name] as ArrayLike<number | bigint>);
    }
    expected['start'] = [0, 1, 2];
    await store.append(process, encodeBatch(batch));
    const seen: TraceColumns[] = [];
    await store.scanTraces((trace) => seen.push(trace));
    assert.equal(seen.length, 1);
    assert.equal(seen[0]!.origin, maker.origin + 2n ** 52n + 1n);
    for (const { name } of spans.columns)
      assert.deepEqual(Array.from(seen[0]!.spans[name] as ArrayLike<number | bigint>), expected[name], name);
  });

  kit('the same token has the same number, another token another', async ({ store }) => {
    const first = await store.join(hello('a'));
    assert.equal(await store.join(hello('a')), first);
    assert.notEqual(await store.join(hello('b')), first);
    const { processes } = await store.words();
    assert.deepEqual(
      processes.map(({ number, pid, service }) => [number, pid, service]),
      [
        [0, 0, ''],
        [1, 100, 'feed'],
        [2, 100, 'feed'],
      ],
    );
  });

  kit('a batch sent twice is stored once, also after opening again', async (opened) => {
    const { store } = opened;
    const process = await store.join(hello('a'));
    const bytes = () => new BatchMaker().bytes({ spans: [{ trace: [1n, 2n], span: 3n }] });
    const appended = await Promise.all([store.append(process, bytes()), store.append(process, bytes())]);
    assert.deepEqual(appended, [
      { number: 1, spans: 1, repeated: false },
      { number: 1, spans: 1, repeated: true },
    ]);
    assert.deepEqual(await store.append(process, bytes()), { number: 1, spans: 1, repeated: true });
    await store.close();
    const again = await opened.again();
    try {
      assert.deepEqual(await again.append(await again.join(hello('a')), bytes()), {
        number: 1,
        spans: 1,
        repeated: true,
      });
      assert.equal((await again.totals()).spans, 1);
    } finally {
      await again.close();
    }
  });

  kit('bytes that are no batch are refused, and the store goes on', async ({ store }) => {
    const process = await store.join(hello('a'));
    await assert.rejects(store.append(process, new Uint8Array(100)), /not a batch/);
    await assert.rejects(store.append(9, new BatchMaker().bytes({})), /no process 9/);
    const maker = new BatchMaker();
    await store.append(process, maker.bytes({ spans: [{ trace: [1n, 2n], span: 3n }] }));
    assert.equal((await store.totals()).spans, 1);
  });

  kit('a duration that is no number spoils no answer', async ({ store }) => {
    const process = await store.join(hello('a'));
    const facts = [Number.NaN, Number.POSITIVE_INFINITY, 1e300, 5000].map(
      (duration, i): SpanFact => ({
        trace: [1n, 1n],
        span: BigInt(i),
        operation: 'f',
        start: i ? i : Number.NaN,
        duration,
      }),
    );
    await store.append(process, new BatchMaker().bytes({ spans: facts }));
    assert.equal((await store.rollup('functions'))[0]!.sum, 5000);
    assert.equal((await store.totals()).lastEnd, 1_700_000_000_000_005_003n);
    assert.equal((await store.traces({})).traces[0]!.durationMs, 0.005);
  });

  kit("ids that were never explained are empty words, not another process's", async ({ store }) => {
    const [first, second] = [await store.join(hello('a')), await store.join(hello('b'))];
    const maker = new BatchMaker();
    const facts: BatchFacts = {
      functions: [{ id: 1, function: 'secret', file: 'a.ts', line: 1 }],
      spans: [{ trace: [1n, 2n], span: 1n, function: 1, operation: 'secret' }],
    };
    await store.append(first, maker.bytes(facts));
    const lost = new BatchMaker().batch({ spans: [{ trace: [1n, 2n], span: 2n, function: 1 }] });
    lost.tables.spans.operation[0] = 1;
    lost.tables.spans.service[0] = 4_000_000_000;
    await store.append(second, encodeBatch(lost));
    const lines = await dump(store);
    assert.match(lines[0]!, /secret/);
    assert.doesNotMatch(lines[1]!, /secret/);
  });

  test(`${engine}: answers do not depend on how the input was cut into batches`, async () => {
    const answers: unknown[] = [];
    for (const size of [1, 7, 300]) {
      const { store } = await open();
      await fill(store, someTraces(300, seeded(5)), size);
      answers.push({
        all: await dump(store),
        traces: await store.traces({ function: 'loadHome', limit: 20 }),
        rollups: [await store.rollup('functions'), await store.rollup('services'), await store.rollup('requests')],
      });
      await store.close();
    }
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[2], answers[0]);
  });

  kit('a scan gives every trace once, in order of id, spans and waits by start', async ({ store }) => {
    await fill(store, someTraces(10_000, seeded(2)), 500);
    let [traces, spanCount, waitCount] = [0, 0, 0];
    let before = -1n;
    await store.scanTraces((trace) => {
      const id = (trace.traceHi << 64n) | trace.traceLo;
      assert.ok(id > before, 'ascending');
      before = id;
      traces++;
      spanCount += trace.process.length;
      waitCount += trace.waits.span.length;
      assert.equal(trace.spans.start[0], 0);
      for (let i = 0; i < trace.process.length; i++) {
        assert.ok(i === 0 || trace.spans.start[i]! >= trace.spans.start[i - 1]!);
        assert.equal(trace.spans.traceHi[i], trace.traceHi);
        assert.equal(trace.spans.traceLo[i], trace.traceLo);
      }
      for (let i = 0; i < trace.waits.span.length; i++) assert.equal(trace.waits.traceLo[i], trace.traceLo);
    });
    assert.deepEqual([traces, spanCount, waitCount], [10_000, 40_000, 10_000]);
    assert.equal((await store.totals()).spans, 40_000);
  });

  kit('a trace larger than a block comes in one piece, spans of no trace in several', async ({ store }) => {
    const process = await store.join(hello('a'));
    const maker = new BatchMaker();
    const many = (trace: readonly [bigint, bigint]) =>
      Array.from({ length: 40_000 }, (_, i) => ({ trace, span: BigInt(i + 1), start: i }));
    await store.append(process, maker.bytes({ spans: [...many([0n, 0n]), ...many([7n, 7n])] }));
    const pieces: [bigint, number][] = [];
    await store.scanTraces((trace) => pieces.push([trace.traceHi, trace.process.length]));
    assert.deepEqual(pieces.at(-1), [7n, 40_000]);
    assert.ok(pieces.length > 2);
    assert.equal(
      pieces.reduce((sum, [, length]) => sum + length, 0),
      80_000,
    );
  });

  kit('counters add up', async ({ store }) => {
    await fill(store, someTraces(30, seeded(3)), 4);
    assert.deepEqual(await store.counters(), [{ counter: 'dropped.spans', detail: '', value: 30 }]);
  });

  kit('exemplars lie across the distribution, slowest first, and the total is said', async ({ store }) => {
    const process = await store.join(hello('a'));
    const spanFacts: SpanFact[] = [];
    for (let i = 1; i <= 100; i++)
      spanFacts.push({
        trace: [5n, BigInt(i)],
        span: BigInt(i),
        kind: Kind.server,
        operation: i % 2 ? 'GET /odd' : 'GET /even',
        start: i * 1000,
        duration: i * 1e6,
        error: i === 99 ? '500' : '',
      });
    await store.append(process, new BatchMaker().bytes({ spans: spanFacts }));
    const { total, traces } = await store.traces({ request: 'GET /odd', limit: 5 });
    assert.equal(total, 50);
    assert.deepEqual(
      traces.map(({ durationMs }) => durationMs),
      [99, 79, 59, 39, 19],
    );
    assert.deepEqual(traces[0], {
      trace: '0000000000000005' + '0000000000000063',
      startMs: 1_700_000_000_000.099,
      durationMs: 99,
      operation: 'GET /odd',
      service: 'feed',
      spans: 1,
      errors: 1,
    });
    assert.equal((await store.traces({ limit: 1000 })).traces.length, 100);
    assert.deepEqual(await store.traces({ request: 'GET /none' }), { total: 0, traces: [] });
  });

  kit('traces are found by function, service, and both', async ({ store }) => {
    await fill(store, someTraces(50, seeded(4)), 10);
    const total = async (question: Parameters<Store['traces']>[0]) => (await store.traces(question)).total;
    assert.equal(await total({ function: 'loadHome' }), 50);
    assert.equal(await total({ function: 'loadHome', file: 'src/home.ts', line: 12 }), 50);
    assert.equal(await total({ function: 'loadHome', line: 13 }), 0);
    assert.equal(await total({ service: 'http://users:80' }), 50);
    assert.equal(await total({ function: 'loadHome', service: 'http://users:80' }), 50);
    assert.equal(await total({ function: 'loadHome', service: 'mysql://db:3306' }), 0);
    const [slowest] = (await store.traces({ function: 'loadHome' })).traces;
    assert.deepEqual([slowest!.operation, slowest!.service, slowest!.spans], ['GET /home/:id', 'feed', 4]);
  });

  kit('a trace is one batch over its processes, with its own words', async ({ store }) => {
    await fill(store, someTraces(20, seeded(6)), 3);
    const { traces } = await store.traces({ function: 'loadHome', limit: 1 });
    const { hi, lo } = parseTraceHex(traces[0]!.trace)!;
    const batch = decodeBatch((await store.trace(hi, lo))!);
    const { spans: of, waits: waited, functions: named, counters: counted } = batch.tables;
    const text = (id: number) => batch.texts[id - batch.firstText];
    assert.deepEqual(Array.from(of.operation, text), ['GET /home/:id', 'loadHome', 'GET /users/:id', 'GET /users/:id']);
    assert.deepEqual(Array.from(of.kind), [Kind.server, Kind.internal, Kind.client, Kind.server]);
    // Whose the spans are, and, of the first, whose the pauses.
    assert.deepEqual(Array.from(counted.counter, text), ['process', 'process', 'pauses']);
    assert.deepEqual(Array.from(counted.detail, text), ['feed 100', 'users 101', '1']);
    assert.deepEqual(Array.from(counted.value.subarray(0, 2)), [3, 1]);
    assert.equal(counted.value[2], batch.tables.pauses.kind.length);
    assert.equal(text(named.function[0]!), 'loadHome');
    assert.equal(named.id[0], of.function[1]);
    assert.equal(waited.span[0], of.span[1]);
    assert.equal(waited.by[0], of.span[2]);
    // The users process runs 1 µs behind: its span, asked for 25 ns into the request, begins before it.
    assert.equal(of.start[3], 0);
    assert.equal(of.start[0], 975);
    assert.equal(await store.trace(hi, lo + 1n), undefined);
  });

  kit('roll-ups count calls, errors and durations by name', async ({ store }) => {
    await fill(store, someTraces(1000, seeded(7)), 100);
    const [loadHome] = await store.rollup('functions');
    assert.deepEqual(
      [loadHome!.name, loadHome!.file, loadHome!.line, loadHome!.of, loadHome!.calls, loadHome!.errors],
      ['loadHome', 'src/home.ts', 12, 'feed', 1000, 0],
    );
    const [users] = await store.rollup('services');
    assert.deepEqual([users!.name, users!.of, users!.calls, users!.errors], ['http://users:80', 'http', 1000, 100]);
    const requests = await store.rollup('requests');
    assert.deepEqual(
      requests.map(({ name, of, calls }) => [name, of, calls]),
      [
        ['GET /home/:id', 'feed', 1000],
        ['GET /users/:id', 'users', 1000],
      ],
    );
    const exact: number[] = [];
    await store.scanTraces(({ spans: of }) => {
      for (let i = 0; i < of.kind.length; i++) if (of.kind[i] === Kind.internal) exact.push(of.duration[i]!);
    });
    exact.sort((a, b) => a - b);
    for (const q of [0.5, 0.95, 0.99]) {
      const relative = quantile(loadHome!.histogram, q) / exact[Math.ceil(q * 1000) - 1]!;
      assert.ok(Math.abs(relative - 1) < 0.03, `p${q * 100} is ${relative} of the exact one`);
    }
    assert.equal(
      loadHome!.sum,
      exact.reduce((sum, value) => sum + value, 0),
    );
  });

  kit(
    'a trace comes with the pauses of its processes while it went on, however long ago they began',
    async (opened) => {
      const { store } = opened;
      const [first, second] = [await store.join(hello('a')), await store.join(hello('b', { service: 'users' }))];
      const trace = [1n, 2n] as const;
      const pause = (start: number, duration: number, kind: Pause = Pause.minor) => ({ kind, start, duration });
      await store.append(
        first,
        new BatchMaker().bytes({
          spans: [{ trace, span: 1n, start: 1000, duration: 500 }],
          functions: [{ id: 1, function: 'spin', file: 'spin.ts', line: 3 }],
          pauses: [
            { ...pause(0, 1001, Pause.loop), function: 1, span: 9n, trace: [3n, 4n] },
            pause(10, 20),
            pause(900, 100),
            pause(1000, 1),
            pause(1499, 50, Pause.major),
            pause(1500, 50),
          ],
        }),
      );
      await store.append(second, new BatchMaker().bytes({ pauses: [pause(1200, 10)] }));
      const seen: TraceColumns[] = [];
      await store.scanTraces((one) => seen.push(one));
      assert.deepEqual(
        seen.map(({ pauses: of, pauseProcess }) =>
          [...of.start].map((start, i) => [start, of.kind[i], pauseProcess[i]]),
        ),
        [
          [
            [-1000, Pause.loop, first],
            [0, Pause.minor, first],
            [499, Pause.major, first],
          ],
        ],
      );
      const bytes = decodeBatch((await store.trace(...trace))!);
      assert.deepEqual([...bytes.tables.pauses.start], [-1000, 0, 499]);
      assert.deepEqual([...bytes.tables.counters.value], [1, 3]);
      const named = bytes.tables.functions;
      assert.deepEqual([named.id.length, bytes.texts[named.function[0]!]], [1, 'spin']);
    },
  );

  kit('pauses add up by kind, process and who held the loop', async ({ store }) => {
    const first = await store.join(hello('a'));
    const trace = [1n, 2n] as const;
    await store.append(
      first,
      new BatchMaker().bytes({
        spans: [{ trace, span: 5n, kind: Kind.server, operation: 'GET /slow' }],
        functions: [{ id: 1, function: 'spin', file: 'spin.ts', line: 3 }],
        pauses: [
          { kind: Pause.loop, start: 0, duration: 30, function: 1, span: 1n, trace },
          { kind: Pause.loop, start: 0, duration: 20, function: 1, span: 2n, trace },
          { kind: Pause.loop, start: 0, duration: 40, span: 5n, trace },
          { kind: Pause.minor, start: 0, duration: 10 },
        ],
      }),
    );
    const said = (await store.pauses()).map(({ kind, process, function: of, request, count, sum, longest }) =>
      [kind, process, of, request, count, sum, longest].join(' '),
    );
    assert.deepEqual(said, ['0 1 1  2 50 30', '0 1 0 GET /slow 1 40 40', '1 1 0  1 10 10']);
  });

  kit("roll-ups count by weight: a span's own, else that of the head of its trace", async ({ store }) => {
    const process = await store.join(hello('a'));
    const maker = new BatchMaker();
    const call = { kind: Kind.client, service: 'redis://a', protocol: 'redis', duration: 1000 } as const;
    await store.append(
      process,
      maker.bytes({
        spans: [
          { trace: [1n, 1n], span: 1n, kind: Kind.server, operation: 'GET /', duration: 100, weight: 8 },
          { ...call, trace: [1n, 1n], span: 2n, parent: 1n, weight: 0, error: '503' },
          { ...call, trace: [1n, 2n], span: 3n, weight: 3 },
          { ...call, trace: [1n, 3n], span: 4n, weight: 0 },
          { ...call, trace: [0n, 0n], span: 5n, weight: 5 },
          { ...call, trace: [0n, 0n], span: 6n, weight: 0 },
        ],
      }),
    );
    const [redis] = await store.rollup('services');
    assert.deepEqual([redis!.calls, redis!.errors, redis!.sum], [18, 8, 18_000]);
    assert.deepEqual([...redis!.histogram.counts], [18]);
    assert.equal((await store.rollup('requests'))[0]!.calls, 8);
    const seen: number[][] = [];
    await store.scanTraces(({ spans: of }) => seen.push([...of.weight]));
    assert.deepEqual(seen.flat().sort(), [1, 1, 3, 5, 8, 8]);
  });

  kit('readers see whole moments while a writer goes on', async ({ store }) => {
    const process = await store.join(hello('a'));
    const maker = new BatchMaker();
    // Each batch holds a span with its wait: a scan that sees one without the other has seen half a moment.
    let writing = true;
    const writer = (async () => {
      for (let i = 1; i <= 200; i++) {
        const trace = [1n, BigInt(i)] as const;
        const facts = { spans: [{ trace, span: 1n }], waits: [{ trace, span: 1n, start: 0, duration: 1 }] };
        await store.append(process, maker.bytes(facts));
      }
      writing = false;
    })();
    let last = 0;
    do {
      let seen = 0;
      await store.scanTraces((trace) => {
        seen++;
        assert.equal(trace.waits.span.length, 1);
      });
      assert.ok(seen >= last, 'what was seen stays');
      last = seen;
    } while (writing);
    await writer;
    assert.equal((await dump(store)).filter((line) => line.startsWith('span')).length, 200);
  });

  kit('all that was appended is there after opening again', async (opened) => {
    await fill(opened.store, someTraces(100, seeded(8)), 10);
    const before = await dump(opened.store);
    await opened.store.close();
    const again = await opened.again();
    try {
      assert.deepEqual(await dump(again), before);
    } finally {
      await again.close();
    }
  });
}
