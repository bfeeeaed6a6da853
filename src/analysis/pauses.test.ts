import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newColumns } from '../model/batch.ts';
import { Kind, Pause, pauses, spans, waits } from '../model/schema.ts';
import { pausedTimes } from './pauses.ts';
import { reportOf } from './report.ts';
import { buildTree } from './trace.ts';

const own = 7n;
const other = 8n;

/** Spans [process, start, end] of trace `own`, and pauses [process, kind, start, end, trace of the holder]. */
function traceOf(
  drawn: readonly (readonly [number, number, number])[],
  paused: readonly (readonly [number, Pause, number, number, bigint])[],
) {
  const span = newColumns(spans, drawn.length);
  const pause = newColumns(pauses, paused.length);
  drawn.forEach(([, start, end], i) => {
    span.span[i] = BigInt(i + 1);
    span.traceLo[i] = own;
    span.kind[i] = Kind.internal;
    span.function[i] = 1;
    span.start[i] = start;
    span.duration[i] = end - start;
  });
  paused.forEach(([, kind, start, end, holder], i) => {
    pause.kind[i] = kind;
    pause.start[i] = start;
    pause.duration[i] = end - start;
    pause.traceLo[i] = holder;
  });
  return {
    spans: span,
    waits: newColumns(waits, 0),
    process: Uint32Array.from(drawn, ([process]) => process),
    pauses: pause,
    pauseProcess: Uint32Array.from(paused, ([process]) => process),
  };
}

test('a span has the pauses of its own process, as far as they reach into it', () => {
  const tree = buildTree(
    traceOf(
      [
        [1, 100, 200],
        [1, 150, 160],
        [2, 100, 200],
      ],
      [
        [1, Pause.minor, 90, 110, 0n],
        [1, Pause.major, 150, 155, 0n],
        [1, Pause.weak, 154, 158, 0n],
        [1, Pause.minor, 195, 300, 0n],
        [2, Pause.minor, 0, 50, 0n],
        [2, Pause.minor, 200, 250, 0n],
      ],
    ),
  );
  const paused = pausedTimes(tree);
  assert.deepEqual(
    [paused(0), paused(1), paused(2)],
    [
      { gc: 23, held: 0 },
      { gc: 8, held: 0 },
      { gc: 0, held: 0 },
    ],
  );
});

test('the event loop was held by others only where the code of another trace, or of none, ran', () => {
  const tree = buildTree(
    traceOf(
      [[1, 0, 100]],
      [
        [1, Pause.loop, 10, 20, own],
        [1, Pause.loop, 30, 45, other],
        [1, Pause.loop, 90, 120, 0n],
      ],
    ),
  );
  assert.deepEqual(pausedTimes(tree)(0), { gc: 0, held: 25 });
});

test('without pauses nothing was paused', () => {
  const { pauses: _, pauseProcess: __, ...bare } = traceOf([[1, 0, 100]], []);
  assert.deepEqual(pausedTimes(buildTree(bare))(0), { gc: 0, held: 0 });
});

const run = { id: '', name: '', command: [], startedAt: '', durationMs: 0, processes: [] };
const info = { pid: 1, ppid: 0, thread: 0, service: 'feed', runtime: '', script: '', origin: 0n };
const words = {
  texts: [''],
  functions: [
    { function: '', file: '', line: 0 },
    { function: 'spin', file: 'spin.ts', line: 3 },
  ],
  processes: [
    { ...info, number: 0, service: '' },
    { ...info, number: 1 },
    { ...info, number: 2 },
  ],
};

test('the report says who held the loop, over the processes of a service, and what collecting garbage took', () => {
  const total = { request: '', count: 1, longest: 4e6, sum: 4e6 };
  const report = reportOf([traceOf([[1, 0, 1e6]], [[1, Pause.minor, 0, 5e5, 0n]])], {
    run,
    words,
    counters: [],
    pauses: [
      { ...total, kind: Pause.loop, process: 1, function: 1, sum: 30e6, longest: 20e6, count: 2 },
      { ...total, kind: Pause.loop, process: 2, function: 1, sum: 15e6, longest: 15e6 },
      { ...total, kind: Pause.loop, process: 1, function: 0, request: 'GET /slow', sum: 11e6, longest: 11e6 },
      { ...total, kind: Pause.minor, process: 1, function: 0 },
      { ...total, kind: Pause.major, process: 2, function: 0 },
    ],
  });
  assert.deepEqual(report.functions[0].paused, { gcMs: 0.5, heldMs: 0 });
  const { gc, loop } = report.pauses;
  assert.deepEqual([gc.count, gc.totalMs, gc.kinds.major], [2, 8, { count: 1, totalMs: 4, longestMs: 4 }]);
  assert.deepEqual([loop.count, loop.totalMs, loop.longestMs, loop.thresholdMs], [4, 56, 20, 10]);
  assert.deepEqual(
    loop.by.map((one) => [one.function, one.file, one.request, one.service, one.count, one.totalMs, one.longestMs]),
    [
      ['spin', 'spin.ts', '', 'feed', 3, 45, 20],
      ['', '', 'GET /slow', 'feed', 1, 11, 11],
    ],
  );
});

test('what stands for several counts as often, everywhere', () => {
  const one = traceOf([[1, 0, 1e6]], [[1, Pause.minor, 0, 5e5, 0n]]);
  const meta = { run, words, counters: [] };
  const [single] = reportOf([one], meta).functions;
  one.spans.weight.fill(8);
  const [eight] = reportOf([one], meta).functions;
  assert.equal(eight.calls, 8);
  assert.equal(eight.wall.totalMs, 8 * single.wall.totalMs);
  assert.equal(eight.wall.p95Ms, single.wall.p95Ms);
  assert.equal(eight.accounts.unexplainedMs, 8 * single.accounts.unexplainedMs);
  assert.equal(eight.paused.gcMs, 4);
});
