// whywait is a guest: a program that it records says, does and ends as it does alone. Each program runs both ways on
// each Node that whywait supports: stdout to the byte, stderr, exit code and signal must be the same.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { atTerminal, whywait as binary, clean, hasTerminal, Place, programsOwn, Started } from './command-kit.ts';
import { type Program, sameAsAlone, service } from './guest-kit.ts';

const place = new Place();
after(() => place.remove());

const order = `
const log = [];
const say = (word) => log.push(word);
async function inner(name) { say(name + ' 1'); await null; say(name + ' 2'); await 0; say(name + ' 3'); return name; }
async function outer(name) { say(await inner(name)); try { await Promise.reject(new Error(name)); } catch (error) { say('caught ' + error.message); } }
setImmediate(() => { say('immediate'); queueMicrotask(() => say('microtask in immediate')); process.nextTick(say, 'tick in immediate');
  // A timer and an immediate of one moment come in either order; this one cannot be early.
  setTimeout(() => { say('timeout'); process.nextTick(say, 'tick in timeout'); Promise.resolve().then(() => say('then in timeout')); setImmediate(() => console.log(log.join('\\n'))); }, 20); });
process.nextTick(() => { say('tick'); Promise.resolve().then(() => say('then in tick')); });
queueMicrotask(() => { say('microtask'); process.nextTick(say, 'tick in microtask'); });
outer('a').then(() => say('a done'));
Promise.all([outer('b'), inner('c')]).then(() => say('b and c done'));
(async () => { for await (const x of (async function* () { yield 1; yield 2; })()) say('yield ' + x); })();
new Promise((resolve) => { say('executor'); resolve({ then: (done) => { say('thenable'); done(); } }); }).then(() => say('adopted'));
say('sync end');
`;

