// Reads a run trace by trace: two sorted streams, spans and waits, are walked side by side and cut into blocks of
// whole traces.
//
//   spans  | a a a | b b | c c c c … |        block:  spans   a a a b b
//   waits  | a     | b b | c         |                waits   a b b
//                                                     ends    3 5 / 1 3

import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { type AnyColumn, type AnyColumns, newColumn, width } from '../model/batch.ts';
import { type Column, type SpanColumns, spans, type Table, type WaitColumns, waits } from '../model/schema.ts';
import type { TraceColumns } from '../model/trace.ts';
import { GrowingColumns } from './columns.ts';
import { storedColumns } from './ddl.ts';

/** Whole traces, one after the other; trace i's spans end at spanEnds[i]. */
export interface Block {
  readonly traceHi: BigUint64Array<ArrayBuffer>;
  readonly traceLo: BigUint64Array<ArrayBuffer>;
  /** Epoch ns of each trace's first start, which its times count from. */
  readonly origins: BigInt64Array<ArrayBuffer>;
  readonly spanEnds: Uint32Array<ArrayBuffer>;
  readonly waitEnds: Uint32Array<ArrayBuffer>;
  /** With the column `process`. */
  readonly spans: AnyColumns;
  readonly waits: AnyColumns;
}

/** A block is handed over once it has this many spans. */
const blockSpans = 16_384;

export async function scanBlocks(
  spanConnection: DuckDBConnection,
  waitConnection: DuckDBConnection,
  only: { hi: bigint; lo: bigint } | undefined,
  base: bigint,
  onBlock: (block: Block) => Promise<void>,
): Promise<void> {
  const spanRows = await Cursor.open(spanConnection, spans, 'duration DESC, span', only, base);
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
    block.end();
    if (block.spans.rows >= blockSpans) {
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
    const layout = storedColumns(table);
    const where = only === undefined ? '' : `WHERE traceHi = ${only.hi}::UBIGINT AND traceLo = ${only.lo}::UBIGINT`;
    const cursor = new Cursor(
      layout,
      await connection.stream(
        `SELECT ${layout.map(({ name }) => `"${name}"`).join(', ')} FROM ${table.name} ${where}
         ORDER BY traceHi, traceLo, "start", ${then}`,
      ),
      base,
    );
    await cursor.#load();
    return cursor;
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

class BlockBuilder {
  readonly spans = new GrowingColumns(storedColumns(spans), blockSpans);
  readonly waits = new GrowingColumns(storedColumns(waits), blockSpans);
  readonly #base: bigint;
  readonly #hi: bigint[] = [];
  readonly #lo: bigint[] = [];
  readonly #spanEnds: number[] = [];
  readonly #waitEnds: number[] = [];

  constructor(base: bigint) {
    this.#base = base;
  }

  begin(hi: bigint, lo: bigint): void {
    this.#hi.push(hi);
    this.#lo.push(lo);
  }

  end(): void {
    this.#spanEnds.push(this.spans.rows);
    this.#waitEnds.push(this.waits.rows);
  }

  build(): Block {
    const spanColumns = this.spans.take();
    const waitColumns = this.waits.take();
    const spanStarts = spanColumns['start'] as Float64Array;
    const waitStarts = waitColumns['start'] as Float64Array;
    const origins = new BigInt64Array(this.#spanEnds.length);
    for (let i = 0, span = 0, wait = 0; i < origins.length; i++) {
      const first = spanStarts[span]!;
      origins[i] = this.#base + BigInt(first);
      for (; span < this.#spanEnds[i]!; span++) spanStarts[span]! -= first;
      for (; wait < this.#waitEnds[i]!; wait++) waitStarts[wait]! -= first;
    }
    return {
      traceHi: BigUint64Array.from(this.#hi),
      traceLo: BigUint64Array.from(this.#lo),
      origins,
      spanEnds: Uint32Array.from(this.#spanEnds),
      waitEnds: Uint32Array.from(this.#waitEnds),
      spans: spanColumns,
      waits: waitColumns,
    };
  }
}

/** The traces of a block, as views of its columns. */
export function* tracesOf(block: Block): Generator<TraceColumns> {
  let [span, wait] = [0, 0];
  for (let i = 0; i < block.spanEnds.length; i++) {
    const [spanEnd, waitEnd] = [block.spanEnds[i]!, block.waitEnds[i]!];
    yield {
      traceHi: block.traceHi[i]!,
      traceLo: block.traceLo[i]!,
      origin: block.origins[i]!,
      spans: part(spans, block.spans, span, spanEnd) as unknown as SpanColumns,
      process: block.spans['process']!.subarray(span, spanEnd) as Uint32Array,
      waits: part(waits, block.waits, wait, waitEnd) as unknown as WaitColumns,
    };
    [span, wait] = [spanEnd, waitEnd];
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
    ...Object.values(block.spans),
    ...Object.values(block.waits),
  ].map((column) => column.buffer as ArrayBuffer);

/** The least of some times; 0 when there is none. */
export function earliest(times: readonly bigint[]): bigint {
  let least = times[0] ?? 0n;
  for (const time of times) if (time < least) least = time;
  return least;
}
