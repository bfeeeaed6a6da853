// `--budget`: whole requests are left out, whatever is recorded is whole, and the counts are right by weight.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { load } from '../bench/budget/load.ts';
import { Kind } from '../src/model/schema.ts';
import { openStore } from '../src/store/open.ts';
import { runsDir, spansFile } from '../src/store/runs.ts';
import { nodes, run } from './recorder-kit.ts';

const dir = mkdtempSync(join(tmpdir(), 'whywait-budget-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** A group of requests is no larger. */
const maxGroup = 16;

test('under a budget, recorded traces are whole, and counts by weight are what the server counted', async () => {
  const { report, requests, ticks, commands } = await load({ budget: '4%', requests: 3000, atOnce: 8, dir });
  const sampling = report?.sampling;
  assert.ok(report !== undefined && sampling, 'the report says that it is sampled');
  assert.equal(sampling.requests.seen, requests + 1);
  assert.ok(sampling.requests.recorded < requests, `${sampling.requests.recorded} of ${requests} recorded`);
  assert.ok(sampling.cpuMs > 0 && sampling.ownMs > 0 && sampling.ownMs < sampling.cpuMs);
  assert.equal(report.coverage.dropped, 0);

  // Whole: each request with its ten commands and its functions, each tick with its one.
  const [id] = readdirSync(runsDir(dir)).filter((name) => !name.startsWith('.'));
  const store = await openStore(spansFile(dir, id!), 'read');
  const pages: number[] = [];
  const works: number[] = [];
  const { texts } = await store.words();
  await store.scanTraces(({ spans, traceLo }) => {
    if (traceLo === 0n) return;
    const of = (kind: Kind) => [...spans.kind].filter((one) => one === kind).length;
    const names = [...spans.operation].map((text) => texts[text]);
    assert.ok(
      spans.weight.every((weight) => weight === spans.weight[0]),
      'one weight a trace',
    );
    if (names.includes('GET /page')) {
      assert.equal(of(Kind.client), 10, `the commands of a request: ${names}`);
      assert.equal(of(Kind.internal), 3, `its functions: ${names}`);
      pages.push(spans.weight[0]!);
    } else if (names.includes('refresh')) {
      assert.equal(of(Kind.client), 1, `the command of a tick: ${names}`);
      works.push(spans.weight[0]!);
    }
  });
  await store.close();

  const sum = (weights: number[]) => weights.reduce((total, weight) => total + weight, 0);
  assert.ok(pages.length > 0 && works.length > 0);
  // Weights are whole numbers, and the last group may not be over.
  const slack = maxGroup * (1 + Math.max(...pages) - Math.min(...pages));
  const told = sum(pages) + sampling.requests.open;
  assert.ok(Math.abs(told - requests) <= Math.min(slack, requests / 10), `${told} of ${requests} by weight`);
  assert.ok(Math.abs(sum(works) + sampling.work.open - ticks) <= 3, `${sum(works)} of ${ticks} ticks by weight`);
  const page = report.requests.find(({ request }) => request === 'GET /page');
  assert.equal(page?.calls, sum(pages));
  assert.equal(report.functions.find((one) => one.function === 'loadUser')?.calls, sum(pages));
  const called = report.requests.flatMap(({ services }) => services.map(({ calls }) => calls));
  assert.deepEqual(called, [10 * sum(pages)]);
  // What Redis counted itself: of two kinds of commands the shares too.
  assert.deepEqual([commands['get'], commands['hget'], commands['incr']], [6 * requests, 4 * requests, ticks]);
  const operations = page!.services[0]!.operations;
  const calls = (name: string) =>
    operations.filter(({ operation }) => operation.startsWith(`${name} `)).reduce((total, one) => total + one.calls, 0);
  assert.deepEqual([calls('GET'), calls('HGET')], [6 * sum(pages), 4 * sum(pages)]);
});

for (const node of nodes) {
  test(`who sent a request has decided whether it is recorded, over services: ${node}`, async () => {
    const outcome = await run(
      `const http = require('http');
      const agent = new http.Agent({ keepAlive: true });
      const ask = (server, path, headers) => new Promise((done) =>
        http.get({ port: server.address().port, path, agent, headers }, (answer) => answer.resume().on('end', done)));
      const back = http.createServer((request, response) => response.end('x'));
      const front = http.createServer((request, response) => ask(back, '/back').then(() => response.end()));
      const both = [front, back].map((server) => new Promise((up) => server.listen(0, up)));
      const parent = (n, flags) => '00-' + String(n).padStart(32, 'a') + '-00f067aa0ba902b7-' + flags;
      Promise.all(both).then(async () => {
        for (let i = 0; i < 600; i++) await ask(front, '/front');
        for (let i = 0; i < 20; i++) {
          await ask(front, '/yes', { traceparent: parent(i, '01') });
          await ask(front, '/no', { traceparent: parent(i, '00') });
        }
        front.close();
        back.close();
        agent.destroy();
      });`,
      { node, options: { budget: 0.002 } },
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    const served = outcome.spans.filter(({ kind }) => kind === Kind.server);
    const count = (operation: string) => served.filter((span) => span.operation === operation).length;
    assert.equal(outcome.counters['budget.requests.seen'], 600);
    assert.equal(count('GET /front'), outcome.counters['budget.requests.recorded']);
    assert.ok(count('GET /front') < 600, 'some are left out');
    assert.equal(count('GET /yes'), 20);
    assert.equal(count('GET /no'), 0);
    // Whole over both services, and nothing of the others.
    const traces = new Map<string, string[]>();
    for (const { trace, kind, operation } of outcome.spans) {
      if (kind === Kind.client && !operation.startsWith('GET /back')) continue;
      traces.set(trace, [...(traces.get(trace) ?? []), `${kind} ${operation}`]);
    }
    for (const [trace, spans] of traces) {
      const [head] = spans.filter((span) => /front|yes/.test(span));
      assert.ok(head, `${trace} has its head: ${spans}`);
      assert.deepEqual(spans.sort(), ['1 GET /back', head, '2 GET /back'].sort(), trace);
    }
  });
}
