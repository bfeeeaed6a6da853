// What may go wrong around a run: wrong words, no place to write, damage, crashes, signals, kills. Each gets a clear
// message and the exit code that it would have without us, and what was acknowledged is never lost.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { whywait as binary, hasPid, isAlive, Place, programsOwn, type Started } from './command-kit.ts';

const place = new Place();
after(() => {
  if (mounted) spawnSync('umount', [small]);
  place.remove();
});

place.put({
  // Serves itself: as many requests as told (6), one after another; then ends as told.
  'asks.js': `
    const http = require('node:http');
    const [count = '6', end = ''] = process.argv.slice(2);
    const server = http.createServer((request, response) => response.end('hello'));
    async function ask(path) { const answer = await fetch('http://127.0.0.1:' + server.address().port + path); return answer.text(); }
    async function loadAll() { for (let i = 0; i < Number(count); i++) await ask('/users/' + i); }
    server.listen(0, '127.0.0.1', async () => {
      await loadAll();
      console.log('asked ' + count);
      if (end === 'exit') process.exit(5);
      if (end === 'throw') setImmediate(() => { throw new TypeError('thrown in the middle'); });
      else if (end === 'reject') Promise.reject(new TypeError('rejected in the middle'));
      else if (end === 'hang') setInterval(() => {}, 1000);
      else if (end.startsWith('SIG')) setTimeout(() => process.kill(process.pid, end), 1000);
      else server.close();
    });
  `,
  // Does what it is told line by line: 'ask 3', 'end'.
  'obeys.js': `
    const http = require('node:http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 10 });
    const server = http.createServer((request, response) => response.end('hello'));
    const ask = (i) => new Promise((resolve, reject) => {
      http.get({ port: server.address().port, host: '127.0.0.1', path: '/users/' + i, agent }, (answer) => {
        answer.resume();
        answer.on('end', resolve);
      }).on('error', reject);
    });
    server.listen(0, '127.0.0.1', () => { console.log('ready ' + process.pid); serve(); });
    process.on('exit', () => console.log('exit'));
    const serve = async () => {
      for await (const line of require('node:readline').createInterface({ input: process.stdin })) {
        const [word, count] = line.split(' ');
        if (word === 'end') break;
        for (let i = 0; i < Number(count); i += 10) {
          await Promise.all(Array.from({ length: Math.min(10, Number(count) - i) }, (_, j) => ask(i + j)));
        }
        console.log('asked ' + count);
      }
      agent.destroy();
      server.close();
      process.stdin.destroy();
    };
  `,
  'says.js': `console.log('out'); console.error('err');`,
});

const operations = (root: string, run?: string) => place.report(root, run).coverage.operations;
const isRoot = process.platform !== 'win32' && userInfo().uid === 0;
const told = (code: string) => new RegExp(`^whywait: [A-Z/].+[.]\\n {9}.+ \\[${code}\\]\\n$`, 'm');

async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 20));
}

// ——— words

const words: [string, string[], string, number][] = [
  ['an option without its value', ['run', '--name'], 'WW_MISSING_VALUE', 2],
  ['a port beyond all ports', ['run', '--port', '70000', 'says.js'], 'WW_BAD_VALUE', 2],
  ['an option of another command', ['runs', '--port', '1'], 'WW_UNKNOWN_OPTION', 2],
  ['one word too many', ['report', 'latest', 'and', 'more'], 'WW_TOO_MANY_ARGUMENTS', 2],
  ['no run to remove', ['runs', 'rm'], 'WW_MISSING_ARGUMENT', 2],
  ['no function to ask about', ['calls'], 'WW_MISSING_ARGUMENT', 2],
  ['a run that is not there', ['report', 'no-such-run'], 'WW_RUN_UNKNOWN', 1],
  ['a page without any run', ['view'], 'WW_RUN_UNKNOWN', 1],
];
for (const [what, args, code, status] of words) {
  test(`${what}: ${code}`, () => {
    const found = place.cli(args);
    assert.match(found.stderr, told(code));
    assert.deepEqual([found.status, found.stdout], [status, '']);
  });
}

test('a program is taken before a directory of the same name', () => {
  mkdirSync(join(place.dir, 'node'));
  const found = place.cli(['run', '--no-ui', '--dir', place.newRoot(), 'node', 'says.js']);
  rmSync(join(place.dir, 'node'), { recursive: true });
  assert.deepEqual([found.status, found.stdout], [0, 'out\n']);
});

