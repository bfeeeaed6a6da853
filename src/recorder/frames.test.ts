import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import v8 from 'node:v8';
import { decodeBatch } from '../model/batch.ts';
import { Cause, Kind } from '../model/schema.ts';
import { Exchange } from '../protocols/decoder.ts';
import { now } from './clock.ts';
import { neutral, openRoot, runInRoot, startContexts } from './context.ts';
import { addSites, Frame, startFrames } from './frames.ts';
import { newTrace } from './ids.ts';
import { Operation, type Peer } from './operation.ts';
import { answered, asked, flushOwners, onSettled } from './ownership.ts';
import { takeBatch, writeOperation } from './span-buffer.ts';
import { compile } from './transform/compile.ts';
import { insert } from './transform/file.ts';
import { placeSites } from './transform/text.ts';

before(() => {
  startContexts();
  startFrames();
  onSettled(writeOperation);
});

/** What `source`, a function's body, returns when it is loaded as a user's file. */
function load(source: string): Record<string, (...args: unknown[]) => unknown> {
  const { insertions, functions } = compile(source, { file: 'src/home.js', sourceType: 'commonjs' });
  const module = { exports: {} };
  new Function('module', 'ask', placeSites(insert(source, insertions), addSites(functions)))(module, ask);
  return module.exports;
}

const peer: Peer = {
  number: 1,
  address: '127.0.0.1:1',
  secure: false,
  connectAt: Number.NaN,
  dns: 0,
  connect: 0,
  tls: 0,
  heardAt: Number.NaN,
  charged: true,
  greeting: 0,
};

/** An operation, written now or after `queuedMs` in nobody's context, and answered in a later turn. */
function ask(name: string, done?: (answer: string) => void, queuedMs = 0): Promise<string> | undefined {
  if (queuedMs > 0) {
    return new Promise((resolve) => neutral(undefined, () => setTimeout(() => ask(name, resolve), queuedMs)));
  }
  const exchange = new Exchange(Kind.client);
  exchange.operation = name;
  const op = new Operation(exchange, peer);
  exchange.firstOut = now();
  exchange.lastOut = exchange.firstOut;
  asked(op);
  const answer = (settle: (answer: string) => void) =>
    setTimeout(() => {
      exchange.firstIn = now();
      exchange.lastIn = exchange.firstIn;
      answered(op);
      settle(name);
    }, 2);
  if (done !== undefined) {
    answer(done);
    return undefined;
  }
  return new Promise((resolve) => answer(resolve));
}

interface Row {
  name: string;
  id: bigint;
  parent: bigint;
  functionName: string;
  line: number;
  kind: number;
  durationMs: number;
  poolMs: number;
  error: string;
  trace: bigint;
  waits: { line: number; cause: Cause; by: string; ms: number }[];
}

/** What was written of a request's work, as rows by name. */
function recorded(work: () => unknown): Promise<Record<string, Row>> {
  const root = openRoot({ trace: newTrace(), parent: undefined, request: true, start: now() });
  return written(() => runInRoot(root, work as () => Promise<unknown>, undefined, []));
}

/** What was written of the work, as rows by name. */
async function written(work: () => unknown): Promise<Record<string, Row>> {
  takeBatch(0, 1);
  await work();
  // The window of the last answer closes at the end of its turn of the event loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  flushOwners();
  const { texts, firstText, tables } = decodeBatch(takeBatch(0, 2) as Uint8Array);
  for (let i = 0; i < texts.length; i++) known.set(firstText + i, texts[i]);
  const { spans, waits, functions } = tables;
  for (let i = 0; i < functions.id.length; i++) names.set(functions.id[i], known.get(functions.function[i]) ?? '');
  const rows: Row[] = Array.from(spans.span, (id, i) => ({
    name: known.get(spans.operation[i]) ?? '',
    id,
    parent: spans.parent[i],
    functionName: names.get(spans.function[i]) ?? '',
    line: spans.line[i],
    kind: spans.kind[i],
    durationMs: spans.duration[i] / 1e6,
    poolMs: spans.pool[i] / 1e6,
    error: known.get(spans.error[i]) ?? '',
    trace: spans.traceLo[i],
    waits: [],
  }));
  for (let i = 0; i < waits.span.length; i++) {
    const by = rows.find(({ id }) => id === waits.by[i])?.name ?? '';
    rows
      .find(({ id }) => id === waits.span[i])
      ?.waits.push({ line: waits.line[i], cause: waits.cause[i] as Cause, by, ms: waits.duration[i] / 1e6 });
  }
  return Object.fromEntries(rows.map((row) => [row.name, row]));
}
const known = new Map<number, string>();
const names = new Map<number, string>();

