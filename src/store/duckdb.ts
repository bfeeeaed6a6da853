// The store in one DuckDB file, by the one instance that may have it open; worker.ts runs it in a thread of its own.
//
// Appending: batches that wait are written in one transaction (group commit), whose end is their acknowledgement.
//
//   append ─► queue ─► [ begin · texts, functions, spans, waits, counters, batches · commit ] ─► resolve
//
// Values are copied a column at a time into one reused chunk a table: with a fresh chunk each time the memory limit
// is exceeded threefold. Only text ids, function ids and times are worked on value by value.

import { stat } from 'node:fs/promises';
import {
  BIGINT,
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  INTEGER,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { TraceList, TraceSummary } from '../model/api.ts';
import { type AnyColumn, type AnyColumns, type Batch, decodeBatch, rowCount, width } from '../model/batch.ts';
import { traceHex } from '../model/ids.ts';
import { batchTables, type ColumnType, Kind, type Pause, spans, type Table, waits } from '../model/schema.ts';
import type { CounterTotal, FunctionInfo, HolderRow, PauseTotal, ProcessInfo, Words } from '../model/trace.ts';
import type { Hello } from '../model/wire.ts';
import { ddl, schemaVersion, storedColumns } from './ddl.ts';
import { storeError } from './errors.ts';
import { type Block, earliest, scanBlocks } from './scan.ts';
import {
  type Appended,
  bucketsPerDoubling,
  type RollupKind,
  type RollupRow,
  StoreError,
  type Totals,
  type TracesQuestion,
  unknownProcess,
} from './store.ts';
import { traceBatch } from './trace-batch.ts';

export interface DuckDbOptions {
  /** Of DuckDB; it keeps what does not fit in files. */
  readonly memoryLimit?: string;
}

const config = { memory_limit: '512MB', checkpoint_threshold: '256MB', autoinstall_known_extensions: 'false' };
const chunkRows = duckdb.vector_size();
/** A transaction takes waiting batches until they have this many bytes. */
const groupBytes = 16 * 1024 * 1024;
const maxTexts = 1_000_000;
const tooMany = '(too many different texts)';
/** No process has more texts or functions than this; a larger id is a broken batch. */
const maxProcessIds = 16_000_000;

const types: Record<ColumnType, DuckDBType> = {
  u8: UTINYINT,
  u16: USMALLINT,
  u32: UINTEGER,
  i32: INTEGER,
  u64: UBIGINT,
  f64: DOUBLE,
  time: BIGINT,
  text: INTEGER,
};

/** Column `kind` of ids. */
const IdKind = { text: 0, function: 1 } as const;

/** What one process's ids mean in the run, and which of its batches are stored. */
class Process {
  readonly info: ProcessInfo;
  readonly stored = new Set<number>();
  /** Its texts and functions that are not yet written beside `ids`: kind, id, id of the run. */
  readonly fresh: number[] = [];
  /** Text id of the process → of the run. */
  texts = new Int32Array(1024);
  /** Function id of the process → of the run. */
  functions = new Uint32Array(256);

  constructor(info: ProcessInfo) {
    this.info = info;
  }
}

interface Waiting {
  readonly process: Process;
  readonly batch: Batch;
  readonly bytes: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: StoreError) => void;
}

/** A table's appender and its one chunk. */
class Sink {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  #isDirty = false;

  constructor(appender: DuckDBAppender, columnTypes: readonly DuckDBType[]) {
    this.#appender = appender;
    this.#chunk = DuckDBDataChunk.create(columnTypes);
  }