const programs: Record<string, Program> = {
  'bytes on stdout that are no text, and much of it': {
    file: 'bytes.cjs',
    source: `process.stdout.write(Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
      for (let i = 0; i < 20; i++) process.stdout.write('x'.repeat(65536)); process.stderr.write('no line end');`,
  },
  'stdin, piped through': { file: 'cat.cjs', source: 'process.stdin.pipe(process.stdout);', input: 'a\0b\r\nc' },
  'order of ticks, microtasks, immediates and timers, CommonJS': { file: 'order.cjs', source: order },
  'order of ticks, microtasks, immediates and timers, ES module': { file: 'order.mjs', source: order },
  'listeners, handles and requests that the program can count': {
    file: 'counts.cjs',
    source: `${service}
      const counts = (emitter) => JSON.stringify(Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)])));
      serve().then(async () => {
        console.log(counts(process), counts(server));
        http.get({ port: server.address().port, host: '127.0.0.1', agent: false }, (answer) => {
          console.log(counts(answer), counts(answer.socket), answer.socket.eventNames().length);
          answer.resume().on('end', () => setTimeout(() => {
            server.close(() => setImmediate(() => {
              console.log(process._getActiveRequests().length, process._getActiveHandles().filter((one) => !(one.fd <= 2)).length);
            }));
            server.closeAllConnections();
          }, 400));
        });
      });`,
  },
  'what a function says of itself': {
    file: 'functions.cjs',
    source: `${service}
      async function load(id, more = 1) { await ask(); return id; }
      const arrow = async (a, b) => { await ask(); };
      class Feed { async load(x) { return await ask(); } static async #hidden() { await null; } }
      for (const one of [load, arrow, Feed, Feed.prototype.load, ask]) console.log(one.name, one.length, String(one), Object.getOwnPropertyNames(one).join());`,
  },
  'the own AsyncLocalStorage of the program': {
    file: 'context.cjs',
    source: `${service}
      const { AsyncLocalStorage, executionAsyncResource } = require('node:async_hooks');
      const storage = new AsyncLocalStorage();
      const seen = async (name) => { await ask(); console.log(name, storage.getStore()); await new Promise(setImmediate); console.log(name, storage.getStore()); };
      serve().then(async () => {
        await storage.run({ a: 1 }, () => seen('inside'));
        await seen('outside');
        await storage.run({ b: 2 }, () => storage.exit(() => seen('left')));
        storage.enterWith({ c: 3 });
        await seen('entered');
        server.close(); server.closeAllConnections();
      });`,
  },
  'stack traces, to the line': {
    file: 'stacks.cjs',
    source: `${service}
      const lines = (error) => error.stack.split('\\n').filter((line) => /stacks\\.cjs/.test(line)).map((line) => line.replace(/^.*?(async \\S+|at \\S+) .*stacks\\.cjs:(\\d+).*/, '$1 $2')).join(' | ');
      async function deep() {
        await null;
        throw new Error('deep');
      }
      async function middle() { await ask(); return await deep(); }
      serve().then(async () => {
        try { await middle(); } catch (error) { console.log(lines(error)); }
        setTimeout(() => { console.log(lines(new Error('late'))); server.close(); server.closeAllConnections(); }, 1);
      });`,
  },
  'an unhandled rejection that is listened to': {
    file: 'rejections.cjs',
    source: `process.on('unhandledRejection', (error, promise) => console.log('unhandled', error.message, promise instanceof Promise));
      process.on('rejectionHandled', () => console.log('handled after all'));
      process.on('warning', (warning) => console.log(warning.name));
      async function fails(name) { await null; throw new Error(name); }
      fails('one'); const two = fails('two'); setTimeout(() => two.catch(() => console.log('caught')), 10);
      fails('three').catch(() => console.log('three'));`,
  },
  'an uncaught exception that is listened to': {
    file: 'exceptions.cjs',
    source: `process.on('uncaughtExceptionMonitor', (error, origin) => console.log('monitor', error.message, origin));
      process.on('uncaughtException', (error, origin) => { console.log('uncaught', error.message, origin); process.exitCode = 9; });
      process.on('exit', (code) => console.log('exit', code));
      setTimeout(() => { throw new Error('in a timer'); }, 1); Promise.reject(new Error('in a promise'));`,
  },
  'beforeExit, and work that it begins': {
    file: 'before-exit.cjs',
    source: `let times = 0; process.on('beforeExit', (code) => { console.log('beforeExit', code); if (times++ < 2) setTimeout(() => console.log('more'), 1); });`,
  },
  'execArgv, argv, cwd and the environment, but for four variables': {
    file: 'environment.cjs',
    flags: ['--no-warnings', '--stack-trace-limit=20'],
    args: ['--flag', 'a b'],
    source: `console.log(process.execArgv, process.argv.slice(2), process.cwd(), process.title === 'node', Error.stackTraceLimit, require.main === module, module.children.length, process.sourceMapsEnabled);
      console.log(Object.keys(process.env).filter((name) => !/^(NODE_OPTIONS|WHYWAIT_(DIR|ROOT|OPTIONS))$/.test(name)).sort().join());
      console.log(Object.keys(globalThis).join(), Object.keys(require('node:net')).join(), Object.keys(require('node:http')).join());`,
  },
  'cluster workers': {
    file: 'cluster.cjs',
    source: `const cluster = require('node:cluster'); const http = require('node:http');
      if (cluster.isPrimary) {
        const worker = cluster.fork();
        worker.on('listening', ({ port }) => http.get({ port, host: '127.0.0.1', agent: false }, (answer) => { answer.on('data', (text) => console.log(String(text))); answer.on('end', () => worker.send('end')); }));
        worker.on('exit', (code, signal) => console.log('worker', code, signal));
      } else {
        const server = http.createServer((request, response) => response.end('from the worker')).listen(0, '127.0.0.1');
        process.on('message', () => process.exit(4));
      }`,
  },
  'worker threads, their output, errors and exit codes': {
    file: 'threads.cjs',
    source: `const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
      if (isMainThread) (async () => {
        for (const how of ['ends', 'exits', 'throws']) for (const env of [undefined, { A: '1' }]) {
          const worker = new Worker(__filename, { workerData: how, env });
          worker.on('message', (message) => console.log(how, message)); worker.on('error', (error) => console.log(how, error.message));
          console.log(how, await new Promise((resolve) => worker.once('exit', resolve)));
        }
        console.log(Worker.name, Worker.length, new Worker('', { eval: true }) instanceof Worker);
      })();
      else { if (workerData !== 'throws') parentPort.postMessage(Object.keys(process.env).includes('A')); parentPort.close();
        if (workerData === 'exits') process.exit(3); if (workerData === 'throws') throw new Error('in a thread'); }`,
  },
  'a child with an environment of its own': {
    file: 'child.cjs',
    source: `const { spawnSync } = require('node:child_process');
      const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', 'console.log(Object.keys(process.env).filter((name) => /NODE_OPTIONS|WHYWAIT/.test(name)).join(), process.execArgv.length); console.error("e"); process.exit(6)'], { env: { A: '1' }, encoding: 'utf8' });
      console.log(JSON.stringify([stdout, stderr, status]));`,
  },
  'a program that forbids code from strings, with frozen intrinsics': {
    file: 'strict.cjs',
    flags: ['--disallow-code-generation-from-strings', '--frozen-intrinsics', '--disable-proto=throw', '--no-warnings'],
    source: `${service} serve().then(ask).then((answer) => { console.log(answer.statusCode); server.close(); server.closeAllConnections(); });`,
  },
};
for (const code of [0, 1, 2, 42, 126, 127, 128, 130, 137, 143, 254, 255]) {
  programs[`exit code ${code}`] = {
    file: 'code.cjs',
    source: 'process.exit(Number(process.argv[2]));',
    args: [String(code)],
  };
}
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGUSR2', 'SIGABRT']) {
  programs[`an end by ${signal}`] = {
    file: 'signal.cjs',
    source: 'process.kill(process.pid, process.argv[2]); setInterval(() => {}, 1000);',
    args: [signal],
  };
}