test('an await of an operation is a wait for it, at its line', async () => {
  const { loadHome } = load(`module.exports.loadHome = async function loadHome() {
    const one = await ask('one');
    return one;
  };`);
  const { loadHome: frame, one } = await recorded(loadHome);
  assert.equal(one.parent, frame.id);
  assert.equal(one.functionName, 'loadHome');
  assert.equal(one.line, 2);
  assert.deepEqual(
    frame.waits.map(({ line, cause, by }) => ({ line, cause, by })),
    [{ line: 2, cause: Cause.operation, by: 'one' }],
  );
});

test('an await of a function is a wait for it, which waits itself', async () => {
  const { loadHome } = load(`async function loadUser() {
    await ask('user');
  }
  module.exports.loadHome = async function loadHome() {
    await loadUser();
  };`);
  const { loadHome: home, loadUser: user } = await recorded(loadHome);
  assert.equal(user.parent, home.id);
  assert.deepEqual(
    home.waits.map(({ line, cause, by }) => ({ line, cause, by })),
    [{ line: 5, cause: Cause.callee, by: 'loadUser' }],
  );
  assert.deepEqual(
    user.waits.map(({ line, cause, by }) => ({ line, cause, by })),
    [{ line: 2, cause: Cause.operation, by: 'user' }],
  );
});

test('a function that returns its client’s promise waits until that is settled', async () => {
  for (const prefix of ['', 'async ']) {
    const { loadHome } = load(`${prefix}function loadUser() {
      return ask('user');
    }
    module.exports.loadHome = async function loadHome() {
      await loadUser();
    };`);
    const { loadHome: home, loadUser: user, user: op } = await recorded(loadHome);
    assert.equal(op.parent, user.id);
    assert.equal(home.waits[0].by, 'loadUser');
    assert.deepEqual(
      user.waits.map(({ line, cause, by }) => ({ line, cause, by })),
      [{ line: 2, cause: Cause.operation, by: 'user' }],
    );
    assert.ok(user.durationMs >= op.durationMs);
  }
});

test('an inline callback goes on with the function around it', async () => {
  const { loadHome } = load(`module.exports.loadHome = function loadHome() {
    return new Promise((resolve) => {
      ask('one', (one) => {
        ask('two', (two) => resolve(one + two));
      });
    });
  };`);
  const { loadHome: home, one, two } = await recorded(loadHome);
  assert.equal(one.parent, home.id);
  assert.equal(two.parent, home.id);
  assert.deepEqual(
    home.waits.filter(({ cause }) => cause === Cause.operation).map(({ by }) => by),
    ['one', 'two'],
  );
});

test('two at once in one function are both its own', async () => {
  const { loadHome } = load(`module.exports.loadHome = async function loadHome() {
    await Promise.all([ask('one'), ask('two')]);
  };`);
  const { loadHome: home, one, two } = await recorded(loadHome);
  assert.equal(one.parent, home.id);
  assert.equal(two.parent, home.id);
  assert.equal(home.waits.length, 1);
});

