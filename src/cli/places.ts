// Where the built parts lie beside us, and where runs are kept.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from './errors.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** dist/cli/main.mjs, or src/cli/ when the sources are run. */
const dist = existsSync(join(here, '../recorder/recorder.cjs')) ? join(here, '..') : join(here, '../../dist');

/** What is loaded into the user's process. @throws {CliError} when it was not built. */
export function recorderFile(): string {
  const file = join(dist, 'recorder', 'recorder.cjs');
  if (existsSync(file)) return file;
  throw new CliError('WW_NOT_BUILT', `The recorder is missing: ${file}.`, 'Build it: npm run build');
}

/** The built page; undefined when it was not built. */
export function pageDir(): string | undefined {
  const dir = join(dist, 'ui');
  return existsSync(join(dir, 'index.html')) ? dir : undefined;
}

/** The directory that holds .whywait. */
export const rootOf = (dir: string | undefined): string => resolve(dir ?? '.');
