// Runs whose collector was killed. Their processes went on, and left what it had not acknowledged in files beside its
// socket: these are taken in when the run is next asked for, and the directory goes once nobody can add to it.

import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { openStore } from '../store/open.ts';
import { isLive, listRuns, type RunRecord, spansFile, writeRun } from '../store/runs.ts';
import { Intake } from './intake.ts';

/** Every run of a directory that was left behind. */
export async function recoverRuns(root: string): Promise<void> {
  for (const record of await listRuns(root)) await recoverRun(root, record);
}

/** Recoveries that go on in this process, by file. */
const recoveries = new Map<string, Promise<RunRecord>>();

/**
 * The record of a run, after what its processes left behind was taken in. Never fails: what is damaged, held by
 * another process or not ours to write is left as it is, and whoever opens the run is told.
 */
export async function recoverRun(root: string, record: RunRecord): Promise<RunRecord> {
  if (record.endedAt !== '' || record.socket === '' || (await isLive(record))) return record;
  const file = spansFile(root, record.id);
  const recovery = recoveries.get(file) ?? recover(root, record).finally(() => recoveries.delete(file));
  recoveries.set(file, recovery);
  return recovery;
}

async function recover(root: string, record: RunRecord): Promise<RunRecord> {
  try {
    const dir = directoryOf(record.socket);
    const isThere = await isOurs(dir);
    const store = await openStore(spansFile(root, record.id), 'write');
    let recovered = record;
    try {
      const intake = new Intake(
        store,
        () => undefined,
        () => undefined,
      );
      if (isThere) await intake.readRests(dir);
      const { processes } = await store.words();
      const { spans } = await store.totals();
      const goesOn = isThere && processes.some(({ pid }) => pid !== 0 && isAlive(pid));
      recovered = { ...record, spans, socket: goesOn ? record.socket : '' };
    } finally {
      await store.close();
    }
    await writeRun(root, recovered);
    if (isThere && recovered.socket === '') await remove(dir);
    return recovered;
  } catch {
    return record;
  }
}

/** Where the recorders' files are. A named pipe has no directory; its name is that of ours. */
const directoryOf = (socket: string): string =>
  process.platform === 'win32' ? join(tmpdir(), basename(socket).replace(/-a$/, '')) : dirname(socket);

/** A record may say anything: only a private directory, of the form that we make, is read and removed. */
async function isOurs(dir: string): Promise<boolean> {
  if (!/^whywait-\w{6}$/.test(basename(dir))) return false;
  try {
    const { mode, uid } = await lstat(dir).then((found) => (found.isDirectory() ? found : Promise.reject()));
    return process.platform === 'win32' || ((mode & 0o077) === 0 && uid === process.getuid!());
  } catch {
    return false;
  }
}

async function remove(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (/^([ac]\.sock|.*\.rest)$/.test(name)) await rm(join(dir, name), { force: true });
  }
  await rmdir(dir);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