  /** Appends rows, asking `fill` for rows `from` until `from + count` of each column. */
  write(
    rows: number,
    columns: number,
    fill: (vector: duckdb.Vector, column: number, from: number, count: number) => void,
  ) {
    for (let from = 0; from < rows; from += chunkRows) {
      const count = Math.min(chunkRows, rows - from);
      this.#chunk.reset();
      duckdb.data_chunk_set_size(this.#chunk.chunk, count);
      for (let column = 0; column < columns; column++) {
        fill(duckdb.data_chunk_get_vector(this.#chunk.chunk, column), column, from, count);
      }
      this.#appender.appendDataChunk(this.#chunk);
      this.#isDirty = true;
    }
  }

  flush(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#appender.flushSync();
  }

  close(): void {
    this.#appender.closeSync();
  }
}

export class DuckDbStore {
  readonly #file: string;
  #instance: DuckDBInstance;
  #writer: DuckDBConnection;
  #readers: DuckDBConnection[] = [];
  #sinks = new Map<string, Sink>();
  #queue: Waiting[] = [];
  /** Ends when the transaction now running has ended. */
  #quiet: Promise<void> = Promise.resolve();
  #draining = false;
  /** Why nothing can be appended any more. */
  #refusal: StoreError | undefined;

  readonly #processes: Process[] = [new Process(unknownProcess)];
  readonly #byToken = new Map<string, Process>();
  readonly #texts: string[] = [''];
  readonly #textIds = new Map<string, number>([['', 0]]);
  readonly #functions: { text: number; file: number; line: number }[] = [{ text: 0, file: 0, line: 0 }];
  readonly #functionIds = new Map<string, number>();
  #spans = 0;
  #batches = 0;

  private constructor(file: string, instance: DuckDBInstance, writer: DuckDBConnection) {
    this.#file = file;
    this.#instance = instance;
    this.#writer = writer;
  }

  /**
   * Opens a run's file: `write` makes it when it is not there, `read` only looks.
   * @throws {StoreError}
   */
  static async open(file: string, mode: 'write' | 'read', options: DuckDbOptions = {}): Promise<DuckDbStore> {
    try {
      const isNew = !(await exists(file));
      if (isNew && mode === 'read') throw new Error('no such file');
      const { instance, connection } = await connect(file, mode, options);
      const store = new DuckDbStore(file, instance, connection);
      try {
        if (mode === 'read')
          store.#refusal = new StoreError('WW_STORE_READONLY', `${file} is open for reading.`, 'Open it for writing.');
        await store.#load(mode);
        if (mode === 'write') await store.#openSinks();
      } catch (error) {
        store.#shut();
        throw error;
      }
      return store;
    } catch (error) {
      throw storeError(error, file);
    }
  }

  // ——— writing

  async join(hello: Hello): Promise<number> {
    const known = this.#byToken.get(hello.token);
    if (known !== undefined) return known.info.number;
    if (this.#refusal !== undefined) throw this.#refusal;
    const { token, pid, ppid, thread, service, runtime, script } = hello;
    const number = this.#processes.length;
    const origin = BigInt(hello.origin);
    const process = new Process({ number, pid, ppid, thread, service, runtime, script, origin });
    this.#processes.push(process);
    this.#byToken.set(token, process);
    await this.#between(async () => {
      try {
        await this.#writer.run('INSERT INTO processes VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
          number,
          token,
          pid,
          ppid,
          thread,
          service,
          runtime,
          script,
          origin,
        ]);
      } catch (error) {
        throw await this.#fail(error);
      }
    });
    return number;
  }

