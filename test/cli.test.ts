// The command as typed: the real binary, real programs, their exit codes, signals and words.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunSummary } from '../src/model/api.ts';
import type { Report } from '../src/model/report.ts';
import { atTerminal, clean, hasTerminal, whywait } from './command-kit.ts';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
let dir: string;

const programs: Record<string, string> = {
  // Serves itself: 6 requests, one after another, then ends.
  'asks.js': `
    const http = require('node:http');
    const server = http.createServer((request, response) => response.end('hello'));
    async function ask(path) { const answer = await fetch('http://127.0.0.1:' + server.address().port + path); return answer.text(); }
    async function loadAll() { for (let i = 0; i < 6; i++) await ask('/users/' + i); }
    server.listen(0, '127.0.0.1', async () => { await loadAll(); console.log('done'); server.close(); });
  `,
  // The same, then waits for a line or a signal.
  'stays.js': `
    const http = require('node:http');
    const server = http.createServer((request, response) => response.end('hello'));
    server.listen(0, '127.0.0.1', async () => {
      await (await fetch('http://127.0.0.1:' + server.address().port + '/users/1')).text();
      console.log('ready');
    });
    let interrupts = 0;
    process.on('SIGINT', () => { interrupts++; setTimeout(() => { console.log('interrupts ' + interrupts); process.exit(7); }, 300); });
    process.stdin.once('data', () => process.exit(0));
  `,
  'plain.js': `console.log('ready'); setInterval(() => {}, 1000);`,
  'says.js': `console.log('out'); console.error('err'); process.exitCode = Number(process.argv[2] ?? 0);`,
  'cat.js': `process.stdin.pipe(process.stdout);`,
  'kills.js': `process.kill(process.pid, process.argv[2]); setInterval(() => {}, 1000);`,
  'env.js': `console.log(process.env.NODE_OPTIONS);`,
};

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'whywait-cli-'));
  for (const [name, source] of Object.entries(programs)) writeFileSync(join(dir, name), source);
});
after(() => rmSync(dir, { recursive: true, force: true }));

let places = 0;
/** A new directory to keep runs in. */
function newRoot(): string {
  const root = join(dir, `root ${++places}`);
  mkdirSync(root);
  return root;
}

function cli(args: readonly string[], options: { env?: NodeJS.ProcessEnv; input?: string; bin?: string } = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [options.bin ?? whywait, ...args], {
    cwd: dir,
    env: { ...clean, ...options.env },
    encoding: 'utf8',
    input: options.input ?? '',
    timeout: 60_000,
  });
  return { status, signal, stdout, stderr };
}

/** Starts whywait and waits until the program has said `ready`. */
async function started(args: readonly string[], options: { detached?: boolean } = {}) {
  const child = spawn(process.execPath, [whywait, ...args], { cwd: dir, env: clean, ...options });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (stdout.includes('ready')) resolve();
    });
    child.once('close', () => reject(new Error(`ended before it was ready: ${stderr}`)));
  });
  return {
    child,
    end: async () => {
      const [status, signal] = await ended;
      return { status, signal, stdout, stderr };
    },
  };
}

const runsIn = (root: string): RunSummary[] =>
  (JSON.parse(cli(['runs', '--dir', root, '--json']).stdout) as { runs: RunSummary[] }).runs;
const reportIn = (root: string, run = 'latest'): Report =>
  JSON.parse(cli(['report', run, '--dir', root, '--json']).stdout) as Report;

test('stdout holds the words of the program only; ours are on stderr', () => {
  const { status, stdout, stderr } = cli(['run', '--no-ui', '--dir', newRoot(), 'asks.js']);
  assert.equal(stdout, 'done\n');
  assert.equal(status, 0);
  assert.match(stderr, /GET \/users\/:id/);
  assert.match(stderr, /6 operations seen · 6 attributed/);
});

test('the exit code is the code of the program, and its stderr passes', () => {
  const { status, stdout, stderr } = cli(['run', '--no-ui', '--dir', newRoot(), 'says.js', '3']);
  assert.equal(status, 3);
  assert.equal(stdout, 'out\n');
  assert.match(stderr, /^err$/m);
  assert.match(stderr, /the program ended with 3/);
});

