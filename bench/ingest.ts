// What the collector takes in: spans/s of wall time and of a core, and bytes a span in the file, at three batch sizes,
// through the real socket (collector in a process of its own) and through the store alone; beside them the same rows
// by DuckDB's plain SQL, `INSERT … VALUES` with 100 rows a prepared statement, texts as strings.
//
//   npm run bench:ingest [-- rounds]
//
// Rounds are interleaved: every round runs each way once. Figures are medians with the least and the most.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { TestRecorder } from '../src/collector/testing.ts';
import { type Batch, decodeBatch, encodeBatch, newColumns } from '../src/model/batch.ts';
import { counters, functions, Kind, pauses, spans, waits } from '../src/model/schema.ts';
import { sqlTypes } from '../src/store/ddl.ts';
import { openStore } from '../src/store/open.ts';
import { spansFile } from '../src/store/runs.ts';
import { hello, seeded } from '../src/store/testkit.ts';

const rounds = Number(process.argv[2] ?? 3);
const ways = [
  { batch: 1_000, spans: 300_000 },
  { batch: 10_000, spans: 1_000_000 },
  { batch: 100_000, spans: 1_000_000 },
];
const sqlSpans = 20_000;
const spansPerTrace = 20;

interface Result {
  readonly perSecond: number;
  readonly perCore: number;
  readonly bytes: number;
}

/** Batches of traces of 20 spans: a request, 4 functions, 15 calls to 3 services; 40 operations, 20 functions. */
function batchesOf(size: number, total: number): Uint8Array<ArrayBuffer>[] {
  const random = seeded(1);
  const texts = ['GET /home/:id', 'feed', 'mysql', 'http', 'redis', 'src/home.ts'];
  texts.push(...Array.from({ length: 3 }, (_, i) => `mysql://127.0.0.1:330${i}/pins`));
  texts.push(...Array.from({ length: 40 }, (_, i) => `SELECT pins_${i} WHERE user_id = ?`));
  texts.push(...Array.from({ length: 20 }, (_, i) => `loadPart${i}`));
  const made: Uint8Array<ArrayBuffer>[] = [];
  let time = 0;
  for (let from = 0, number = 1; from < total; from += size, number++) {
    const first = number === 1;
    const tables = {
      functions: newColumns(functions, first ? 20 : 0),
      spans: newColumns(spans, size),
      waits: newColumns(waits, Math.floor(size / 5)),
      pauses: newColumns(pauses, 0),
      counters: newColumns(counters, 0),
    };
    if (first)
      for (let i = 0; i < 20; i++) {
        tables.functions.id[i] = i + 1;
        tables.functions.function[i] = 50 + i;
        tables.functions.file[i] = 6;
        tables.functions.line[i] = i * 10;
      }
    const of = tables.spans;
    let root = 0n;
    for (let i = 0; i < size; i++) {
      const at = i % spansPerTrace;
      if (at === 0) {
        root = BigInt(Math.floor(random() * 2 ** 53));
        time += 1e5;
      }
      const call = at > 4;
      const server = Math.floor(random() * 3e6);
      of.span[i] = root + BigInt(i + 1);
      of.parent[i] = at === 0 ? 0n : root + BigInt(i - at + 1);
      of.traceHi[i] = root * 977n;
      of.traceLo[i] = root;
      of.kind[i] = at === 0 ? Kind.server : call ? Kind.client : Kind.internal;
      of.operation[i] = at === 0 ? 1 : call ? 10 + Math.floor(random() * 40) : 50 + Math.floor(random() * 20);
      of.service[i] = call ? 7 + Math.floor(random() * 3) : 0;
      of.protocol[i] = call ? 3 : 0;
      of.function[i] = at === 0 ? 0 : 1 + Math.floor(random() * 20);
      of.line[i] = Math.floor(random() * 200);
      of.start[i] = time + at * 1000;
      of.duration[i] = server + 40_000;
      of.cpu[i] = call ? 0 : Math.floor(random() * 1e5);
      of.send[i] = call ? 1000 + Math.floor(random() * 5000) : 0;
      of.server[i] = call ? server : 0;
      of.receive[i] = call ? 500 + Math.floor(random() * 9000) : 0;
      of.loop[i] = call ? Math.floor(random() * 20_000) : 0;
      of.bytesOut[i] = 60 + Math.floor(random() * 100);
      of.bytesIn[i] = Math.floor(random() * 4000);
      of.rows[i] = call ? Math.floor(random() * 50) : -1;
      of.connection[i] = call ? 1 + Math.floor(random() * 10) : 0;
      of.rule[i] = 3;
    }
    for (let i = 0; i < tables.waits.span.length; i++) {
      tables.waits.span[i] = of.span[i * 5]!;
      tables.waits.traceHi[i] = of.traceHi[i * 5]!;
      tables.waits.traceLo[i] = of.traceLo[i * 5]!;
      tables.waits.start[i] = of.start[i * 5]!;
      tables.waits.duration[i] = of.duration[i * 5]!;
      tables.waits.by[i] = of.span[Math.min(size - 1, i * 5 + 1)]!;
    }
    const batch: Batch = {
      process: 0,
      number,
      origin: 1_700_000_000_000_000_000n,
      firstText: first ? 1 : 1 + texts.length,
      texts: first ? texts : [],
      tables,
    };
    made.push(encodeBatch(batch));
  }
  return made;
}

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const result = (count: number, seconds: number, cpu: number, bytes: number): Result => ({
  perSecond: count / seconds,
  perCore: count / cpu,
  bytes: bytes / count,
});