test('a file for --json that cannot be written costs that file, not the report and not the exit code', () => {
  const file = join(place.dir, 'nowhere', 'report.json');
  const found = place.cli(['run', '--no-ui', '--dir', place.newRoot(), '--json', file, 'asks.js', '6', 'exit']);
  assert.equal(found.status, 5);
  assert.match(found.stderr, /\[WW_FILE_NOT_WRITTEN\]/);
  assert.match(found.stderr, /6 operations seen/);
});

// ——— places

test('a directory that is not there, is a file, or is gone: said before the program starts', () => {
  const missing = place.cli(['run', '--dir', join(place.dir, 'missing'), 'says.js']);
  assert.match(missing.stderr, told('WW_STORE_MISSING'));
  assert.deepEqual([missing.status, missing.stdout], [1, '']);
  const file = place.cli(['run', '--dir', join(place.dir, 'says.js'), 'says.js']);
  assert.match(file.stderr, told('WW_STORE_CORRUPT'));
  assert.deepEqual([file.status, file.stdout], [1, '']);
  const gone = mkdtempSync(join(place.dir, 'gone'));
  const shell = spawnSync('sh', [
    '-c',
    `cd '${gone}' && rmdir '${gone}' && exec "$0" "$@"`,
    process.execPath,
    binary,
    'runs',
  ]);
  assert.match(String(shell.stderr), told('WW_NO_DIRECTORY'));
  assert.equal(shell.status, 1);
});

test('a temporary directory that cannot be used is said, and no run is left behind', () => {
  const root = place.newRoot();
  const found = place.cli(['run', '--dir', root, 'says.js'], { env: { TMPDIR: join(place.dir, 'missing') } });
  assert.match(found.stderr, told('WW_NO_TEMPORARY'));
  assert.deepEqual([found.status, found.stdout], [1, '']);
  assert.deepEqual(place.runs(root), []);
});

test('a directory that may not be written: no run; reading the runs in it works', {
  skip: process.platform === 'win32',
}, () => {
  const root = place.newRoot();
  place.cli(['run', '--no-ui', '--dir', root, '--name', 'before', 'asks.js']);
  // Root may write anywhere; nobody (65534) may read here and write nowhere.
  const nobody = isRoot ? { uid: 65534, gid: 65534 } : {};
  if (isRoot) spawnSync('chmod', ['-R', 'a+rX', place.dir]);
  const all = [root, join(root, '.whywait')];
  for (const dir of all) chmodSync(dir, 0o555);
  const found = place.cli(['run', '--no-ui', '--dir', root, 'says.js'], nobody);
  const listed = place.cli(['runs', '--dir', root], nobody);
  const read = place.cli(['report', '--dir', root], nobody);
  for (const dir of all) chmodSync(dir, 0o755);
  assert.match(found.stderr, told('WW_STORE_READONLY'));
  assert.deepEqual([found.status, found.stdout], [1, '']);
  assert.match(listed.stdout, /before/);
  assert.match(read.stdout, /6 operations seen/, read.stderr);
});

const small = join(place.dir, 'small');
mkdirSync(small);
const mounted =
  process.platform === 'linux' &&
  isRoot &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small]).status === 0;

test('a disk that is full, or fills: the program goes on, what is lost is said', {
  skip: mounted ? false : 'a small disk can be made by root on Linux only',
}, () => {
  const filler = join(small, 'filler');
  const { status } = spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
  assert.notEqual(status, 0, 'the disk is full');
  const full = place.cli(['run', '--no-ui', '--dir', small, 'says.js']);
  assert.match(full.stderr, told('WW_STORE_FULL'));
  assert.deepEqual([full.status, full.stdout], [1, '']);
  // Room for a run to begin, not for what comes then.
  truncateSync(filler, statSync(filler).size - 8 * 1024 * 1024);
  const fills = place.cli(['run', '--no-ui', '--dir', small, 'obeys.js'], {
    input: `${'ask 1000\n'.repeat(30)}end\n`,
  });
  assert.equal(fills.status, 0);
  assert.match(fills.stdout, /^ready \d+\n(asked 1000\n)+exit\n$/);
  assert.match(fills.stderr, /is full\. .*The program goes on; what it does now is not recorded\./);
  assert.match(fills.stderr, /operations seen/, 'what was acknowledged is reported');
});

// ——— damage

