// The kit on DuckDB, through the thread that owns the file, and what only a file can do wrong.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { openStore } from './open.ts';
import { createRun } from './runs.ts';
import type { Store, StoreError } from './store.ts';
import { BatchMaker, fill, hello, seeded, someTraces, storeKit } from './testkit.ts';

const root = await mkdtemp(join(tmpdir(), 'whywait-store-'));
after(() => rm(root, { recursive: true, force: true }));
let files = 0;

storeKit('DuckDB', async () => {
  const file = join(root, `${++files}.duckdb`);
  return { store: await openStore(file, 'write'), again: () => openStore(file, 'write') };
});

const fresh = () => join(root, `${++files}.duckdb`);

async function written(): Promise<string> {
  const file = fresh();
  const store = await openStore(file, 'write');
  await fill(store, someTraces(200, seeded(1)), 20);
  await store.close();
  return file;
}

test('a file that is damaged, foreign or of another version says so, and what to do', async () => {
  const garbage = fresh();
  await writeFile(garbage, 'this is no database, but it is longer than a header of one would be'.repeat(200));
  await assert.rejects(openStore(garbage, 'read'), { code: 'WW_STORE_CORRUPT' });
  await assert.rejects(openStore(garbage, 'write'), { code: 'WW_STORE_CORRUPT' });

  const whole = await readFile(await written());
  const cut = fresh();
  await writeFile(cut, whole.subarray(0, Math.floor(whole.length / 2)));
  await assert.rejects(openStore(cut, 'read'), (error: StoreError) => /^WW_STORE_(CORRUPT|FAILED)$/.test(error.code));

  const flipped = fresh();
  const bytes = Buffer.from(whole);
  bytes.fill(0xff, 4096, 12_288);
  await writeFile(flipped, bytes);
  await assert.rejects(openStore(flipped, 'read'), { code: 'WW_STORE_CORRUPT' });

  const foreign = fresh();
  await sql(foreign, 'CREATE TABLE customers (id INTEGER)');
  await assert.rejects(openStore(foreign, 'read'), {
    code: 'WW_STORE_CORRUPT',
    what: `${foreign} is no run of whywait.`,
  });
  await assert.rejects(openStore(foreign, 'write'), { code: 'WW_STORE_CORRUPT' });

  const later = await written();
  await sql(later, 'UPDATE whywait SET version = 99');
  await assert.rejects(openStore(later, 'read'), { code: 'WW_STORE_VERSION' });

  await assert.rejects(openStore(fresh(), 'read'), { code: 'WW_STORE_MISSING' });
  // The message is a sentence on what and a sentence on what to do.
  await assert.rejects(openStore(garbage, 'read'), /^StoreError: .+\. .+\.$/);
});

test('a file that is open elsewhere is not opened a second time', async () => {
  const file = await written();
  const store = await openStore(file, 'read');
  await assert.rejects(openStore(file, 'write'), { code: 'WW_STORE_LOCKED' });
  await store.close();
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', holding(file)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await assert.rejects(openStore(file, 'read'), { code: 'WW_STORE_LOCKED' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await openStore(file, 'read')).close();
});

const holding = (file: string): string => {
  const open = new URL('./open.ts', import.meta.url).href;
  return `const { openStore } = await import(${JSON.stringify(open)});
    globalThis.store = await openStore(${JSON.stringify(file)}, 'write');
    console.log('open'); process.stdin.resume();`;
};

/** A file system of its own, of that size; undefined where it may not be made. */
function mounted(options: string): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const dir = join(root, `mount-${++files}`);
  mkdirSync(dir);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'whywait-test', dir]).status === 0 ? dir : undefined;
}
const unmount = (dir: string) => spawnSync('umount', ['-l', dir]);

test('a full disk stops recording, loses nothing acknowledged, and leaves the run readable', async (t) => {
  const dir = mounted('size=12m');
  if (dir === undefined) return t.skip('a small file system can be mounted by root on Linux only');
  try {
    const file = join(dir, 'spans.duckdb');
    const store = await openStore(file, 'write');
    const process = await store.join(hello('a'));
    const maker = new BatchMaker();
    const random = seeded(9);
    let acknowledged = 0;
    let refusal: unknown;
    while (refusal === undefined && acknowledged < 1000) {
      const n = acknowledged + 1;
      const spans = Array.from({ length: 2000 }, (_, i) => ({
        trace: [BigInt(n), BigInt(n)] as const,
        span: BigInt(Math.floor(random() * 2 ** 53)),
        start: i,
        duration: random() * 1e9,
      }));
      await store.append(process, maker.bytes({ spans })).then(
        () => acknowledged++,
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    assert.equal((refusal as StoreError).code, 'WW_STORE_FULL', String(refusal));
    assert.ok(acknowledged > 0);
    await assert.rejects(store.append(process, maker.bytes({})), { code: 'WW_STORE_FULL' });
    const countIn = async (of: Store) => {
      const traces = new Map<bigint, number>();
      await of.scanTraces(({ traceHi, spans }) => traces.set(traceHi, spans.span.length));
      for (const count of traces.values()) assert.equal(count, 2000);
      return traces.size;
    };
    const live = await countIn(store);
    assert.ok(
      live >= acknowledged,
      `${live} of ${acknowledged} acknowledged batches, by the store that met the full disk`,
    );
    await store.close();
    const again = await openStore(file, 'read');
    const later = await countIn(again);
    assert.ok(later >= acknowledged, `${later} of ${acknowledged} acknowledged batches, opened again`);
    await again.close();
  } finally {
    unmount(dir);
  }
});

test('a read-only directory is a clear error for recording, and none for reading', async (t) => {
  const dir = mounted('size=20m');
  if (dir === undefined) return t.skip('a read-only file system can be mounted by root on Linux only');
  try {
    await copyFile(await written(), join(dir, 'spans.duckdb'));
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', dir]).status, 0);
    await assert.rejects(openStore(join(dir, 'new.duckdb'), 'write'), { code: 'WW_STORE_READONLY' });
    await assert.rejects(createRun(dir, { name: '', command: [] }), { code: 'WW_STORE_READONLY' });
    const store = await openStore(join(dir, 'spans.duckdb'), 'read');
    assert.equal((await store.totals()).spans, 800);
    await store.close();
  } finally {
    unmount(dir);
  }
});

async function sql(file: string, text: string): Promise<void> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  await connection.run(text);
  connection.closeSync();
  instance.closeSync();
}