  append(process: number, bytes: Uint8Array): Promise<Appended> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    const of = this.#processes[process];
    if (of === undefined || process === 0) return Promise.reject(new RangeError(`no process ${process}`));
    let batch: Batch;
    try {
      batch = decodeBatch(bytes);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ process: of, batch, bytes: bytes.length, resolve, reject });
      if (!this.#draining) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    while (this.#queue.length > 0) {
      const group: Waiting[] = [];
      for (let bytes = 0; bytes < groupBytes && this.#queue.length > 0; ) {
        const next = this.#queue.shift()!;
        bytes += next.bytes;
        group.push(next);
      }
      await this.#between(() => this.#store(group));
    }
    this.#draining = false;
  }

  /** Runs `work` when no transaction of the writer is open, and holds the next one back until it has ended. */
  #between<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#quiet.then(work);
    this.#quiet = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #store(group: readonly Waiting[]): Promise<void> {
    const settled: (() => void)[] = [];
    try {
      if (this.#refusal !== undefined) throw this.#refusal;
      await this.#writer.run('BEGIN TRANSACTION');
      const firstText = this.#texts.length;
      const firstFunction = this.#functions.length;
      const fresh = group.filter(({ process, batch }) => {
        if (process.stored.has(batch.number)) return false;
        process.stored.add(batch.number);
        return true;
      });
      for (const { process, batch } of fresh) {
        this.#learn(process, batch);
        for (const table of batchTables) {
          if (table.name !== 'functions') this.#writeTable(table, process, batch);
        }
      }
      this.#writeTexts(firstText);
      this.#writeFunctions(firstFunction);
      this.#writeIds(new Set(fresh.map(({ process }) => process)));
      this.#writeBatches(fresh);
      for (const sink of this.#sinks.values()) sink.flush();
      await this.#writer.run('COMMIT');
      const counted = new Set(fresh);
      for (const waiting of group) {
        const { number, tables } = waiting.batch;
        const repeated = !counted.has(waiting);
        const spans = rowCount(tables.spans);
        if (!repeated) {
          this.#batches++;
          this.#spans += spans;
        }
        settled.push(() => waiting.resolve({ number, spans, repeated }));
      }
    } catch (error) {
      const reason = await this.#fail(error);
      for (const { reject } of group) settled.push(() => reject(reason));
    }
    for (const settle of settled) settle();
  }

  /** Takes in the texts and functions that a batch brings. */
  #learn(process: Process, { firstText, texts, tables }: Batch): void {
    const end = firstText + texts.length;
    if (end <= maxProcessIds) {
      process.texts = roomFor(process.texts, end);
      for (let i = 0; i < texts.length; i++) {
        const of = this.#textId(texts[i]!);
        process.texts[firstText + i] = of;
        process.fresh.push(IdKind.text, firstText + i, of);
      }
    }
    const { id, function: name, file, line } = tables.functions;
    for (let i = 0; i < id.length; i++) {
      if (id[i]! >= maxProcessIds) continue;
      process.functions = roomFor(process.functions, id[i]! + 1);
      const text = process.texts[name[i]!] ?? 0;
      const fileText = process.texts[file[i]!] ?? 0;
      const key = `${text} ${fileText} ${line[i]}`;
      let known = this.#functionIds.get(key);
      if (known === undefined) {
        known = this.#functions.length;
        this.#functions.push({ text, file: fileText, line: line[i]! });
        this.#functionIds.set(key, known);
      }
      process.functions[id[i]!] = known;
      process.fresh.push(IdKind.function, id[i]!, known);
    }
  }

  #textId(text: string): number {
    const known = this.#textIds.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length >= maxTexts && text !== tooMany) return this.#textId(tooMany);
    const id = this.#texts.length;
    this.#texts.push(text);
    this.#textIds.set(text, id);
    return id;
  }

  #writeTable(table: Table, process: Process, batch: Batch): void {
    const source = batch.tables[table.name as keyof Batch['tables']] as unknown as AnyColumns;
    const columns = storedColumns(table);
    this.#sinks.get(table.name)!.write(rowCount(source), columns.length, (vector, at, from, count) => {
      const { name, type } = columns[at]!;
      if (at === 0) return copy(vector, words.fill(process.info.number, 0, count), 0, count);
      const values = source[name]!;
      if (type === 'text') return copyMapped(vector, values, from, count, process.texts);
      if (name === 'function' || name === 'blocker') return copyMapped(vector, values, from, count, process.functions);
      if (type === 'time') return copyTimes(vector, values, from, count, batch.origin);
      if (type === 'f64') makeFinite(values as Float64Array, from, count);
      copy(vector, values, from, count);
    });
  }

  #writeTexts(first: number): void {
    this.#sinks.get('texts')!.write(this.#texts.length - first, 2, (vector, column, from, count) => {
      if (column === 0) return copy(vector, counting(first + from, count), 0, count);
      for (let i = 0; i < count; i++) {
        duckdb.vector_assign_string_element(vector, i, this.#texts[first + from + i]!);
      }
    });
  }

  #writeFunctions(first: number): void {
    this.#sinks.get('functions')!.write(this.#functions.length - first, 4, (vector, column, from, count) => {
      for (let i = 0; i < count; i++) {
        const { text, file, line } = this.#functions[first + from + i]!;
        words[i] = column === 0 ? first + from + i : column === 1 ? text : column === 2 ? file : line;
      }
      copy(vector, words, 0, count);
    });
  }

  #writeIds(processes: Iterable<Process>): void {
    for (const { info, fresh } of processes) {
      this.#sinks.get('ids')!.write(fresh.length / 3, 4, (vector, column, from, count) => {
        for (let i = 0; i < count; i++) words[i] = column === 0 ? info.number : fresh[(from + i) * 3 + column - 1]!;
        copy(vector, words, 0, count);
      });
      fresh.length = 0;
    }
  }

  #writeBatches(group: readonly Waiting[]): void {
    this.#sinks.get('batches')!.write(group.length, 3, (vector, column, from, count) => {
      for (let i = 0; i < count; i++) {
        const { process, batch } = group[from + i]!;
        words[i] = column === 0 ? process.info.number : column === 1 ? batch.number : rowCount(batch.tables.spans);
      }
      copy(vector, words, 0, count);
    });
  }

  /** After a failed write DuckDB's instance is dead: opens the file again, to be read only. */
  async #fail(error: unknown): Promise<StoreError> {
    if (this.#refusal !== undefined) return this.#refusal;
    this.#refusal = storeError(error, this.#file);
    this.#shut();
    try {
      const { instance, connection } = await connect(this.#file, 'read', {});
      this.#instance = instance;
      this.#writer = connection;
    } catch {
      // Readers get DuckDB's own error; whoever opens the file later gets all that was acknowledged.
    }
    return this.#refusal;
  }

  // ——— opening and closing

  async #load(mode: 'write' | 'read'): Promise<void> {
    const db = this.#writer;
    const tables = await rows(db, 'SELECT table_name FROM duckdb_tables()');
    if (tables.length === 0 && mode === 'write') {
      await db.run('BEGIN TRANSACTION');
      for (const statement of ddl) await db.run(statement);
      await db.run('COMMIT');
      return;
    }
    if (!tables.some(([name]) => name === 'whywait'))
      throw new StoreError('WW_STORE_CORRUPT', `${this.#file} is no run of whywait.`, 'Move it out of .whywait/.');
    const version = Number((await rows(db, 'SELECT version FROM whywait'))[0]?.[0]);
    if (version !== schemaVersion)
      throw new StoreError(
        'WW_STORE_VERSION',
        `${this.#file} has schema ${version}, this whywait reads ${schemaVersion}.`,
        'Read it with the version of whywait that wrote it.',
      );
    for (const [id, text] of await rows(db, 'SELECT id, text FROM texts')) {
      this.#texts[Number(id)] = String(text);
      this.#textIds.set(String(text), Number(id));
    }
    for (const [id, name, file, line] of await rows(db, 'SELECT id, "function", file, line FROM functions')) {
      this.#functions[Number(id)] = { text: Number(name), file: Number(file), line: Number(line) };
      this.#functionIds.set(`${name} ${file} ${line}`, Number(id));
    }
    for (const row of await rows(
      db,
      'SELECT process, token, pid, ppid, thread, service, runtime, script, origin FROM processes ORDER BY process',
    )) {
      const [number, token, pid, ppid, thread, service, runtime, script, origin] = row;
      const process = new Process({
        number: Number(number),
        pid: Number(pid),
        ppid: Number(ppid),
        thread: Number(thread),
        service: String(service),
        runtime: String(runtime),
        script: String(script),
        origin: origin as bigint,
      });
      this.#processes[process.info.number] = process;
      this.#byToken.set(String(token), process);
    }
    for (const [process, number, count] of await rows(db, 'SELECT process, number, spans FROM batches')) {
      this.#processes[Number(process)]?.stored.add(Number(number));
      this.#spans += Number(count);
      this.#batches++;
    }
    if (mode === 'read') return;
    for (const row of await rows(db, 'SELECT process, kind, id, of FROM ids')) {
      const [of, kind, id, known] = row.map(Number) as [number, number, number, number];
      const process = this.#processes[of];
      if (process === undefined) continue;
      if (kind === IdKind.text) {
        process.texts = roomFor(process.texts, id + 1);
        process.texts[id] = known;
      } else {
        process.functions = roomFor(process.functions, id + 1);
        process.functions[id] = known;
      }
    }
  }

  async #openSinks(): Promise<void> {
    const open = async (table: string, columnTypes: readonly DuckDBType[]) =>
      this.#sinks.set(table, new Sink(await this.#writer.createAppender(table), columnTypes));
    await open('texts', [INTEGER, VARCHAR]);
    await open('batches', [UINTEGER, UINTEGER, UINTEGER]);
    await open('ids', [UINTEGER, UINTEGER, UINTEGER, UINTEGER]);
    for (const table of batchTables)
      await open(
        table.name,
        storedColumns(table).map(({ type }) => types[type]),
      );
  }

  /** Ends when what was appended before is stored. */
  async close(): Promise<void> {
    const refusal = this.#refusal;
    while (this.#draining || this.#queue.length > 0) await this.#between(async () => undefined);
    this.#refusal ??= new StoreError('WW_STORE_FAILED', `${this.#file} is closed.`, 'Open it again.');
    await this.#between(async () => {
      if (refusal === undefined) {
        try {
          for (const sink of this.#sinks.values()) sink.close();
          await this.#writer.run('CHECKPOINT');
        } catch {
          // The log beside the file holds the rest; whoever opens it next replays that.
        }
      }
      this.#shut();
    });
  }

  #shut(): void {
    this.#sinks.clear();
    try {
      for (const reader of this.#readers.splice(0)) reader.closeSync();
      this.#writer.closeSync();
      this.#instance.closeSync();
    } catch {
      // An instance that broke may refuse even this; there is nothing left to do with it.
    }
  }

  // ——— reading

  async words(): Promise<Words> {
    return {
      texts: this.#texts.slice(),
      functions: this.#functions.map(
        ({ text, file, line }): FunctionInfo => ({ function: this.#texts[text]!, file: this.#texts[file]!, line }),
      ),
      processes: this.#processes.map(({ info }) => info),
    };
  }

  async totals(): Promise<Totals> {
    const [row] = await this.#ask(
      `SELECT count(*), coalesce(min("start"), 0), coalesce(max("start" + CAST(duration AS BIGINT)), 0) FROM spans`,
    );
    return {
      spans: Number(row![0]),
      batches: this.#batches,
      firstStart: BigInt(row![1] as bigint),
      lastEnd: BigInt(row![2] as bigint),
    };
  }

  async counters(): Promise<CounterTotal[]> {
    const found = await this.#ask(
      `SELECT c.text, d.text, sum(value) FROM counters
       JOIN ${texts} c ON c.id = counter JOIN ${texts} d ON d.id = detail GROUP BY ALL ORDER BY 1, 2`,
    );
    return found.map(([counter, detail, value]) => ({
      counter: String(counter),
      detail: String(detail),
      value: Number(value),
    }));
  }

  async pauses(): Promise<PauseTotal[]> {
    // A request's handler that is no function of the user's is known by its span.
    const found = await this.#ask(
      `SELECT p.kind, p.process, p."function", coalesce(r.operation, 0), count(*), sum(p.duration) AS total, max(p.duration)
       FROM pauses p LEFT JOIN (SELECT DISTINCT span, traceHi, traceLo, operation FROM spans WHERE kind = ${Kind.server}) r
         ON p."function" = 0 AND r.span = p.span AND r.traceHi = p.traceHi AND r.traceLo = p.traceLo
       GROUP BY 1, 2, 3, 4 ORDER BY total DESC, 1, 2, 3, 4`,
    );
    return found.map(([kind, process, of, request, count, sum, longest]) => ({
      kind: Number(kind) as Pause,
      process: Number(process),
      function: Number(of),
      request: this.#texts[Number(request)] ?? '',
      count: Number(count),
      sum: Number(sum),
      longest: Number(longest),
    }));
  }

  /** Whole traces, some thousand spans at a time; the next block is read when `onBlock` resolved. */
  async scan(only: { hi: bigint; lo: bigint } | undefined, onBlock: (block: Block) => Promise<void>): Promise<void> {
    const [spanReader, waitReader] = [await this.#reader(), await this.#reader()];
    try {
      // Both begin while nothing is being written, so that they see the same moment. The transaction of a
      // connection begins with its first look at a table.
      await this.#between(async () => {
        for (const reader of [spanReader, waitReader]) {
          await reader.run('BEGIN TRANSACTION');
          await reader.run('SELECT version FROM whywait');
        }
      });
      const base = earliest(this.#processes.slice(1).map(({ info }) => info.origin));
      await scanBlocks(spanReader, waitReader, only, base, onBlock);
    } catch (error) {
      throw storeError(error, this.#file);
    } finally {
      for (const reader of [spanReader, waitReader]) {
        await reader.run('ROLLBACK').then(
          () => this.#readers.push(reader),
          () => reader.closeSync(),
        );
      }
    }
  }

  async trace(hi: bigint, lo: bigint): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const blocks: Block[] = [];
    await this.scan({ hi, lo }, async (block) => {
      blocks.push(block);
    });
    return blocks.length === 0 ? undefined : traceBatch(blocks, await this.words());
  }

  async traces(question: TracesQuestion): Promise<TraceList> {
    const limit = Math.min(1000, Math.max(1, Math.floor(question.limit ?? 50)));
    const { sql, values } = this.#matching(question);
    if (sql === undefined) return { total: 0, traces: [] };
    // Row r of n, slowest first, is chosen when the share of the limit that falls to rows 1..r gains a whole.
    const chosen = await this.#ask(
      `WITH matching AS (${sql}),
       ranked AS (SELECT *, row_number() OVER (ORDER BY d DESC, traceHi, traceLo) AS r, count(*) OVER () AS n FROM matching)
       SELECT traceHi, traceLo, d, n FROM ranked
       WHERE n <= ${limit} OR r = 1 OR ((r - 1) * ${limit}) // n > ((r - 2) * ${limit}) // n ORDER BY r`,
      values,
    );
    if (chosen.length === 0) return { total: 0, traces: [] };
    const about = new Map<string, Value[]>();
    for (const row of await this.#ask(
      `SELECT traceHi, traceLo, min("start"), count(*), count(*) FILTER (error <> 0),
         arg_min(operation, "start" - (parent = 0)::BIGINT * ${day}), arg_min(process, "start" - (parent = 0)::BIGINT * ${day})
       FROM spans WHERE (traceHi, traceLo) IN (${chosen.map(([hi, lo]) => `(${hi}::UBIGINT, ${lo}::UBIGINT)`).join(', ')})
       GROUP BY traceHi, traceLo`,
    ))
      about.set(`${row[0]} ${row[1]}`, row);
    const traces = chosen.map(([hi, lo, d]): TraceSummary => {
      const [, , start, count, errors, operation, process] = about.get(`${hi} ${lo}`)!;
      return {
        trace: traceHex(hi as bigint, lo as bigint),
        startMs: Number((start as bigint) / 1000n) / 1000,
        durationMs: Number(d) / 1e6,
        operation: this.#texts[Number(operation)] ?? '',
        service: this.#processes[Number(process)]?.info.service ?? '',
        spans: Number(count),
        errors: Number(errors),
      };
    });
    return { total: Number(chosen[0]![3]), traces };
  }

  /** SQL for the traces asked for, each with the duration `d` to rank it by. */
  #matching(question: TracesQuestion): { sql: string | undefined; values: Value[] } {
    const none = { sql: undefined, values: [] };
    const parts: string[] = [];
    const spansWhere = (where: string) =>
      parts.push(
        `SELECT traceHi, traceLo, max(duration) AS d FROM spans WHERE ${where} AND (traceHi <> 0 OR traceLo <> 0) GROUP BY ALL`,
      );
    if (question.function !== undefined) {
      const ids: number[] = [];
      for (let id = 1; id < this.#functions.length; id++) {
        const { text, file, line } = this.#functions[id]!;
        if (this.#texts[text] !== question.function) continue;
        if (question.file !== undefined && this.#texts[file] !== question.file) continue;
        if (question.line !== undefined && line !== question.line) continue;
        ids.push(id);
      }
      if (ids.length === 0) return none;
      spansWhere(`kind = ${Kind.internal} AND "function" IN (${ids.join(', ')})`);
    }
    if (question.request !== undefined) {
      const id = this.#textIds.get(question.request);
      if (id === undefined) return none;
      spansWhere(`kind = ${Kind.server} AND operation = ${id}`);
    }
    if (question.service !== undefined) {
      const id = this.#textIds.get(question.service);
      if (id === undefined) return none;
      spansWhere(`service = ${id}`);
    }
    if (parts.length === 0) spansWhere('parent = 0');
    const [first, ...others] = parts;
    const sql = others.reduce(
      (left, right, i) => `SELECT l${i}.* FROM (${left}) l${i} SEMI JOIN (${right}) r${i} USING (traceHi, traceLo)`,
      first!,
    );
    return { sql, values: [] };
  }

  async holders(): Promise<HolderRow[]> {
    return (await this.#ask(holdersSql)).map(
      ([process, waiter, holder, ns]): HolderRow => ({
        process: Number(process),
        function: Number(waiter),
        holder: Number(holder),
        ns: Number(ns),
      }),
    );
  }

  async rollup(of: RollupKind): Promise<RollupRow[]> {
    const { keys, where } = rollups[of];
    const [range] = await this.#ask('SELECT coalesce(min(weight), 1), coalesce(max(weight), 1) FROM spans');
    const isSampled = Number(range![1]) > 1;
    // Spans that do not know their weight have that of the head of their trace.
    const isTold = isSampled && Number(range![0]) === 0;
    const heads = `LEFT JOIN (SELECT traceHi, traceLo, max(weight) AS head FROM spans
      WHERE weight > 1 AND (traceHi <> 0 OR traceLo <> 0) GROUP BY ALL) USING (traceHi, traceLo)`;
    const w = isTold ? 'CASE WHEN weight > 0 THEN weight ELSE coalesce(head, 1) END' : isSampled ? 'weight' : '1';
    const found = await this.#ask(
      `WITH buckets AS (
         SELECT ${keys}, CASE WHEN duration >= 1 THEN CAST(floor(log2(duration) * ${bucketsPerDoubling}) AS INTEGER) ELSE 0 END AS bucket,
           sum(${w}) AS calls, coalesce(sum(${w}) FILTER (error <> 0), 0) AS errors, sum(duration * ${w}) AS total
         FROM spans JOIN processes USING (process) ${isTold ? heads : ''} WHERE ${where} GROUP BY ALL ORDER BY bucket)
       SELECT a, b, sum(calls), sum(errors), sum(total) AS total, list(bucket ORDER BY bucket), list(calls ORDER BY bucket)
       FROM buckets GROUP BY a, b ORDER BY total DESC, a, b`,
    );
    return found.map(([a, b, calls, errors, sum, buckets, counts]): RollupRow => {
      const info = of === 'functions' ? this.#functions[Number(a)]! : undefined;
      return {
        name: this.#texts[info?.text ?? Number(a)] ?? '',
        file: info === undefined ? '' : this.#texts[info.file]!,
        line: info?.line ?? 0,
        of: of === 'services' ? (this.#texts[Number(b)] ?? '') : String(b),
        calls: Number(calls),
        errors: Number(errors),
        sum: Number(sum),
        histogram: {
          buckets: Int32Array.from(items(buckets), Number),
          counts: Float64Array.from(items(counts), Number),
        },
      };
    });
  }

  async #reader(): Promise<DuckDBConnection> {
    return this.#readers.pop() ?? (await this.#instance.connect());
  }

  async #ask(sql: string, values: Value[] = []): Promise<Value[][]> {
    try {
      const reader = await this.#reader();
      const answer = await rows(reader, sql, values);
      this.#readers.push(reader);
      return answer;
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }
}