test('whatever .whywait/ holds, runs are listed, the others are read, and the damaged are removed', () => {
  const root = place.newRoot();
  const dir = join(root, '.whywait');
  place.cli(['run', '--no-ui', '--dir', root, '--name', 'good', 'asks.js']);
  const good = place.runs(root)[0]!.id;
  const spans = readFileSync(join(dir, good, 'spans.duckdb'));
  const run = (n: number) => `20200101-00000${n}-abc`;
  const damage: Record<string, string | Buffer> = {
    [`${run(1)}/run.json`]: '{"id":',
    [`${run(1)}/spans.duckdb`]: 'no database '.repeat(1000),
    [`${run(2)}/run.json`]: JSON.stringify({
      name: 7,
      command: 'x',
      startedAt: 'never',
      pid: -1.5,
      socket: {},
      spans: '',
    }),
    [`${run(2)}/spans.duckdb`]: '',
    [`${run(3)}/run.json/x`]: 'a directory where a file should be',
    [`${run(3)}/spans.duckdb/x`]: 'a directory where a file should be',
    [run(4)]: 'a file where a directory should be',
    [`${run(5)}/spans.duckdb`]: spans.subarray(0, spans.length / 2),
    [`${run(6)}/run.json`]: JSON.stringify({ socket: join(place.dir, 'no-run-of-ours', 'a.sock') }),
    [`${run(6)}/spans.duckdb`]: Buffer.from(spans.map((byte, i) => (i > 4096 ? byte ^ 0x55 : byte))),
    [`${run(7)}/x`]: 'no file of ours',
    'not-a-run/run.json': '{}',
  };
  for (const [name, bytes] of Object.entries(damage)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  }
  place.put({ 'no-run-of-ours/a.rest': 'not ours to touch' });
  rmSync(join(dir, '.gitignore'));
  mkdirSync(join(dir, '.gitignore'));

  const ids = [1, 2, 3, 4, 5, 6, 7].map(run);
  assert.deepEqual(
    place
      .runs(root)
      .map(({ id }) => id)
      .sort(),
    [...ids, good].sort(),
  );
  assert.equal(place.cli(['runs', '--dir', root]).status, 0);
  for (const id of ids) {
    const { status, stdout, stderr } = place.cli(['report', id, '--dir', root]);
    assert.match(stderr, told('WW_STORE_(CORRUPT|MISSING|FAILED)'), id);
    assert.doesNotMatch(stderr, /\n {4}at /, 'no stack of ours');
    assert.deepEqual([status, stdout], [1, ''], id);
  }
  assert.equal(operations(root, 'good'), 6);
  assert.equal(readFileSync(join(place.dir, 'no-run-of-ours/a.rest'), 'utf8'), 'not ours to touch');
  rmSync(join(dir, '.gitignore'), { recursive: true });
  assert.equal(place.cli(['run', '--no-ui', '--dir', root, '--name', 'next', 'asks.js']).status, 0);
  assert.equal(operations(root, 'next'), 6);
  assert.equal(place.cli(['runs', 'rm', ...ids, '--dir', root]).status, 0);
  assert.deepEqual(
    place.runs(root).map(({ name }) => name),
    ['next', 'good'],
  );
});

test('four runs at once in one directory are recorded whole, each by itself', async () => {
  const root = place.newRoot();
  const counts = [10, 20, 30, 40];
  const started = counts.map((count) =>
    place.start(['run', '--no-ui', '--dir', root, '--name', `asks ${count}`, 'obeys.js']),
  );
  await Promise.all(started.map((one) => one.said('ready')));
  await Promise.all(
    started.map(async (one, i) => {
      one.say(`ask ${counts[i]}`);
      await one.said('asked');
    }),
  );
  for (const one of started) one.say('end');
  for (const one of started) assert.equal((await one.end()).status, 0);
  for (const count of counts) assert.equal(operations(root, `asks ${count}`), count);
  assert.ok(place.runs(root).every(({ running }) => !running));
});

// ——— how a program ends

/**
 * What Node says of an error, to the line. Not as without us: columns, the excerpt of the source (it is the code with
 * our frames in it), and Node's own frames (its hooks for functions and modules are other paths through it; on Node 20
 * a function of ours stands among them).
 */
const linesOf = (stderr: string): string =>
  stderr
    .replace(/^node:internal.*\n.*\n *\^+ *\n/m, '')
    .replace(/^(\S.*:\d+)\n.*\n *\^+ *\n/m, '$1\n')
    .split('\n')
    .filter((line) => line !== '' && !/^ {4}at .*(node:internal|nodejs\.internal|recorder\.cjs)/.test(line))
    .map((line) => line.replace(/:(\d+):\d+(\)?)$/, ':$1$2'))
    .join('\n');