test('answers of one chunk that an id pairs are each their asker’s, whatever their order', async () => {
  const queue: { op: Operation; resolve: (answer: string) => void }[] = [];
  const queued = (name: string) =>
    new Promise((resolve) => {
      const exchange = new Exchange(Kind.client);
      exchange.operation = name;
      queue.push({ op: new Operation(exchange, peer), resolve });
    });
  /** A flush in nobody's context, answered from the last to the first, in one go. */
  const flush = () => {
    const at = now();
    for (const { op } of queue) {
      op.exchange.firstOut = at;
      op.exchange.lastOut = at;
      asked(op);
    }
    setTimeout(() => {
      const inAt = now();
      for (const { op } of queue.reverse()) {
        op.exchange.firstIn = inAt;
        op.exchange.lastIn = inAt;
        answered(op);
      }
      for (const { op, resolve } of queue) resolve(op.exchange.operation);
    }, 2);
  };
  const { loadHome } = load(`module.exports = {
    async loadHome() { await Promise.all([readPins(), readUser()]); },
  };
  async function readPins() { await ask.queued('pins'); }
  async function readUser() { await ask.queued('user'); }`);
  Object.assign(ask, { queued });
  neutral(undefined, () => setTimeout(flush, 2));
  const rows = await recorded(loadHome);
  assert.equal(rows['pins'].functionName, 'readPins');
  assert.equal(rows['user'].functionName, 'readUser');
});

test('what a frame waited for, ran and called adds up to its duration', async () => {
  const { loadHome } = load(`async function loadUser() {
    await ask('user');
  }
  module.exports.loadHome = async function loadHome() {
    await loadUser();
    await ask('pins');
    await Promise.all([loadUser(), ask('more')]);
  };`);
  const { loadHome: home } = await recorded(loadHome);
  const waited = home.waits.reduce((sum, { ms }) => sum + ms, 0);
  assert.equal(home.waits.length, 3);
  assert.ok(waited > 0 && waited <= home.durationMs);
});

test('a request that had to queue was asked when its function began to wait', async () => {
  const { loadHome } = load(`module.exports.loadHome = async function loadHome() {
    await ask('one', undefined, 3);
  };`);
  const { loadHome: home, one } = await recorded(loadHome);
  assert.equal(one.parent, home.id);
  assert.ok(one.poolMs >= 2, `${one.poolMs} ms`);
});

test('an error thrown through a frame is the program’s own, and is told of the frame', async () => {
  const { loadHome } = load(`module.exports.loadHome = async function loadHome() {
    await ask('one');
    try {
      throw new TypeError('theirs');
    } finally {
      await ask('two');
    }
  };`);
  const rows = await recorded(() => assert.rejects(loadHome() as Promise<void>, new TypeError('theirs')));
  assert.equal(rows['loadHome'].error, 'TypeError');
  assert.equal(rows['two'].parent, rows['loadHome'].id);
});

test('a short function under which nothing waited is not written', async () => {
  const { loadHome } = load(`async function pure() {
    return Math.max(1, String(2).length);
  }
  module.exports.loadHome = async function loadHome() {
    await pure();
    await ask('one');
  };`);
  const rows = await recorded(loadHome);
  assert.deepEqual(Object.keys(rows).sort(), ['loadHome', 'one']);
});

test('work that no request asked for is a trace of its own, its first function the root', async () => {
  const { main, other } = load(`module.exports.main = async function main() {
    await ask('one');
  };
  module.exports.other = async function other() {
    await ask('two');
  };`);
  const rows = await written(() => Promise.all([main(), other()]));
  assert.equal(rows['main'].parent, 0n);
  assert.equal(rows['one'].parent, rows['main'].id);
  assert.equal(rows['other'].parent, 0n);
  assert.equal(rows['two'].parent, rows['other'].id);
  assert.notEqual(rows['main'].trace, rows['other'].trace);
});

test('a handler that is called again and again keeps none of the frames before', async () => {
  const { listen } = load(`module.exports = {
    listen(handlers) { ask('once'); handlers.push((name, done) => { ask(name, done); }); },
  }`);
  const handlers: ((name: string, done: (answer: string) => void) => void)[] = [];
  listen(handlers);
  const call = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await new Promise<string>((resolve) => setImmediate(handlers[0], 'again', resolve));
      flushOwners();
      takeBatch(1, 1);
    }
    return (v8 as unknown as { queryObjects(type: unknown): number }).queryObjects(Frame);
  };
  const before = await call(20);
  const after = await call(150);
  assert.ok(after < before + 50, `${before} frames, then ${after}`);
});
