// What holds for traces of any shape: unknown parents, circles, times that make no sense, waits that overlap, name any
// span, or outlast their frame.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newColumns, rowCount } from '../model/batch.ts';
import type { Report } from '../model/report.ts';
import { spans, waits } from '../model/schema.ts';
import { criticalPath } from './critical-path.ts';
import { createReport, reportOf } from './report.ts';
import { buildTree, type Tree, type TreeColumns } from './trace.ts';

const spanOf = fc.record({
  parent: fc.integer({ min: 0, max: 14 }),
  kind: fc.constantFrom(0, 0, 0, 1, 2, 2, 3, 4),
  process: fc.constantFrom(1, 1, 1, 2),
  function: fc.integer({ min: 0, max: 4 }),
  operation: fc.integer({ min: 1, max: 3 }),
  start: fc.integer({ min: 0, max: 60 }),
  duration: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.double({ min: 0, max: 60, noNaN: true })),
  cpu: fc.integer({ min: 0, max: 60 }),
  pool: fc.integer({ min: 0, max: 20 }),
  connect: fc.integer({ min: 0, max: 20 }),
  loop: fc.integer({ min: 0, max: 20 }),
});
const waitOf = fc.record({
  span: fc.integer({ min: 0, max: 13 }),
  start: fc.integer({ min: 0, max: 60 }),
  duration: fc.integer({ min: 0, max: 60 }),
  cause: fc.integer({ min: 0, max: 4 }),
  by: fc.integer({ min: 0, max: 14 }),
});

const randomTree = (): fc.Arbitrary<{ columns: TreeColumns; tree: Tree }> =>
  fc
    .record({
      spans: fc.array(spanOf, { minLength: 1, maxLength: 12 }),
      waits: fc.array(waitOf, { maxLength: 12 }),
    })
    .map((given) => {
      const span = newColumns(spans, given.spans.length);
      given.spans.forEach((one, row) => {
        span.span[row] = BigInt(row + 1);
        span.parent[row] = BigInt(one.parent);
        span.traceLo[row] = 1n;
        span.kind[row] = one.kind;
        span.function[row] = one.kind === 1 ? 0 : one.function;
        span.operation[row] = one.operation;
        span.service[row] = one.kind >= 2 ? 3 + (one.operation % 2) : 0;
        span.protocol[row] = one.kind >= 2 ? 5 : 0;
        span.start[row] = one.start;
        span.duration[row] = one.duration;
        span.cpu[row] = one.cpu;
        span.pool[row] = one.pool;
        span.connect[row] = one.connect;
        span.loop[row] = one.loop;
      });
      const wait = newColumns(waits, given.waits.length);
      given.waits.forEach((one, row) => {
        wait.span[row] = BigInt(one.span + 1);
        wait.traceLo[row] = 1n;
        wait.start[row] = one.start;
        wait.duration[row] = one.duration;
        wait.cause[row] = one.cause;
        wait.by[row] = BigInt(one.by);
      });
      const columns = {
        spans: span,
        waits: wait,
        process: Uint32Array.from(given.spans, (one) => one.process),
      };
      return { columns, tree: buildTree(columns) };
    });

/** The same trace, all times later by `by`. */
function shifted(columns: TreeColumns, by: number): Tree {
  return buildTree({
    ...columns,
    spans: { ...columns.spans, start: columns.spans.start.map((at) => at + by) },
    waits: { ...columns.waits, start: columns.waits.start.map((at) => at + by) },
  });
}

/** Every value of every column as text: equal before and after means that nothing was changed. */
const fingerprint = (columns: TreeColumns): string =>
  [columns.spans, columns.waits]
    .map((table) => `${rowCount(table)} ${Object.values(table).map((column) => column.join(','))}`)
    .concat(Array.from(columns.process).join(','))
    .join('|');

