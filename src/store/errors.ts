// What DuckDB says, as the store's errors.

import { StoreError } from './store.ts';

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The store's error for one that DuckDB or the file system raised about `file`. */
export function storeError(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error;
  const text = message(error);
  const as = (code: StoreError['code'], what: string, todo: string) =>
    new StoreError(code, what, todo, { cause: error });
  if (/no space left|disk quota|out of disk|ENOSPC|EDQUOT|max_temp_directory_size|file too large|EFBIG/i.test(text))
    return as('WW_STORE_FULL', `The disk of ${file} is full.`, 'Free some space (`whywait runs rm`) and run again.');
  if (/could not set lock|conflicting lock|being used by another process/i.test(text))
    return as(
      'WW_STORE_LOCKED',
      `Another process has ${file} open.`,
      'Ask that one, or wait until it has ended and try again.',
    );
  if (/no such file|does not exist|ENOENT|cannot find the/i.test(text))
    return as('WW_STORE_MISSING', `There is no ${file}.`, 'See `whywait runs` for those that exist.');
  if (/permission denied|read-only|EACCES|EROFS|EPERM|access is denied/i.test(text))
    return as('WW_STORE_READONLY', `${file} cannot be written or read.`, "Check the directory's permissions.");
  if (/(older|newer|different) version of duckdb|storage version|cannot be read with|unsupported.*version/i.test(text))
    return as('WW_STORE_VERSION', `${file} was written by another version.`, 'Read it with that version of whywait.');
  if (
    /not a valid duckdb|corrupt|checksum|serializ|deserializ|magic bytes|WAL file|truncated|unexpected end/i.test(text)
  )
    return as('WW_STORE_CORRUPT', `${file} is damaged: ${firstLine(text)}.`, 'Remove the run with `whywait runs rm`.');
  return as('WW_STORE_FAILED', `${file}: ${firstLine(text)}.`, 'Run again; if it stays so, report it.');
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!.replace(/[.\s]+$/, '');