test('stdin reaches the program', () => {
  const { stdout } = cli(['run', '--no-ui', '--dir', newRoot(), '--', 'node', 'cat.js'], { input: 'one\ntwo\n' });
  assert.equal(stdout, 'one\ntwo\n');
});

test('options behind the program are its own', () => {
  const { status, stdout } = cli(['run', '--no-ui', '--dir', newRoot(), 'node', '-p', '6 * 7']);
  assert.equal(status, 0);
  assert.equal(stdout, '42\n');
});

for (const signal of ['SIGTERM', 'SIGKILL', 'SIGHUP'] as const) {
  test(`a program ended by ${signal}: so are we, after the report`, () => {
    const found = cli(['run', '--no-ui', '--dir', newRoot(), 'kills.js', signal]);
    assert.equal(found.signal, signal);
    assert.match(found.stderr, new RegExp(`was ended by ${signal}`));
  });
}

test('a program that aborts gives 128 + 6, and no second core file', () => {
  assert.equal(cli(['run', '--no-ui', '--dir', newRoot(), 'kills.js', 'SIGABRT']).status, 134);
});

test('SIGTERM to us reaches the program, and the report is printed', async () => {
  const root = newRoot();
  const { child, end } = await started(['run', '--no-ui', '--dir', root, 'stays.js']);
  while (reportIn(root).coverage.operations === 0);
  child.kill('SIGTERM');
  const { signal, stderr } = await end();
  assert.equal(signal, 'SIGTERM');
  assert.match(stderr, /1 operation seen/);
  assert.equal(reportIn(root).coverage.operations, 1);
});

test('SIGINT to us alone reaches the program; its exit code is ours', async () => {
  const { child, end } = await started(['run', '--no-ui', '--dir', newRoot(), 'stays.js']);
  child.kill('SIGINT');
  const { status, stdout } = await end();
  assert.equal(status, 7);
  assert.match(stdout, /interrupts 1/);
});

test('Ctrl-C at a terminal reaches the program once, then the report is printed', { skip: !hasTerminal }, async () => {
  const terminal = atTerminal(['run', '--no-ui', '--dir', newRoot(), 'stays.js'], dir);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    terminal.stdout!.on('data', (chunk) => {
      said += chunk;
      if (said.includes('ready')) resolve();
    });
    terminal.once('close', () => reject(new Error(said)));
  });
  const ended = once(terminal, 'close');
  terminal.stdin!.write('\u0003');
  const [status] = await ended;
  assert.match(said, /interrupts 1/);
  assert.match(said, /1 operation seen/);
  assert.equal(status, 7);
});

test('a program that exits in the middle loses nothing that it had asked', () => {
  const root = newRoot();
  const file = join(dir, 'exits.js');
  writeFileSync(file, `${programs['asks.js']}\n`.replace("console.log('done'); server.close();", 'process.exit(5);'));
  assert.equal(cli(['run', '--no-ui', '--dir', root, 'exits.js']).status, 5);
  assert.equal(reportIn(root).coverage.operations, 6);
});

test('a crash at start is the program’s own, with its code and message', () => {
  writeFileSync(join(dir, 'crashes.js'), "throw new Error('at start');");
  const { status, stderr } = cli(['run', '--no-ui', '--dir', newRoot(), 'crashes.js']);
  assert.equal(status, 1);
  assert.match(stderr, /Error: at start/);
});

test('a program that is not Node is run, and said not to be recorded', () => {
  const { status, stdout, stderr } = cli(['run', '--no-ui', '--dir', newRoot(), 'echo', 'hello']);
  assert.equal(status, 0);
  assert.equal(stdout, 'hello\n');
  assert.match(stderr, /no Node process was recorded/);
});

