// Batch ⇄ bytes: the columns of every table, with the texts they name, as one block of bytes.
// The recorder ships it, the collector stores it, and the same layout carries a trace to the browser.
//
//   0       4         8         12        16          24
//   +-------+---------+---------+---------+-----------+----------------+---------+------------+
//   | WWB2  | process | number  | texts   | origin ns | first text id  | lengths | UTF-8      |  texts
//   |       | u32     | u32     | u32     | i64       | u32, bytes u32 | u32 …   |            |
//   +-------+---------+---------+---------+-----------+----------------+---------+------------+
//   for each table, in the schema's order:  rows u32, then each column, starting at a multiple of 8
//
// All little endian. Texts are numbered from `firstText` up; a batch carries only texts not yet sent.

import { batchTables, type ColumnsOf, type ColumnType, type Table } from './schema.ts';

export type BatchTables = { [T in (typeof batchTables)[number] as T['name']]: ColumnsOf<T> };

export interface Batch {
  /** Number that the collector gave the process (0 before it did). */
  readonly process: number;
  /** Counts the batches of a process from 1; the collector stores each number once. */
  readonly number: number;
  /** Epoch nanoseconds of the process's time 0; every `time` column counts from it. */
  readonly origin: bigint;
  /** Id of texts[0]. Id 0 is always ''. */
  readonly firstText: number;
  readonly texts: readonly string[];
  readonly tables: BatchTables;
}

export const batchMagic = 0x32425757; // "WWB2"
const headBytes = 32;

const widths: Record<ColumnType, number> = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8, f64: 8, time: 8, text: 4 };
const arrays = {
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  f64: Float64Array,
  time: Float64Array,
  text: Uint32Array,
} as const;

export type AnyColumn = InstanceType<(typeof arrays)[ColumnType]>;
export type AnyColumns = Record<string, AnyColumn>;

/** Bytes of one value of a column. */
export const width = (type: ColumnType): number => widths[type];

/** A new column for `rows` values. */
export const newColumn = (type: ColumnType, rows: number): AnyColumn => new arrays[type](rows);

/** New columns for `rows` rows of a table, all 0. */
export function newColumns<T extends Table>(table: T, rows: number): ColumnsOf<T> {
  const columns: AnyColumns = {};
  for (const { name, type } of table.columns) columns[name] = newColumn(type, rows);
  return columns as ColumnsOf<T>;
}

/** How many rows the columns have. */
export const rowCount = (columns: object): number => (Object.values(columns)[0] as AnyColumn | undefined)?.length ?? 0;

const align = (at: number) => (at + 7) & ~7;

/** Where a batch's bytes go: at least so many, starting at a multiple of 8. */
export type Room = (size: number) => Uint8Array<ArrayBuffer>;

const newRoom: Room = (size) => new Uint8Array(size);

/** A batch as bytes: the first of what `room` gives. */
export function encodeBatch(batch: Batch, room: Room = newRoom): Uint8Array<ArrayBuffer> {
  const texts = batch.texts.map((text) => new TextEncoder().encode(text));
  const textBytes = texts.reduce((sum, text) => sum + text.length, 0);
  let size = align(headBytes + 4 * texts.length + textBytes);
  for (const table of batchTables) {
    const rows = rowCount(batch.tables[table.name]);
    size += 8;
    for (const { type } of table.columns) size += align(rows * widths[type]);
  }
  const bytes = room(size).subarray(0, size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  view.setUint32(0, batchMagic, true);
  view.setUint32(4, batch.process, true);
  view.setUint32(8, batch.number, true);
  view.setUint32(12, texts.length, true);
  view.setBigInt64(16, batch.origin, true);
  view.setUint32(24, batch.firstText, true);
  view.setUint32(28, textBytes, true);
  let at = headBytes;
  for (const text of texts) {
    view.setUint32(at, text.length, true);
    at += 4;
  }
  for (const text of texts) {
    bytes.set(text, at);
    at += text.length;
  }
  bytes.fill(0, at, align(at));
  at = align(at);
  for (const table of batchTables) {
    const columns = batch.tables[table.name] as unknown as AnyColumns;
    view.setUint32(at, rowCount(columns), true);
    view.setUint32(at + 4, 0, true);
    at += 8;
    for (const { name } of table.columns) {
      const column = columns[name];
      bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
      bytes.fill(0, at + column.byteLength, at + align(column.byteLength));
      at += align(column.byteLength);
    }
  }
  return bytes;
}

/** Why bytes are no batch. */
export class BadBatch extends Error {
  readonly code = 'WW_BAD_BATCH';
}

/**
 * The batch in bytes; its columns are views of `bytes` when those start at a multiple of 8, copies otherwise.
 * @throws {BadBatch} when the magic, a length or a count does not fit the bytes.
 */
export function decodeBatch(given: Uint8Array): Batch {
  // A copy by constructor: the `slice` of a Buffer is no copy.
  const bytes = given.byteOffset % 8 === 0 ? given : new Uint8Array(given);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const need = (end: number) => {
    if (end > bytes.length) throw new BadBatch(`batch cut short: ${bytes.length} bytes of at least ${end}`);
  };
  need(headBytes);
  if (view.getUint32(0, true) !== batchMagic) throw new BadBatch('not a batch of this version');
  const count = view.getUint32(12, true);
  const textBytes = view.getUint32(28, true);
  need(headBytes + 4 * count + textBytes);
  const decoder = new TextDecoder();
  const texts: string[] = [];
  let at = headBytes + 4 * count;
  const textEnd = at + textBytes;
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(headBytes + 4 * i, true);
    if (at + length > textEnd) throw new BadBatch('a text is longer than the texts');
    texts.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  at = align(textEnd);
  const tables: Record<string, AnyColumns> = {};
  for (const table of batchTables) {
    need(at + 8);
    const rows = view.getUint32(at, true);
    at += 8;
    const columns: AnyColumns = {};
    for (const { name, type } of table.columns) {
      need(at + rows * widths[type]);
      columns[name] = new arrays[type](bytes.buffer as ArrayBuffer, bytes.byteOffset + at, rows);
      at += align(rows * widths[type]);
    }
    tables[table.name] = columns;
  }
  return {
    process: view.getUint32(4, true),
    number: view.getUint32(8, true),
    origin: view.getBigInt64(16, true),
    firstText: view.getUint32(24, true),
    texts,
    tables: tables as unknown as BatchTables,
  };
}
