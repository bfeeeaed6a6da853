// The recorder's own start: its compiled code is kept, and whatever is wrong with what was kept does no harm.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Kind } from '../src/model/schema.ts';
import { nodes, recorder, run } from './recorder-kit.ts';

const script = `require('node:net').connect(1, '127.0.0.1').on('error', () => console.log('refused'));`;
let work: string;
let number = 0;

before(() => {
  work = mkdtempSync(join(tmpdir(), 'whywait-start-'));
});
after(() => rmSync(work, { recursive: true, force: true }));

function newCache(): string {
  const cache = join(work, `cache${++number}`);
  mkdirSync(cache, { mode: 0o700 });
  return cache;
}

const codesIn = (cache: string) => readdirSync(cache).filter((name) => name.startsWith('code-'));

/** The program says what it says, and is recorded. */
async function checkRecorded(cache: string, node?: string): Promise<void> {
  const { stdout, stderr, code, spans } = await run(script, {
    env: { WHYWAIT_CACHE: cache },
    ...(node ? { node } : {}),
  });
  assert.deepEqual([code, stdout, stderr], [0, 'refused\n', '']);
  assert.deepEqual(
    spans.filter(({ kind }) => kind === Kind.client).map(({ error }) => error),
    ['ECONNREFUSED'],
  );
}

for (const node of nodes) {
  test(`compiled code is kept once, and used from then on: ${node}`, async () => {
    const cache = newCache();
    await checkRecorded(cache, node);
    const [name, ...others] = codesIn(cache);
    assert.ok(name !== undefined && others.length === 0, 'one file');
    const { ino, mtimeMs, mode } = statSync(join(cache, name));
    assert.equal(mode & 0o777, 0o600);
    await checkRecorded(cache, node);
    const later = statSync(join(cache, name));
    assert.deepEqual([later.ino, later.mtimeMs, codesIn(cache)], [ino, mtimeMs, [name]], 'it was not made again');
  });

  test(`kept code that was changed or cut short is made again: ${node}`, async () => {
    const cache = newCache();
    await checkRecorded(cache, node);
    const file = join(cache, codesIn(cache)[0] as string);
    const whole = readFileSync(file);
    for (const spoil of [
      () => truncateSync(file, whole.length / 2),
      () => truncateSync(file, 0),
      () =>
        writeFileSync(
          file,
          whole.map((byte, i) => (i > whole.length - 1000 ? byte ^ 0x55 : byte)),
        ),
      () => writeFileSync(file, 'no code'),
    ]) {
      spoil();
      await checkRecorded(cache, node);
      const again = readFileSync(file);
      assert.ok(again.length > whole.length / 2, `${again.length} bytes`);
      assert.deepEqual(codesIn(cache).length, 1);
    }
  });
}

test('a cache that cannot be written, or is not the user’s alone, is done without', async () => {
  const open = newCache();
  chmodSync(open, 0o777);
  await checkRecorded(open);
  assert.deepEqual(readdirSync(open), []);
  const file = join(work, 'file');
  writeFileSync(file, '');
  await checkRecorded(join(file, 'cache'));
  await checkRecorded('/proc/whywait');
});

test('programs that start at the same time keep one copy', async () => {
  const cache = newCache();
  await Promise.all(Array.from({ length: 4 }, () => checkRecorded(cache)));
  assert.equal(readdirSync(cache).filter((name) => name.includes('code-')).length, 1);
});

test('where nothing is recorded, the recorder is not loaded', async () => {
  const cache = newCache();
  mkdirSync(join(work, 'node_modules/npm'), { recursive: true });
  const npm = join(work, 'node_modules/npm/cli.js');
  writeFileSync(npm, 'console.log("npm")');
  const env = { ...process.env, WHYWAIT_CACHE: cache, WHYWAIT_DIR: work, WHYWAIT_OPTIONS: '{}', NODE_OPTIONS: '' };
  const said = execFileSync(process.execPath, ['--require', await recorder(), npm], { env });
  assert.equal(said.toString(), 'npm\n');
  assert.deepEqual(readdirSync(cache), []);
});