const refusals: [string, string[], string, number][] = [
  ['an unknown option', ['run', '--nmae', 'x', 'asks.js'], 'WW_UNKNOWN_OPTION', 2],
  ['an unknown command', ['rnu', 'asks.js'], 'WW_UNKNOWN_COMMAND', 2],
  ['no program', ['run'], 'WW_MISSING_ARGUMENT', 2],
  ['a port that is none', ['run', '--port', 'many', 'asks.js'], 'WW_BAD_VALUE', 2],
  ['a choice that is none', ['run', '--functions', 'some', 'asks.js'], 'WW_BAD_VALUE', 2],
  ['a program that is not there', ['run', 'no-such-program'], 'WW_COMMAND_NOT_FOUND', 127],
  ['a script that is not there', ['run', 'no-such.js'], 'WW_COMMAND_NOT_FOUND', 127],
  ['a file that is no program', ['run', './no-program'], 'WW_NOT_EXECUTABLE', 126],
  ['a report without any run', ['report'], 'WW_RUN_UNKNOWN', 1],
];
for (const [what, args, code, status] of refusals) {
  test(`${what}: ${code}, exit code ${status}, and nothing is left behind`, () => {
    writeFileSync(join(dir, 'no-program'), 'words');
    const root = newRoot();
    const [command, ...rest] = args;
    const found = cli([command, '--dir', root, ...rest]);
    assert.match(found.stderr, new RegExp(`^whywait: .+\\n +.+ \\[${code}\\]\\n$`));
    assert.equal(found.status, status);
    assert.equal(found.stdout, '');
    assert.deepEqual(runsIn(root), []);
  });
}

test('a port in use is said before the program starts', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const root = newRoot();
  const { status, stdout, stderr } = cli(['run', '--port', String(port), '--dir', root, 'asks.js']);
  taken.close();
  assert.match(stderr, new RegExp(`Port ${port} is in use.*WW_PORT_IN_USE`, 's'));
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.deepEqual(runsIn(root), []);
});

test('a directory that cannot be written is said before the program starts', () => {
  const root = newRoot();
  writeFileSync(join(root, '.whywait'), 'a file');
  const { status, stdout, stderr } = cli(['run', '--no-ui', '--dir', root, 'asks.js']);
  assert.match(stderr, /is not a directory/);
  assert.equal(status, 1);
  assert.equal(stdout, '');
});

test('a damaged run is said to be one, and the others go on to be read', () => {
  const root = newRoot();
  cli(['run', '--no-ui', '--dir', root, '--name', 'good', 'asks.js']);
  cli(['run', '--no-ui', '--dir', root, '--name', 'bad', 'asks.js']);
  const bad = runsIn(root).find(({ name }) => name === 'bad');
  assert.ok(bad);
  writeFileSync(join(root, '.whywait', bad.id, 'spans.duckdb'), 'not a database, but long enough to be read as one');
  const { status, stderr } = cli(['report', 'bad', '--dir', root]);
  assert.equal(status, 1);
  assert.match(stderr, /\[WW_STORE_\w+\]/);
  assert.equal(reportIn(root, 'good').coverage.operations, 6);
  assert.equal(cli(['runs', 'rm', 'bad', '--dir', root]).status, 0);
  assert.deepEqual(
    runsIn(root).map(({ name }) => name),
    ['good'],
  );
});

test('a run is read while it goes on, is listed as running, and is not removed', async () => {
  const root = newRoot();
  const { child, end } = await started(['run', '--no-ui', '--dir', root, '--name', 'live', 'stays.js']);
  let operations = 0;
  while (operations === 0) operations = reportIn(root).coverage.operations;
  assert.equal(operations, 1);
  assert.equal(runsIn(root)[0].running, true);
  const { status, stderr } = cli(['runs', 'rm', 'live', '--dir', root]);
  assert.equal(status, 1);
  assert.match(stderr, /WW_RUN_LIVE/);
  child.stdin.end('go\n');
  assert.equal((await end()).status, 0);
  assert.equal(runsIn(root)[0].running, false);
});

test('two runs at once in one directory are both recorded', async () => {
  const root = newRoot();
  const both = ['one', 'two'].map((name) => started(['run', '--no-ui', '--dir', root, '--name', name, 'stays.js']));
  for (const { child, end } of await Promise.all(both)) {
    child.stdin.end('go\n');
    await end();
  }
  for (const name of ['one', 'two']) assert.equal(reportIn(root, name).coverage.operations, 1);
});

