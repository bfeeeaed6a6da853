// Reads a run trace by trace: two sorted streams, spans and waits, are walked side by side and cut into blocks of
// whole traces. The pauses of a process belong to every trace that it worked on meanwhile.
//
//   spans  | a a a | b b | c c c c … |        block:  spans   a a a b b
//   waits  | a     | b b | c         |                waits   a b b
//   pauses   p     p       p                          pauses  p p p          (the second is in a and in b)
//                                                     ends    3 5 / 1 3 / 2 3

import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { type AnyColumn, type AnyColumns, newColumn, width } from '../model/batch.ts';
import {
  type Column,
  type PauseColumns,
  pauses,
  type SpanColumns,
  spans,
  type Table,
  type WaitColumns,
  waits,
} from '../model/schema.ts';
import type { TraceColumns } from '../model/trace.ts';
import { GrowingColumns } from './columns.ts';
import { storedColumns } from './ddl.ts';

/** Whole traces, one after the other; trace i's spans end at spanEnds[i], its pauses at pauseEnds[i]. */
export interface Block {
  readonly traceHi: BigUint64Array<ArrayBuffer>;
  readonly traceLo: BigUint64Array<ArrayBuffer>;
  /** Epoch ns of each trace's first start, which its times count from. */
  readonly origins: BigInt64Array<ArrayBuffer>;
  readonly spanEnds: Uint32Array<ArrayBuffer>;
  readonly waitEnds: Uint32Array<ArrayBuffer>;
  readonly pauseEnds: Uint32Array<ArrayBuffer>;
  /** With the column `process`. */
  readonly spans: AnyColumns;
  readonly waits: AnyColumns;
  readonly pauses: AnyColumns;
}

/** A block is handed over once it has this many spans or pauses. */
const blockSpans = 16_384;

export async function scanBlocks(
  spanConnection: DuckDBConnection,
  waitConnection: DuckDBConnection,
  only: { hi: bigint; lo: bigint } | undefined,
  base: bigint,
  onBlock: (block: Block) => Promise<void>,
): Promise<void> {
  const spanRows = await Cursor.open(spanConnection, spans, 'duration DESC, span', only, base);
  const paused = await Pauses.read(waitConnection, base);
  const waitRows = await Cursor.open(waitConnection, waits, 'span', only, base);
  let block = new BlockBuilder(base);
  while (!spanRows.ended) {
    const [hi, lo] = [spanRows.hi, spanRows.lo];
    // Spans of no trace are many and have nothing to do with each other: they need not come at once.
    const most = hi === 0n && lo === 0n ? blockSpans : Number.POSITIVE_INFINITY;
    block.begin(hi, lo);
    await spanRows.takeTrace(hi, lo, most, block.spans);
    await waitRows.skipBefore(hi, lo);
    await waitRows.takeTrace(hi, lo, Number.POSITIVE_INFINITY, block.waits);
    block.end(hi === 0n && lo === 0n ? undefined : paused);
    if (Math.max(block.spans.rows, block.pauses.rows) >= blockSpans) {
      await onBlock(block.build());
      block = new BlockBuilder(base);
    }
  }
  if (block.spans.rows > 0) await onBlock(block.build());
}

/** One sorted stream of rows, a chunk at a time. */
class Cursor {
  readonly #layout: readonly Column[];
  readonly #result: DuckDBResult;
  readonly #base: bigint;
  readonly #hiAt: number;
  readonly #loAt: number;
  #columns: AnyColumn[] = [];
  #rows = 0;
  #at = 0;
  ended = false;

  private constructor(layout: readonly Column[], result: DuckDBResult, base: bigint) {
    this.#layout = layout;
    this.#result = result;
    this.#base = base;
    this.#hiAt = layout.findIndex(({ name }) => name === 'traceHi');
    this.#loAt = layout.findIndex(({ name }) => name === 'traceLo');
  }

