// When the thread was taken, as the recorder sees it in programs that make garbage, spin, and starve the event loop.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kind, loopHeldNs, Pause } from '../src/model/schema.ts';
import { nodes, type Outcome, run } from './recorder-kit.ts';

const spinner = `
  const spin = (ms) => { const until = performance.now() + ms; while (performance.now() < until); };
  const later = (ms) => new Promise((done) => setTimeout(done, ms));
  const get = (server, path) => new Promise((done) => require('http')
    .get({ port: server.address().port, path, agent: false }, (answer) => answer.resume().on('end', done)));
`;

interface Paused {
  kind: Pause;
  start: number;
  end: number;
  span: bigint;
  trace: bigint;
  function: string;
}

function pausesOf({ batches }: Outcome): Paused[] {
  const texts: string[] = [''];
  const functions: string[] = [''];
  const found: Paused[] = [];
  for (const { batch } of batches) {
    batch.texts.forEach((text, i) => {
      texts[batch.firstText + i] = text;
    });
    const { functions: named, pauses } = batch.tables;
    named.id.forEach((id, i) => {
      functions[id] = texts[named.function[i]!]!;
    });
    pauses.kind.forEach((kind, i) => {
      found.push({
        kind: kind as Pause,
        start: pauses.start[i]!,
        end: pauses.start[i]! + pauses.duration[i]!,
        span: pauses.span[i]!,
        trace: pauses.traceLo[i]!,
        function: functions[pauses.function[i]!]!,
      });
    });
  }
  return found;
}

const spanOf = (outcome: Outcome, operation: string, kind: Kind = Kind.internal) => {
  const found = outcome.spans.find((span) => span.operation === operation && span.kind === kind);
  assert.ok(found, `${operation} is a span`);
  return { ...found, end: found.start + found.duration, id: BigInt(`0x${found.span}`) };
};

for (const node of nodes) {
  test(`a function that holds the event loop is named, with when and how long: ${node}`, async () => {
    const outcome = await run(
      `${spinner}
      const server = require('http').createServer((req, res) => res.end());
      async function holdsLoop() { await later(5); spin(40); await later(5); }
      async function starves() { for (let i = 0; i < 30; i++) { await null; spin(1); } }
      async function idles() { await later(60); }
      server.listen(0, async () => {
        await get(server, '/');
        await later(20);
        await holdsLoop();
        await later(20);
        await starves();
        await later(20);
        await idles();
        server.close();
      });`,
      { node, options: { functions: 'on' } },
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    const held = pausesOf(outcome).filter(({ kind }) => kind === Pause.loop);
    for (const name of ['holdsLoop', 'starves']) {
      const span = spanOf(outcome, name);
      const own = held.filter((one) => one.function === name);
      assert.equal(own.length, 1, `${name}: ${JSON.stringify(own.map(({ start, end }) => [start, end]))}`);
      assert.equal(own[0]!.span, span.id);
      assert.equal(own[0]!.trace, BigInt(`0x${span.trace.slice(16)}`));
      assert.ok(own[0]!.end - own[0]!.start >= (name === 'starves' ? 25e6 : 40e6));
      // libuv's counters are read every 2 ms.
      assert.ok(own[0]!.start >= span.start - 3e6 && own[0]!.end <= span.end + 3e6, name);
    }
    const { start, end } = spanOf(outcome, 'idles');
    const inside = held.filter((one) => one.start > start + 10e6 && one.end < end - 10e6);
    assert.deepEqual(inside, [], 'nothing is held while the program waits');
    for (const one of held) assert.ok(one.end - one.start >= loopHeldNs);
  });

  test(`a handler that is no function of the user's is known by its request: ${node}`, async () => {
    const outcome = await run(
      `${spinner}
      const server = require('http').createServer((req, res) => { if (req.url === '/slow') spin(30); res.end(); });
      server.listen(0, async () => {
        await get(server, '/quick');
        await get(server, '/slow');
        setTimeout(() => get(server, '/quick').then(() => server.close()), 30);
      });`,
      { node },
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    const { id, start } = spanOf(outcome, 'GET /slow', Kind.server);
    const [held] = pausesOf(outcome).filter(({ span }) => span === id);
    assert.ok(held, 'the request held the loop');
    assert.ok(held.end - held.start >= 29e6 && Math.abs(held.start - start) < 5e6);
  });

  test(`garbage collection is told by kind, where it falls: ${node}`, async () => {
    const outcome = await run(
      `${spinner}
      const server = require('http').createServer((req, res) => res.end());
      async function makesGarbage() {
        let kept = [];
        for (let i = 0; i < 2e6; i++) { kept.push({ i, text: 'x' + i }); if (kept.length > 1e5) kept = []; }
        await later(1);
        gc();
        await later(1);
      }
      server.listen(0, async () => { await get(server, '/'); await makesGarbage(); await later(5); server.close(); });`,
      { node, args: ['--expose-gc'], options: { functions: 'on' } },
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    const { start, end } = spanOf(outcome, 'makesGarbage');
    const within = pausesOf(outcome).filter((one) => one.start >= start && one.end <= end);
    const kinds = new Set(within.map(({ kind }) => kind));
    assert.ok(kinds.has(Pause.minor) && kinds.has(Pause.major), [...kinds].join());
    const collected = within.filter(({ kind }) => kind !== Pause.loop);
    assert.ok(collected.every((one) => one.end > one.start));
    assert.ok(collected.reduce((sum, one) => sum + one.end - one.start, 0) < end - start);
  });

  test(`nobody notices: no resource, no listener, no entry of another observer: ${node}`, async () => {
    const program = `
      const { createHook } = require('async_hooks');
      const { PerformanceObserver } = require('perf_hooks');
      const types = {};
      createHook({ init: (id, type) => { types[type] = (types[type] ?? 0) + 1; } }).enable();
      let functions = 0;
      const own = new PerformanceObserver((list) => { functions += list.getEntries().length; });
      own.observe({ entryTypes: ['function'] });
      let kept = [];
      for (let i = 0; i < 1e6; i++) { kept.push({ i }); if (kept.length > 1e5) kept = []; }
      setTimeout(() => {
        const { Immediate = 0 } = types;
        const exit = process.listenerCount('exit');
        console.log(JSON.stringify({ Immediate, functions, exit, own: own.takeRecords().length }));
      }, 20);`;
    const outcome = await run(program, { node });
    assert.deepEqual(JSON.parse(outcome.stdout), { Immediate: 0, functions: 0, exit: 0, own: 0 });
    assert.equal(outcome.stderr, '');
    assert.deepEqual([outcome.hellos, outcome.rest], [[], []], 'pauses alone are not shipped');
  });
}
