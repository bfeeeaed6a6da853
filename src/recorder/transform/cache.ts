// What the transform made of a file, kept between runs, so that a second start need not parse. One file an entry:
// a line of JSON (functions, sizes), then the code. A directory of the user's alone; whatever looks wrong is a miss.

import { createHash, hash as hashNow, randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The digest of transform.cjs; put here by the build. */
declare const transformDigest: string;
/** Of an entry's form. What another build compiled is not reused. */
const version = `3 ${typeof transformDigest === 'string' ? transformDigest : ''}`;
const maxEntries = 4_000;
const maxBytes = 256 * 1024 * 1024;

/** A file after the transform, its sites still numbered from 0. */
export interface Entry {
  /** Files that `functions` name by index: relative to the run's directory where inside. */
  readonly files: readonly string[];
  /** Name, index of the file and line of each function: three values each. */
  readonly functions: readonly (string | number)[];
  /** Functions left alone for their meaning's sake. */
  readonly leftAlone: number;
  /** Why the whole file was left as it is: it does not parse; '' otherwise. */
  readonly fault: string;
  /** '' when nothing was put in. */
  readonly code: string;
}

const digest = (text: string): string =>
  typeof hashNow === 'function' ? hashNow('sha1', text, 'hex') : createHash('sha1').update(text).digest('hex');

/** The name of the entry for a source and everything else its compiled code depends on. */
export const entryName = (source: string, ...rest: readonly string[]): string =>
  digest(`${digest(source)}\0${version}\0${rest.join('\0')}`);

/** Where entries are kept. `undefined` = nowhere: the place is not the user's alone. */
export function openCache(wanted: string | undefined): string | undefined {
  const uid = process.getuid?.();
  const directory = wanted || join(tmpdir(), `whywait-${uid ?? 'cache'}`);
  try {
    makeDirectory(directory, wanted !== undefined && wanted !== '');
    const found = lstatSync(directory);
    if (!found.isDirectory()) return undefined;
    if (uid !== undefined && (found.uid !== uid || (found.mode & 0o077) !== 0)) return undefined;
    return directory;
  } catch {
    return undefined;
  }
}

/** Not by `recursive`, which tries for ever where nothing can be made (/proc). */
function makeDirectory(path: string, withParents: boolean): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || !withParents || existsSync(dirname(path))) throw error;
    makeDirectory(dirname(path), true);
    mkdirSync(path, { mode: 0o700 });
  }
}

export function readEntry(directory: string, name: string): Entry | undefined {
  try {
    const text = readFileSync(join(directory, name), 'utf8');
    const lineEnd = text.indexOf('\n');
    const head = JSON.parse(text.slice(0, lineEnd)) as Entry & { length: number };
    const code = text.slice(lineEnd + 1);
    // Cut short by a full disk.
    if (code.length !== head.length || !Array.isArray(head.functions) || !Array.isArray(head.files)) return undefined;
    return { files: head.files, functions: head.functions, leftAlone: head.leftAlone, fault: head.fault, code };
  } catch {
    return undefined;
  }
}

export function writeEntry(directory: string, name: string, entry: Entry): void {
  const { code, ...head } = entry;
  writeWhole(directory, name, `${JSON.stringify({ ...head, length: code.length })}\n${code}`);
}

/** Writes a file of the cache so that nobody sees a part of it; its path, undefined when it could not be written. */
export function writeWhole(directory: string, name: string, text: string | Uint8Array): string | undefined {
  const path = join(directory, name);
  const part = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    writeFileSync(part, text, { mode: 0o600, flag: 'wx' });
    renameSync(part, path);
    trimOnce(directory);
    return path;
  } catch {
    try {
      rmSync(part, { force: true });
    } catch {
      // It stays until the cache is trimmed.
    }
    return undefined;
  }
}

let trimmed = false;

/** Removes the oldest entries beyond the bounds; once a process, when it has written. */
function trimOnce(directory: string): void {
  if (trimmed) return;
  trimmed = true;
  const names = readdirSync(directory);
  if (names.length <= maxEntries / 2) return;
  const entries = names.map((name) => {
    const { size, mtimeMs } = statSync(join(directory, name));
    return { name, size, mtimeMs };
  });
  entries.sort((a, b) => b.mtimeMs - a.mtimeMs);
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes += entries[i].size;
    if (i >= maxEntries * 0.75 || bytes > maxBytes) rmSync(join(directory, entries[i].name), { force: true });
  }
}