test('NODE_OPTIONS of the user stay, behind ours', () => {
  const { stdout } = cli(['run', '--no-ui', '--dir', newRoot(), 'env.js'], { env: { NODE_OPTIONS: '--no-warnings' } });
  assert.match(stdout, /^--require \S+recorder\.cjs --no-warnings\n$/);
});

test('an installation in a directory with spaces and quotes records too', () => {
  const place = join(dir, 'with space "and" quotes');
  mkdirSync(place);
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(home, part), join(place, part), { recursive: true });
  symlinkSync(join(home, 'node_modules'), join(place, 'node_modules'));
  const root = newRoot();
  const { status, stderr } = cli(['run', '--no-ui', '--dir', root, 'asks.js'], {
    bin: join(place, 'bin/whywait.mjs'),
  });
  assert.equal(status, 0, stderr);
  assert.equal(reportIn(root).coverage.operations, 6);
});

test('a shell script that starts several Node processes is recorded with all of them', () => {
  writeFileSync(join(dir, 'both.sh'), '#!/bin/sh\nnode asks.js &\nnode asks.js\nwait\n');
  chmodSync(join(dir, 'both.sh'), 0o755);
  const root = newRoot();
  assert.equal(cli(['run', '--no-ui', '--dir', root, './both.sh']).status, 0);
  const report = reportIn(root);
  assert.equal(report.run.processes.length, 2);
  assert.equal(report.coverage.operations, 12);
});

test('--json writes the report with every member of schema 1', () => {
  const file = join(dir, 'report.json');
  cli(['run', '--no-ui', '--dir', newRoot(), '--json', file, 'asks.js']);
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  assert.equal(report.schema, 1);
  assert.deepEqual(Object.keys(report), [
    'schema',
    'run',
    'functions',
    'services',
    'requests',
    'pauses',
    'sampling',
    'coverage',
  ]);
  assert.deepEqual(report.run.command, ['asks.js']);
  const { accounts, services, wall } = report.functions.find((one) => one.function === 'loadAll')!;
  assert.equal(Object.keys(accounts).length, 9);
  const sum = Object.values(accounts).reduce((all, part) => all + part, 0);
  assert.ok(Math.abs(sum - wall.totalMs) < 1e-6, `${sum} of ${wall.totalMs} ms`);
  assert.equal(services[0].calls, 6);
  assert.deepEqual(services[0].via, ['ask']);
});

test('"does my function call this service?" is answered by name and by part of a URL', () => {
  const root = newRoot();
  cli(['run', '--no-ui', '--dir', root, 'asks.js']);
  const yes = cli(['calls', 'loadAll', 'http', '--dir', root]);
  assert.match(yes.stdout, /^Yes\. loadAll calls http\./);
  assert.match(yes.stdout, /loadAll → ask → http:\/\/127\.0\.0\.1:\d+/);
  const typo = cli(['calls', 'loadal', '--dir', root]);
  assert.equal(typo.status, 1);
  assert.match(typo.stderr, /Did you mean loadAll\?.*WW_NO_SUCH_FUNCTION/s);
});

test('--functions off reports requests', () => {
  const root = newRoot();
  cli(['run', '--no-ui', '--dir', root, '--functions', 'off', 'asks.js']);
  const report = reportIn(root);
  assert.deepEqual(report.functions, []);
  assert.equal(report.coverage.operations, 6);
});

test('a run is named by id, by the beginning of one, by name, or latest', () => {
  const root = newRoot();
  cli(['run', '--no-ui', '--dir', root, '--name', 'first', 'asks.js']);
  cli(['run', '--no-ui', '--dir', root, '--name', 'second', 'asks.js']);
  const [second, first] = runsIn(root);
  assert.deepEqual([second.name, first.name], ['second', 'first']);
  assert.equal(reportIn(root, 'first').run.id, first.id);
  assert.equal(reportIn(root, first.id).run.id, first.id);
  assert.equal(reportIn(root, second.id.slice(0, -1)).run.id, second.id);
  assert.equal(reportIn(root).run.id, second.id);
});

test('--version and --help go to stdout', () => {
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
  assert.equal(cli(['--version']).stdout, `${version}\n`);
  const help = cli(['--help']);
  assert.match(help.stdout, /whywait run app\.js/);
  assert.equal(help.status, 0);
});