sameAsAlone('a program says, does and ends as it does alone', place, programs);

// ——— the command around it

test('what is piped through `whywait run` comes out to the byte', () => {
  const input = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) & 255));
  const { stdout, status } = spawnSync(
    process.execPath,
    [binary, 'run', '--no-ui', '--dir', place.newRoot(), 'node', 'cat.cjs'],
    { cwd: place.dir, env: clean, input },
  );
  assert.equal(status, 0);
  assert.ok(input.equals(stdout));
});

test('each exit code from 0 to 255 is that of whywait run', () => {
  const root = place.newRoot();
  for (const code of [0, 1, 3, 64, 100, 126, 127, 128, 129, 200, 255]) {
    const { status, stderr } = place.cli(['run', '--no-ui', '--no-report', '--dir', root, 'code.cjs', String(code)]);
    assert.equal(status, code);
    assert.equal(programsOwn(stderr), '');
  }
});

const ifTerminal = { skip: hasTerminal ? false : 'script(1), which makes a terminal, is not here' };

test('at a terminal the program has one, and reads what is typed', ifTerminal, async () => {
  place.put({
    'typed.cjs': `console.log('terminal', process.stdin.isTTY, process.stdout.isTTY, process.stderr.isTTY, process.stdout.columns > 0 || process.stdout.columns === 0);
      process.stdin.setRawMode(true); console.log('ready'); process.stdin.once('data', (key) => { process.stdin.setRawMode(false); console.log('key', key.toString('hex')); process.exit(3); });`,
  });
  const one = new Started(atTerminal(['run', '--no-ui', '--dir', place.newRoot(), 'typed.cjs'], place.dir));
  await one.said('ready');
  one.child.stdin!.write('\u0003');
  const { status, stdout } = await one.end();
  assert.match(stdout, /terminal true true true true/);
  assert.match(stdout, /key 03/, 'in raw mode Ctrl-C is a key');
  assert.equal(status, 3);
});

for (const [what, source] of [
  ['a program', ''],
  [
    'cluster workers',
    `const cluster = require('node:cluster'); if (cluster.isPrimary) { const worker = cluster.fork(); worker.on('online', () => {}); }`,
  ],
  [
    'a worker thread',
    `const { Worker, isMainThread } = require('node:worker_threads'); if (isMainThread) new Worker('setInterval(() => {}, 1000)', { eval: true });`,
  ],
] as const) {
  test(`Ctrl-C at a terminal reaches ${what} once in each process, then the report comes`, ifTerminal, async () => {
    const file = `interrupted-${what.replace(/ /g, '-')}.cjs`;
    place.put({
      [file]: `${source}
        let times = 0; const isWorker = require('node:cluster').isWorker; const name = isWorker ? 'worker' : 'main';
        process.on('SIGINT', () => { times++; setTimeout(() => { console.log(name + ' interrupted ' + times); process.exit(isWorker ? 0 : 7); }, isWorker ? 200 : 800); });
        ${what === 'cluster workers' ? "if (isWorker) console.log('ready');" : "console.log('ready');"}
        setInterval(() => {}, 1000);
        ${service} serve().then(ask);`,
    });
    const one = new Started(atTerminal(['run', '--no-ui', '--dir', place.newRoot(), file], place.dir));
    await one.said('ready');
    one.child.stdin!.write('\u0003');
    const { status, stdout } = await one.end();
    assert.match(stdout, /main interrupted 1/);
    if (what === 'cluster workers') assert.match(stdout, /worker interrupted 1/);
    assert.doesNotMatch(stdout, /interrupted 2/);
    assert.ok(
      stdout.lastIndexOf('interrupted') < stdout.indexOf('operations seen') || stdout.includes('operation seen'),
      stdout,
    );
    assert.equal(status, 7);
  });
}