  static async open(
    connection: DuckDBConnection,
    table: Table,
    then: string,
    only: { hi: bigint; lo: bigint } | undefined,
    base: bigint,
  ): Promise<Cursor> {
    const where = only === undefined ? '' : `WHERE traceHi = ${only.hi}::UBIGINT AND traceLo = ${only.lo}::UBIGINT`;
    return Cursor.#select(connection, table, `${where} ORDER BY traceHi, traceLo, "start", ${then}`, base);
  }

  /** A whole table. */
  static all(connection: DuckDBConnection, table: Table, order: string, base: bigint): Promise<Cursor> {
    return Cursor.#select(connection, table, `ORDER BY ${order}`, base);
  }

  static async #select(connection: DuckDBConnection, table: Table, which: string, base: bigint): Promise<Cursor> {
    const layout = storedColumns(table);
    const names = layout.map(({ name }) => `"${name}"`).join(', ');
    const cursor = new Cursor(layout, await connection.stream(`SELECT ${names} FROM ${table.name} ${which}`), base);
    await cursor.#load();
    return cursor;
  }

  async takeAll(into: GrowingColumns): Promise<void> {
    while (!this.ended) {
      into.push(this.#columns, this.#at, this.#rows);
      await this.#load();
    }
  }

  get hi(): bigint {
    return this.#columns[this.#hiAt]![this.#at] as bigint;
  }

  get lo(): bigint {
    return this.#columns[this.#loAt]![this.#at] as bigint;
  }

  /** Moves the rows of a trace, at most about `most`, into `into`. */
  async takeTrace(hi: bigint, lo: bigint, most: number, into: GrowingColumns): Promise<void> {
    const enough = into.rows + most;
    while (!this.ended && this.hi === hi && this.lo === lo && into.rows < enough) {
      const end = this.#endOf(hi, lo);
      into.push(this.#columns, this.#at, end);
      this.#at = end;
      if (end === this.#rows) await this.#load();
    }
  }

  /** Passes over rows of traces before this one: their spans are not stored (yet). */
  async skipBefore(hi: bigint, lo: bigint): Promise<void> {
    while (!this.ended && (this.hi < hi || (this.hi === hi && this.lo < lo))) {
      if (++this.#at === this.#rows) await this.#load();
    }
  }

  #endOf(hi: bigint, lo: bigint): number {
    const his = this.#columns[this.#hiAt] as BigUint64Array;
    const los = this.#columns[this.#loAt] as BigUint64Array;
    let end = this.#at + 1;
    while (end < this.#rows && his[end] === hi && los[end] === lo) end++;
    return end;
  }

  async #load(): Promise<void> {
    this.#at = 0;
    const chunk = await this.#result.fetchChunk();
    this.#rows = chunk?.rowCount ?? 0;
    this.ended = chunk === null || this.#rows === 0;
    if (chunk === null || this.ended) return;
    this.#columns = this.#layout.map(({ type }, i) => {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, i);
      const bytes = duckdb.vector_get_data(vector, this.#rows * width(type));
      const column = newColumn(type, this.#rows);
      if (type === 'time') readTimes(bytes, column as Float64Array, this.#base);
      else new Uint8Array(column.buffer).set(bytes);
      return column;
    });
  }
}

/** Epoch ns as ns since `base`, exactly as long as they are within 104 days of it. */
function readTimes(bytes: Uint8Array, into: Float64Array, base: bigint): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const baseLow = Number(BigInt.asUintN(32, base));
  const baseHigh = Number(base >> 32n);
  for (let i = 0; i < into.length; i++) {
    into[i] = (view.getInt32(8 * i + 4, true) - baseHigh) * 2 ** 32 + (view.getUint32(8 * i, true) - baseLow);
  }
}

/** All pauses of the run: few beside its spans. */
class Pauses {
  readonly #rows: readonly AnyColumn[];
  /** By process: its first row, and the row after its last. */
  readonly #of = new Map<number, [number, number]>();
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** By row: the latest end of the process's pauses up to it. */
  readonly #reach: Float64Array;

  private constructor(rows: readonly AnyColumn[]) {
    this.#rows = rows;
    const process = rows[processAt] as Uint32Array;
    const durations = rows[durationAt] as Float64Array;
    this.#starts = rows[startAt] as Float64Array;
    this.#ends = this.#starts.map((start, row) => start + durations[row]!);
    this.#reach = this.#ends.slice();
    for (let row = 0; row < process.length; row++) {
      const of = this.#of.get(process[row]!);
      if (of === undefined) this.#of.set(process[row]!, [row, row + 1]);
      else {
        of[1] = row + 1;
        if (this.#reach[row - 1]! > this.#reach[row]!) this.#reach[row] = this.#reach[row - 1]!;
      }
    }
  }

  static async read(connection: DuckDBConnection, base: bigint): Promise<Pauses> {
    const rows = new GrowingColumns(pauseLayout);
    const cursor = await Cursor.all(connection, pauses, 'process, "start", duration', base);
    await cursor.takeAll(rows);
    return new Pauses(Object.values(rows.take()));
  }

  /** Adds to `into` what overlaps the spans of `spans` from row `first` on, process by process. */
  during(spanRows: GrowingColumns, first: number, into: GrowingColumns): void {
    if (this.#of.size === 0) return;
    const extents = new Map<number, [number, number]>();
    const [process, starts, durations] = spanPlaces.map((at) => spanRows.column(at)) as [
      Uint32Array,
      Float64Array,
      Float64Array,
    ];
    for (let row = first; row < spanRows.rows; row++) {
      if (!this.#of.has(process[row]!)) continue;
      const [start, end] = [starts[row]!, starts[row]! + durations[row]!];
      const extent = extents.get(process[row]!);
      if (extent === undefined) extents.set(process[row]!, [start, end]);
      else {
        if (start < extent[0]) extent[0] = start;
        if (end > extent[1]) extent[1] = end;
      }
    }
    for (const [of, [start, end]] of [...extents].sort(([a], [b]) => a - b)) {
      const [from, to] = this.#of.get(of)!;
      for (let row = this.#firstAfter(start, from, to); row < to && this.#starts[row]! < end; row++)
        if (this.#ends[row]! > start) into.push(this.#rows, row, row + 1);
    }
  }

  /** The first row whose reach, or a later one's, goes beyond a time. */
  #firstAfter(time: number, from: number, to: number): number {
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#reach[middle]! > time) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}

const pauseLayout = storedColumns(pauses);
const [processAt, startAt, durationAt] = ['process', 'start', 'duration'].map((wanted) =>
  pauseLayout.findIndex(({ name }) => name === wanted),
) as [number, number, number];
const spanPlaces = ['process', 'start', 'duration'].map((wanted) =>
  storedColumns(spans).findIndex(({ name }) => name === wanted),
);

class BlockBuilder {
  readonly spans = new GrowingColumns(storedColumns(spans), blockSpans);
  readonly waits = new GrowingColumns(storedColumns(waits), blockSpans);
  readonly pauses = new GrowingColumns(storedColumns(pauses), 256);
  readonly #base: bigint;
  readonly #hi: bigint[] = [];
  readonly #lo: bigint[] = [];
  readonly #spanEnds: number[] = [];
  readonly #waitEnds: number[] = [];
  readonly #pauseEnds: number[] = [];
  #firstSpan = 0;

  constructor(base: bigint) {
    this.#base = base;
  }

  begin(hi: bigint, lo: bigint): void {
    this.#hi.push(hi);
    this.#lo.push(lo);
  }

  end(paused: Pauses | undefined): void {
    paused?.during(this.spans, this.#firstSpan, this.pauses);
    weigh(this.spans, this.#firstSpan, paused !== undefined);
    this.#firstSpan = this.spans.rows;
    this.#spanEnds.push(this.spans.rows);
    this.#waitEnds.push(this.waits.rows);
    this.#pauseEnds.push(this.pauses.rows);
  }

  build(): Block {
    const spanColumns = this.spans.take();
    const waitColumns = this.waits.take();
    const spanStarts = spanColumns['start'] as Float64Array;
    const waitStarts = waitColumns['start'] as Float64Array;
    const pauseColumns = this.pauses.take();
    const pauseStarts = pauseColumns['start'] as Float64Array;
    const origins = new BigInt64Array(this.#spanEnds.length);
    for (let i = 0, span = 0, wait = 0, pause = 0; i < origins.length; i++) {
      const first = spanStarts[span]!;
      origins[i] = this.#base + BigInt(first);
      for (; span < this.#spanEnds[i]!; span++) spanStarts[span]! -= first;
      for (; wait < this.#waitEnds[i]!; wait++) waitStarts[wait]! -= first;
      for (; pause < this.#pauseEnds[i]!; pause++) pauseStarts[pause]! -= first;
    }
    return {
      traceHi: BigUint64Array.from(this.#hi),
      traceLo: BigUint64Array.from(this.#lo),
      origins,
      spanEnds: Uint32Array.from(this.#spanEnds),
      waitEnds: Uint32Array.from(this.#waitEnds),
      pauseEnds: Uint32Array.from(this.#pauseEnds),
      spans: spanColumns,
      waits: waitColumns,
      pauses: pauseColumns,
    };
  }
}

const weightAt = storedColumns(spans).findIndex(({ name }) => name === 'weight');

/** Spans that do not know their weight have that of the head of their trace: the rows from `first` on. */
function weigh(spanRows: GrowingColumns, first: number, isTrace: boolean): void {
  const weights = spanRows.column(weightAt) as Uint32Array;
  let head = 1;
  if (isTrace) for (let row = first; row < spanRows.rows; row++) if (weights[row]! > head) head = weights[row]!;
  for (let row = first; row < spanRows.rows; row++) if (weights[row] === 0) weights[row] = head;
}

/** The traces of a block, as views of its columns. */
export function* tracesOf(block: Block): Generator<TraceColumns> {
  let [span, wait, pause] = [0, 0, 0];
  for (let i = 0; i < block.spanEnds.length; i++) {
    const [spanEnd, waitEnd, pauseEnd] = [block.spanEnds[i]!, block.waitEnds[i]!, block.pauseEnds[i]!];
    yield {
      traceHi: block.traceHi[i]!,
      traceLo: block.traceLo[i]!,
      origin: block.origins[i]!,
      spans: part(spans, block.spans, span, spanEnd) as unknown as SpanColumns,
      process: block.spans['process']!.subarray(span, spanEnd) as Uint32Array,
      waits: part(waits, block.waits, wait, waitEnd) as unknown as WaitColumns,
      pauses: part(pauses, block.pauses, pause, pauseEnd) as unknown as PauseColumns,
      pauseProcess: block.pauses['process']!.subarray(pause, pauseEnd) as Uint32Array,
    };
    [span, wait, pause] = [spanEnd, waitEnd, pauseEnd];
  }
}

function part(table: Table, columns: AnyColumns, from: number, to: number): AnyColumns {
  const views: AnyColumns = {};
  for (const { name } of table.columns) views[name] = columns[name]!.subarray(from, to);
  return views;
}

/** What a message of a block moves instead of copying. */
export const buffersOf = (block: Block): ArrayBuffer[] =>
  [
    block.traceHi,
    block.traceLo,
    block.origins,
    block.spanEnds,
    block.waitEnds,
    block.pauseEnds,
    ...Object.values(block.spans),
    ...Object.values(block.waits),
    ...Object.values(block.pauses),
  ].map((column) => column.buffer as ArrayBuffer);

/** The least of some times; 0 when there is none. */
export function earliest(times: readonly bigint[]): bigint {
  let least = times[0] ?? 0n;
  for (const time of times) if (time < least) least = time;
  return least;
}