/** Shorter waits for a connection are nobody's fault. */
const longPoolNs = 1e6;
/** Waits that are looked into at most: of more, every so many stand for the others. */
const mostPoolWaits = 2_000;

/**
 * A connection is held from the first byte of a request until its answer; and until the next request, where that is
 * of the same function's call (a transaction), or was asked before (it queued for the connection, which was not free).
 *
 *   connection 1   ├──a──┤┄┄┄┄├──a──┤┄├─────w──────┤        ┄ held, too
 *   connection 2   ├────────b─────────┤    ├───c───┤
 *   w waits              ├────────────┤                     for what a, and b, hold
 */
const holdersSql = `
  WITH waits AS (
    SELECT *, (count(*) OVER () + ${mostPoolWaits - 1}) // ${mostPoolWaits} AS times, row_number() OVER (ORDER BY since) AS n
    FROM (SELECT process, service, "function" AS waiter, "start" AS since, "start" + CAST(pool AS BIGINT) AS til
          FROM spans WHERE kind = ${Kind.client} AND pool >= ${longPoolNs} AND "function" <> 0)
    QUALIFY n % times = 0),
  uses AS (
    SELECT process, service, connection, "function" AS holder, parent, "start" AS asked,
      "start" + CAST(pool + dns + "connect" + tls AS BIGINT) AS sent, "start" + CAST(duration AS BIGINT) AS answered
    FROM spans SEMI JOIN (SELECT DISTINCT process, service FROM waits) USING (process, service)
    WHERE kind = ${Kind.client} AND connection <> 0),
  holds AS (
    SELECT process, service, holder, sent AS since,
      CASE WHEN lead(asked) OVER next <= answered OR (lead(parent) OVER next = parent AND parent <> 0)
        THEN greatest(answered, lead(sent) OVER next) ELSE answered END AS til
    FROM uses WINDOW next AS (PARTITION BY process, connection ORDER BY sent))
  SELECT process, waiter, holder, sum((least(holds.til, waits.til) - greatest(holds.since, waits.since)) * times) AS ns
  FROM waits JOIN holds USING (process, service)
  WHERE holder <> 0 AND holds.since < waits.til AND holds.til > waits.since
  GROUP BY ALL ORDER BY ns DESC, process, waiter, holder`;