const ends: [string, string, { status?: number; signal?: string }, RegExp][] = [
  ['process.exit() in the middle', 'exit', { status: 5 }, /^$/],
  ['an uncaught exception', 'throw', { status: 1 }, /TypeError: thrown in the middle\n {4}at .*asks\.js:11:/],
  ['an unhandled rejection', 'reject', { status: 1 }, /TypeError: rejected in the middle\n {4}at .*asks\.js:12:/],
  ['SIGTERM', 'SIGTERM', { signal: 'SIGTERM' }, /^$/],
  ['SIGINT', 'SIGINT', { signal: 'SIGINT' }, /^$/],
  ['SIGKILL', 'SIGKILL', { signal: 'SIGKILL' }, /^$/],
];
for (const [what, end, { status = null, signal = null }, says] of ends) {
  test(`a program that ends by ${what}: the same to the shell, and all it had asked is in the report`, () => {
    const root = place.newRoot();
    const bare = spawnSync(process.execPath, ['asks.js', '6', end], { cwd: place.dir, encoding: 'utf8' });
    const found = place.cli(['run', '--no-ui', '--no-report', '--dir', root, 'asks.js', '6', end]);
    assert.deepEqual([bare.status, bare.signal], [status, signal]);
    assert.deepEqual([found.status, found.signal, found.stdout], [status, signal, bare.stdout]);
    assert.match(bare.stderr, says);
    assert.equal(linesOf(programsOwn(found.stderr)), linesOf(bare.stderr));
    assert.equal(operations(root), 6);
  });
}

test('a program that crashes at its start, in each way, crashes as without us', () => {
  place.put({
    'throws.js': `throw new RangeError('at start');`,
    'rejects.mjs': `await null;\nawait Promise.reject(new RangeError('at start'));`,
    'syntax.js': `const = 1;`,
    'syntax.mjs': `export const a = ;`,
    'imports.mjs': `import './not-there.mjs';`,
    'requires.js': `require('not-there');`,
    'throws-no-error.js': `throw { code: 7 };`,
  });
  const root = place.newRoot();
  for (const file of [
    'throws.js',
    'rejects.mjs',
    'syntax.js',
    'syntax.mjs',
    'imports.mjs',
    'requires.js',
    'throws-no-error.js',
  ]) {
    const bare = spawnSync(process.execPath, [file], { cwd: place.dir, encoding: 'utf8' });
    const found = place.cli(['run', '--no-ui', '--no-report', '--dir', root, file]);
    assert.equal(found.status, bare.status, file);
    assert.equal(bare.stdout + found.stdout, '');
    assert.equal(linesOf(programsOwn(found.stderr)), linesOf(bare.stderr), file);
    assert.match(found.stderr, /whywait: the program ended with 1/);
  }
});

test('a program that closes its own stdin, stdout and stderr, and a whywait started without them', () => {
  place.put({
    'closes.js': `const fs = require('node:fs'); for (const fd of [0, 1, 2]) fs.closeSync(fd);
      const log = fs.openSync('closed.log', 'w');
      process.argv[2] = '6';
      process.on('exit', (code) => fs.writeSync(log, 'exit ' + code));
      globalThis.console = { log() {} };
      require('./asks.js');`,
  });
  const root = place.newRoot();
  const found = place.cli(['run', '--no-ui', '--dir', root, 'closes.js']);
  assert.deepEqual([found.status, found.stdout], [0, ''], found.stderr);
  assert.equal(readFileSync(join(place.dir, 'closed.log'), 'utf8'), 'exit 0');
  assert.equal(operations(root), 6);
  const closed = spawnSync(
    'sh',
    ['-c', `"$0" "$@" <&- >&- 2>&-`, process.execPath, binary, 'run', '--no-ui', '--dir', root, 'asks.js', '4', 'exit'],
    { cwd: place.dir },
  );
  assert.equal(closed.status, 5);
  assert.equal(operations(root), 4);
});

test('very many processes, eight at a time, are all in the report', () => {
  place.put({
    'many.mjs': `import { spawn } from 'node:child_process';
      import { once } from 'node:events';
      let left = 40;
      const lane = async () => {
        while (left-- > 0) await once(spawn(process.execPath, ['asks.js', '2'], { stdio: 'ignore' }), 'exit');
      };
      await Promise.all(Array.from({ length: 8 }, lane));`,
  });
  const root = place.newRoot();
  assert.equal(place.cli(['run', '--no-ui', '--dir', root, 'many.mjs']).status, 0);
  const { run, coverage } = place.report(root);
  assert.equal(run.processes.length, 41, 'they, and the one that starts them');
  assert.equal(coverage.operations, 80);
  assert.equal(coverage.dropped, 0);
});

