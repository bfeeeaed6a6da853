// The tables of a run's file, made from the schema table of the house.

import { batchTables, type Column, type ColumnType, type Table } from '../model/schema.ts';

/** Raised when a table's columns change; a file of another version is refused with a clear error. */
export const schemaVersion = 3;

/** What each column type is in DuckDB. */
export const sqlTypes: Record<ColumnType, string> = {
  u8: 'UTINYINT',
  u16: 'USMALLINT',
  u32: 'UINTEGER',
  i32: 'INTEGER',
  u64: 'UBIGINT',
  f64: 'DOUBLE',
  time: 'BIGINT',
  text: 'INTEGER',
};

/** Tables whose rows are a process's; functions are the run's. */
export const ofProcess = (table: Table): boolean => table.name !== 'functions';

/** Columns in the file: the schema's, and whose row it is. */
export const storedColumns = (table: Table): readonly Column[] =>
  ofProcess(table)
    ? [{ name: 'process', type: 'u32', unit: '', meaning: 'row of processes' }, ...table.columns]
    : table.columns;

const create = (table: Table): string =>
  `CREATE TABLE ${table.name} (${storedColumns(table)
    .map(({ name, type }) => `"${name}" ${sqlTypes[type]} NOT NULL`)
    .join(', ')})`;

/** What makes an empty file a run's file. */
export const ddl: readonly string[] = [
  'CREATE TABLE whywait (version INTEGER NOT NULL)',
  'CREATE TABLE texts (id INTEGER NOT NULL, text VARCHAR NOT NULL)',
  `CREATE TABLE processes (process UINTEGER NOT NULL, token VARCHAR NOT NULL, pid UINTEGER NOT NULL,
     ppid UINTEGER NOT NULL, thread UINTEGER NOT NULL, service VARCHAR NOT NULL, runtime VARCHAR NOT NULL,
     script VARCHAR NOT NULL, origin BIGINT NOT NULL)`,
  // Which batches are stored, so that none counts twice.
  'CREATE TABLE batches (process UINTEGER NOT NULL, number UINTEGER NOT NULL, spans UINTEGER NOT NULL)',
  // What a process's ids of texts (kind 0) and functions (1) are in the run: a file that was closed goes on taking in
  // batches of the same processes, which name what earlier ones brought.
  'CREATE TABLE ids (process UINTEGER NOT NULL, kind UINTEGER NOT NULL, id UINTEGER NOT NULL, of UINTEGER NOT NULL)',
  ...batchTables.map(create),
  `INSERT INTO whywait VALUES (${schemaVersion})`,
];