const rollups: Record<RollupKind, { keys: string; where: string }> = {
  functions: { keys: '"function" AS a, processes.service AS b', where: `kind = ${Kind.internal}` },
  services: {
    keys: 'spans.service AS a, protocol AS b',
    where: `kind IN (${Kind.client}, ${Kind.producer}, ${Kind.consumer})`,
  },
  requests: { keys: 'operation AS a, processes.service AS b', where: `kind = ${Kind.server}` },
};

/** The table of texts, with the empty one that is in no file. */
const texts = "(SELECT id, text FROM texts UNION ALL SELECT 0, '')";
/** Enough that a root comes before any other span, however the clocks differ. */
const day = 86_400_000_000_000n;

type Value = string | number | bigint | boolean | object | null;

async function rows(connection: DuckDBConnection, sql: string, values: Value[] = []): Promise<Value[][]> {
  const result = values.length === 0 ? await connection.run(sql) : await connection.run(sql, values as string[]);
  return (await result.getRows()) as Value[][];
}

const items = (list: Value | undefined): readonly Value[] => (list as { items: readonly Value[] }).items;

async function connect(file: string, mode: 'write' | 'read', { memoryLimit }: DuckDbOptions) {
  const instance = await DuckDBInstance.create(file, {
    ...config,
    ...(memoryLimit === undefined ? {} : { memory_limit: memoryLimit }),
    access_mode: mode === 'read' ? 'READ_ONLY' : 'READ_WRITE',
  });
  return { instance, connection: await instance.connect() };
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

// ——— copying columns into vectors

/** Reused for what is worked on value by value. */
const words = new Uint32Array(chunkRows);
const halves = new Uint32Array(2 * chunkRows);

const bytesOf: Record<string, number> = {};
for (const { columns } of [...batchTables, spans, waits]) for (const { type } of columns) bytesOf[type] = width(type);

function copy(vector: duckdb.Vector, values: AnyColumn, from: number, count: number): void {
  const size = values.BYTES_PER_ELEMENT;
  duckdb.copy_data_to_vector(vector, 0, values.buffer as ArrayBuffer, values.byteOffset + from * size, count * size);
}

/** One NaN would spoil every sum it is in, and stop every cast: what cannot be a measurement becomes 0. */
function makeFinite(values: Float64Array, from: number, count: number): void {
  for (let i = from; i < from + count; i++) if (!(Math.abs(values[i]!) < 2 ** 53)) values[i] = 0;
}

/** Copies ids as what they are in the run; an id that was never sent is 0. */
function copyMapped(vector: duckdb.Vector, ids: AnyColumn, from: number, count: number, map: Int32Array | Uint32Array) {
  for (let i = 0; i < count; i++) words[i] = map[ids[from + i] as number] ?? 0;
  copy(vector, words, 0, count);
}

/** Copies times as epoch ns: origin + time in 64 bits, by halves, since a BigInt a value costs ten times as much. */
function copyTimes(vector: duckdb.Vector, times: AnyColumn, from: number, count: number, origin: bigint): void {
  const originLow = Number(BigInt.asUintN(32, origin));
  const originHigh = Number(BigInt.asIntN(32, origin >> 32n));
  for (let i = 0; i < count; i++) {
    const given = times[from + i] as number;
    const time = Number.isFinite(given) && Math.abs(given) < 2 ** 53 ? Math.round(given) : 0;
    const high = Math.floor(time / 2 ** 32);
    const low = originLow + (time - high * 2 ** 32);
    halves[2 * i] = low;
    halves[2 * i + 1] = originHigh + high + (low >= 2 ** 32 ? 1 : 0);
  }
  duckdb.copy_data_to_vector(vector, 0, halves.buffer, 0, count * 8);
}

function counting(first: number, count: number): AnyColumn {
  for (let i = 0; i < count; i++) words[i] = first + i;
  return words;
}

function roomFor<T extends Int32Array | Uint32Array>(map: T, size: number): T {
  if (size <= map.length) return map;
  const larger = new (map.constructor as new (length: number) => T)(Math.max(size, 2 * map.length));
  larger.set(map);
  return larger;
}