// ——— what becomes of whywait itself

/** Directories of sockets; the cache of transformed code stays. */
const sockets = (tmp: string): string[] => readdirSync(tmp).filter((name) => /^whywait-\w{6}$/.test(name));

/** A program that has said `ready`, and its pid. */
async function obeying(root: string, env: NodeJS.ProcessEnv = {}): Promise<{ one: Started; pid: number; tmp: string }> {
  const tmp = mkdtempSync(join(place.dir, 'tmp'));
  const one = place.startApart(['run', '--no-ui', '--dir', root, '--name', 'obeys', 'obeys.js'], {
    TMPDIR: tmp,
    ...env,
  });
  const [, pid] = await one.said(/ready (\d+)/);
  return { one, pid: Number(pid), tmp };
}

test('kill -9 of whywait: the program goes on, the run opens with all of it, and the temporary directory goes', async () => {
  const root = place.newRoot();
  const { one, pid, tmp } = await obeying(root);
  one.say('ask 30');
  await until(() => operations(root) === 30);
  one.child.kill('SIGKILL');
  one.say('ask 50');
  await one.said('asked 50');
  assert.ok(isAlive(pid));
  assert.equal(operations(root), 30, 'what was acknowledged is there while the program goes on');
  assert.equal(sockets(tmp).length, 1, 'the program may still leave something behind');
  one.say('end');
  const { signal, stdout } = await one.end();
  assert.equal(signal, 'SIGKILL');
  assert.match(stdout, /exit\n$/);
  await until(() => !hasPid(pid));
  assert.equal(operations(root), 80, 'what it left behind was taken in, once');
  const [run] = place.runs(root);
  assert.deepEqual([run?.running, run?.durationMs], [false, -1]);
  assert.deepEqual(sockets(tmp), []);
  const { functions } = place.report(root);
  assert.ok(
    functions.every(({ function: name, file }) => name !== '' && file === 'obeys.js'),
    'names are known',
  );
  assert.equal(place.cli(['runs', 'rm', 'obeys', '--dir', root]).status, 0);
});

test('kill -9 of whywait: the next run cleans up after it too', async () => {
  const root = place.newRoot();
  const { one, pid, tmp } = await obeying(root);
  one.say('ask 10');
  await until(() => operations(root) === 10);
  one.child.kill('SIGKILL');
  one.say('ask 20');
  await one.said('asked 20');
  one.say('end');
  await one.end();
  await until(() => !hasPid(pid));
  assert.equal(place.cli(['run', '--no-ui', '--dir', root, 'asks.js', '1']).status, 0);
  assert.deepEqual(sockets(tmp), []);
  assert.equal(operations(root, 'obeys'), 30);
});

test('a whywait that stands still holds the program up in nothing, its end included, and loses nothing', async () => {
  const root = place.newRoot();
  const { one, pid } = await obeying(root);
  one.child.kill('SIGSTOP');
  one.say('ask 6000');
  await one.said('asked 6000');
  one.say('end');
  await one.said('exit');
  await until(() => !isAlive(pid));
  one.child.kill('SIGCONT');
  assert.equal((await one.end()).status, 0);
  assert.equal(operations(root), 6000);
});

test('the directory of the sockets vanishes: what was shipped is reported, the loss of the rest is said', async () => {
  const root = place.newRoot();
  const { one, tmp } = await obeying(root);
  one.say('ask 20');
  await until(() => operations(root) === 20);
  rmSync(join(tmp, sockets(tmp)[0]!), { recursive: true });
  one.say('ask 10');
  await one.said('asked 10');
  one.say('end');
  const { status, stderr } = await one.end();
  assert.equal(status, 0);
  assert.match(stderr, /(2\d|30) operations seen/);
  const { coverage } = place.report(root);
  assert.ok(coverage.operations >= 20);
});

test('.whywait/ itself vanishes: the program goes on, and its report is printed', async () => {
  const root = place.newRoot();
  const { one } = await obeying(root);
  one.say('ask 20');
  await until(() => operations(root) === 20);
  renameSync(join(root, '.whywait'), join(root, 'moved'));
  one.say('ask 10');
  await one.said('asked 10');
  one.say('end');
  const { status, stdout, stderr } = await one.end();
  assert.equal(status, 0);
  assert.match(stdout, /exit\n$/);
  assert.match(stderr, /30 operations seen/);
  assert.ok(!existsSync(join(root, '.whywait')));
});