const run: Report['run'] = {
  id: '20261123-181530-k3f',
  name: '',
  command: ['node', 'app.js'],
  startedAt: '2026-11-23T18:15:30.000Z',
  durationMs: 1000,
  processes: [{ pid: 101, service: 'feed', runtime: 'node v24.0.0' }],
};

function checkContiguous(tree: Tree, root: number): void {
  const { start, end } = criticalPath(tree, root);
  if (tree.end[root] === tree.start[root]) {
    assert.equal(start.length, 0);
    return;
  }
  assert.equal(start[0], tree.start[root], 'begins with the root');
  assert.equal(end[end.length - 1], tree.end[root], 'ends with the root');
  for (let i = 1; i < start.length; i++) assert.equal(start[i], end[i - 1], 'no gap, no overlap');
  for (let i = 0; i < start.length; i++) assert.ok(end[i] > start[i]);
}

test('any trace: contiguous, from the start to the end of its root, and the same when all times shift', () => {
  fc.assert(
    fc.property(randomTree(), fc.integer({ min: -1e12, max: 1e12 }), ({ columns, tree }, by) => {
      for (const root of tree.roots) {
        checkContiguous(tree, root);
        const moved = shifted(columns, by);
        const a = criticalPath(tree, root);
        const b = criticalPath(moved, root);
        assert.deepEqual(b.span, a.span);
        assert.deepEqual(
          b.start.map((at) => at - by),
          a.start,
        );
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('any trace: every span but duplicates once, parents first, and nothing that was given is changed', () => {
  fc.assert(
    fc.property(randomTree(), ({ columns }) => {
      const before = fingerprint(columns);
      const tree = buildTree(columns);
      assert.equal(fingerprint(columns), before);
      assert.equal(tree.order.length + tree.duplicates, rowCount(columns.spans));
      const seen = new Set<number>();
      for (const row of tree.order) {
        assert.ok(tree.parent[row] === -1 || seen.has(tree.parent[row]));
        assert.ok(!seen.has(row));
        seen.add(row);
      }
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('any traces: accounts sum to the wall time, no service holds longer than it, nothing given is changed', () => {
  fc.assert(
    fc.property(fc.array(randomTree(), { minLength: 1, maxLength: 4 }), (traces) => {
      const before = traces.map(({ columns }) => fingerprint(columns)).join();
      const words = { texts: ['', 'SELECT a', 'b', 's', 't', 'redis'], functions: [], processes: [] };
      const report = reportOf(
        traces.map(({ columns }) => columns),
        { run, words, counters: [] },
      );
      assert.equal(traces.map(({ columns }) => fingerprint(columns)).join(), before);
      let operations = 0;
      for (const one of report.services) operations += one.calls;
      assert.equal(operations, report.coverage.operations);
      for (const { accounts, wall, services } of report.functions) {
        const sum = Object.values(accounts).reduce((all, part) => all + Math.round(part * 1e6), 0);
        assert.equal(sum, Math.round(wall.totalMs * 1e6));
        for (const part of Object.values(accounts)) assert.ok(part >= 0);
        for (const { waitMs } of services) assert.ok(waitMs <= wall.totalMs + 1e-9);
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});

test('any traces: the report does not depend on the order in which they come', () => {
  fc.assert(
    fc.property(fc.array(randomTree(), { minLength: 2, maxLength: 5 }), (traces) => {
      const words = { texts: ['', 'SELECT a', 'b', 's', 't', 'redis'], functions: [], processes: [] };
      const of = (given: typeof traces) => {
        const report = createReport();
        for (const { columns } of given) report.add(columns);
        const { functions, services, requests, coverage } = report.finish({ run, words, counters: [] });
        const rows = functions.map(({ findings, ...rest }) => JSON.stringify({ ...rest, findings: findings.length }));
        return { rows: rows.sort(), services, requests, coverage };
      };
      assert.deepEqual(of([...traces].reverse()), of(traces));
    }),
    { seed: 12, numRuns: 100 },
  );
});
