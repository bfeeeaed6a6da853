// The directory of runs. A run is a directory of its own, so that two never meet and removing one gives its space back.
//
//   .whywait/.gitignore                       *
//   .whywait/20261123-181530-k3f/run.json     what RunRecord says
//   .whywait/20261123-181530-k3f/spans.duckdb

import { randomInt } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { storeError } from './errors.ts';
import { StoreError } from './store.ts';

export interface RunRecord {
  /** Sorts by time (UTC). */
  readonly id: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly startedAt: string;
  /** '' until the program has ended, and for ever when the collector was killed. */
  readonly endedAt: string;
  /** Of the collector. */
  readonly pid: number;
  /** The collector's API, '' once it has closed. */
  readonly socket: string;
  /** Spans at the end; -1 until then. */
  readonly spans: number;
}

export const runsDir = (root: string): string => join(root, '.whywait');
export const runDir = (root: string, id: string): string => join(runsDir(root), id);
export const spansFile = (root: string, id: string): string => join(runDir(root, id), 'spans.duckdb');

const idForm = /^\d{8}-\d{6}-[a-z0-9]{3}$/;

/** '20261123-181530-k3f' */
function newId(now: Date): string {
  const time = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomInt(36 ** 3)
    .toString(36)
    .padStart(3, '0')}`;
}

/**
 * Makes a run's directory and its record.
 * @throws {StoreError} when the directory cannot be written.
 */
export async function createRun(root: string, about: { name: string; command: readonly string[] }): Promise<RunRecord> {
  const now = new Date();
  try {
    await mkdir(runsDir(root)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await writeFile(join(runsDir(root), '.gitignore'), '*\n');
    for (;;) {
      const id = newId(now);
      try {
        await mkdir(runDir(root, id), { mode: 0o700 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
        throw error;
      }
      const record: RunRecord = {
        ...about,
        id,
        startedAt: now.toISOString(),
        endedAt: '',
        pid: process.pid,
        socket: '',
        spans: -1,
      };
      await writeRun(root, record);
      return record;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR')
      throw new StoreError('WW_STORE_CORRUPT', `${runsDir(root)} is not a directory.`, 'Move it out of the way.');
    if (code === 'ENOENT')
      throw new StoreError(
        'WW_STORE_MISSING',
        `No directory can be made in ${root}.`,
        'Name one that is there and may be written.',
      );
    throw storeError(error, runsDir(root));
  }
}

/** Replaces a run's record in one step: a reader sees the old one or the new one. */
export async function writeRun(root: string, record: RunRecord): Promise<void> {
  const file = join(runDir(root, record.id), 'run.json');
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** A run's record. One that cannot be read still is a run, of which only the id is known. */
export async function readRun(root: string, id: string): Promise<RunRecord> {
  const nothing: RunRecord = {
    id,
    name: '',
    command: [],
    startedAt: id.replace(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d).*/, '$1-$2-$3T$4:$5:$6.000Z'),
    endedAt: '',
    pid: 0,
    socket: '',
    spans: -1,
  };
  try {
    const said: unknown = JSON.parse(await readFile(join(runDir(root, id), 'run.json'), 'utf8'));
    return { ...nothing, ...checked(said), id };
  } catch {
    return nothing;
  }
}

function checked(said: unknown): Partial<RunRecord> {
  if (typeof said !== 'object' || said === null) return {};
  const { name, command, startedAt, endedAt, pid, socket, spans } = said as Record<string, unknown>;
  return {
    ...(typeof name === 'string' && { name }),
    ...(Array.isArray(command) && command.every((word) => typeof word === 'string') && { command }),
    ...(typeof startedAt === 'string' && !Number.isNaN(Date.parse(startedAt)) && { startedAt }),
    ...(typeof endedAt === 'string' && { endedAt }),
    ...(Number.isInteger(pid) && { pid: pid as number }),
    ...(typeof socket === 'string' && { socket }),
    ...(Number.isInteger(spans) && { spans: spans as number }),
  };
}

/** All runs, newest first; none when there is no directory yet. */
export async function listRuns(root: string): Promise<RunRecord[]> {
  let names: string[];
  try {
    names = await readdir(runsDir(root));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR')
      throw new StoreError('WW_STORE_CORRUPT', `${runsDir(root)} is not a directory.`, 'Move it out of the way.');
    throw storeError(error, runsDir(root));
  }
  const ids = names.filter((name) => idForm.test(name)).sort();
  const records = await Promise.all(ids.reverse().map((id) => readRun(root, id)));
  return records.sort((a, b) => (b.startedAt < a.startedAt ? -1 : b.startedAt > a.startedAt ? 1 : 0));
}

/**
 * The run that a word names: its id, the beginning of just one id, or a name (the newest of that name); no word: the
 * newest run.
 * @throws {StoreError}
 */
export async function findRun(root: string, word = ''): Promise<RunRecord> {
  const runs = await listRuns(root);
  if (runs.length === 0)
    throw new StoreError('WW_RUN_UNKNOWN', `There is no run in ${runsDir(root)}.`, 'Record one: `whywait run app.js`.');
  if (word === '') return runs[0]!;
  const named = runs.find(({ id }) => id === word) ?? runs.find(({ name }) => name === word);
  if (named !== undefined) return named;
  const begun = runs.filter(({ id }) => id.startsWith(word));
  if (begun.length === 1) return begun[0]!;
  if (begun.length > 1)
    throw new StoreError('WW_RUN_UNKNOWN', `${begun.length} runs begin with '${word}'.`, 'Type more of the id.');
  throw new StoreError('WW_RUN_UNKNOWN', `There is no run '${word}'.`, 'See `whywait runs` for those that exist.');
}

/** Whether the run's collector runs: it holds the file, and must be asked. */
export function isLive({ socket }: RunRecord): Promise<boolean> {
  if (socket === '') return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect(socket, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

/** Removes a run with all it holds. */
export async function removeRun(root: string, run: RunRecord): Promise<void> {
  if (await isLive(run))
    throw new StoreError('WW_RUN_LIVE', `Run ${run.id} is being recorded.`, 'End its program, then remove it.');
  try {
    await rm(runDir(root, run.id), { recursive: true });
  } catch (error) {
    throw storeError(error, runDir(root, run.id));
  }
}