async function throughSocket(batches: readonly Uint8Array[], count: number): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'whywait-bench-'));
  const script = fileURLToPath(new URL('./ingest-collector.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, root], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const told = async () => JSON.parse((await lines.next()).value as string) as { dir: string; id: string; cpu: number };
  try {
    const before = await told();
    const recorder = new TestRecorder(before.dir, hello('bench')).hello();
    const began = performance.now();
    for (const batch of batches) {
      recorder.send(batch);
      await recorder.drained();
    }
    await recorder.acked(batches.length);
    const seconds = (performance.now() - began) / 1000;
    child.stdin.write('\n');
    const { cpu } = await told();
    await recorder.leave();
    child.stdin.end('end\n');
    await once(child, 'exit');
    return result(count, seconds, cpu - before.cpu, (await stat(spansFile(root, before.id))).size);
  } finally {
    child.kill();
    await rm(root, { recursive: true, force: true });
  }
}

async function throughStore(batches: readonly Uint8Array<ArrayBuffer>[], count: number): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'whywait-bench-'));
  try {
    const file = join(root, 'spans.duckdb');
    const store = await openStore(file, 'write');
    const number = await store.join(hello('bench'));
    // Copies, since appending gives the bytes away.
    const given = batches.map((batch) => batch.slice());
    const [began, cpu] = [performance.now(), cpuSeconds()];
    await Promise.all(given.map((batch) => store.append(number, batch)));
    const [seconds, used] = [(performance.now() - began) / 1000, cpuSeconds() - cpu];
    await store.close();
    return result(count, seconds, used, (await stat(file)).size);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function plainSql(batches: readonly Uint8Array[], size: number): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'whywait-bench-'));
  try {
    const file = join(root, 'spans.duckdb');
    const instance = await DuckDBInstance.create(file, { memory_limit: '512MB' });
    const connection = await instance.connect();
    const types = spans.columns.map(({ type }) => (type === 'text' ? 'VARCHAR' : sqlTypes[type]));
    await connection.run(
      `CREATE TABLE spans (${spans.columns.map(({ name }, i) => `"${name}" ${types[i]}`).join(', ')})`,
    );
    const rowsAtOnce = 100;
    const row = `(${spans.columns.map(() => '?').join(', ')})`;
    const insert = await connection.prepare(`INSERT INTO spans VALUES ${Array(rowsAtOnce).fill(row).join(', ')}`);
    const { texts } = decodeBatch(batches[0]!.slice());
    const [began, cpu] = [performance.now(), cpuSeconds()];
    let count = 0;
    for (const bytes of batches) {
      if (count >= sqlSpans) break;
      const { tables, origin } = decodeBatch(bytes.slice());
      await connection.run('BEGIN TRANSACTION');
      for (let from = 0; from < size && count < sqlSpans; from += rowsAtOnce, count += rowsAtOnce) {
        let at = 1;
        for (let i = from; i < from + rowsAtOnce; i++)
          for (const { name, type } of spans.columns) {
            const value = tables.spans[name][i]!;
            if (type === 'text') insert.bindVarchar(at++, value === 0 ? '' : texts[Number(value) - 1]!);
            else if (type === 'time') insert.bindBigInt(at++, origin + BigInt(value));
            else if (type === 'u64') insert.bindUBigInt(at++, value as bigint);
            else insert.bindDouble(at++, value as number);
          }
        await insert.run();
      }
      await connection.run('COMMIT');
    }
    const [seconds, used] = [(performance.now() - began) / 1000, cpuSeconds() - cpu];
    await connection.run('CHECKPOINT');
    connection.closeSync();
    instance.closeSync();
    return result(count, seconds, used, (await stat(file)).size);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function spread(values: readonly number[], digits = 0): string {
  const sorted = [...values].sort((a, b) => a - b);
  const text = (value: number) => value.toFixed(digits);
  return `${text(sorted[Math.floor(sorted.length / 2)]!)} (${text(sorted[0]!)}–${text(sorted.at(-1)!)})`;
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds, interleaved`);
for (const { batch, spans: count } of ways) {
  const batches = batchesOf(batch, count);
  const measured = { socket: [] as Result[], store: [] as Result[], sql: [] as Result[] };
  for (let round = 0; round < rounds; round++) {
    measured.socket.push(await throughSocket(batches, count));
    measured.store.push(await throughStore(batches, count));
    measured.sql.push(await plainSql(batches, batch));
  }
  const raw = batches.reduce((sum, { length }) => sum + length, 0) / count;
  console.log(
    `\nbatches of ${batch} spans, ${count} spans (plain SQL: ${sqlSpans}); ${raw.toFixed(0)} bytes a span on the wire`,
  );
  console.log('                 k spans/s            k spans/s a core     bytes a span');
  for (const [name, results] of Object.entries(measured)) {
    const of = (pick: (result: Result) => number) => results.map(pick);
    console.log(
      [
        name.padEnd(16),
        spread(of(({ perSecond }) => perSecond / 1000)).padEnd(20),
        spread(of(({ perCore }) => perCore / 1000)).padEnd(20),
        spread(of(({ bytes }) => bytes)),
      ].join(' '),
    );
  }
  const ratio = (way: 'socket' | 'store') =>
    spread(
      measured[way].map(({ perCore }, i) => perCore / measured.sql[i]!.perCore),
      1,
    );
  console.log(`× plain SQL, spans/s a core: socket ${ratio('socket')}, store ${ratio('store')}`);
}
