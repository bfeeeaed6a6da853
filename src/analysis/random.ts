// Traces of any shape, for tests of what holds for all: unknown parents, circles, times that make no sense, waits
// that overlap, name any span, or outlast their frame.

import fc from 'fast-check';
import { newColumns, rowCount } from '../model/batch.ts';
import { spans, waits } from '../model/schema.ts';
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

export const randomTree = (): fc.Arbitrary<{ columns: TreeColumns; tree: Tree }> =>
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
export function shifted(columns: TreeColumns, by: number): Tree {
  return buildTree({
    ...columns,
    spans: { ...columns.spans, start: columns.spans.start.map((at) => at + by) },
    waits: { ...columns.waits, start: columns.waits.start.map((at) => at + by) },
  });
}

/** Every value of every column as text: equal before and after means that nothing was changed. */
export const fingerprint = (columns: TreeColumns): string =>
  [columns.spans, columns.waits]
    .map((table) => `${rowCount(table)} ${Object.values(table).map((column) => column.join(','))}`)
    .concat(Array.from(columns.process).join(','))
    .join('|');
