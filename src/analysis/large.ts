// Traces of sizes that break recursion and quadratic walks, for tests.

import { newColumns } from '../model/batch.ts';
import { Cause, Kind, spans, waits } from '../model/schema.ts';
import { buildTree, type Tree, type TreeColumns } from './trace.ts';

/** A frame that waits for `count` operations of 10 ns, one after another, 1 ns of running before each. */
export function wide(count: number): { columns: TreeColumns; tree: Tree } {
  const span = newColumns(spans, count + 1);
  const wait = newColumns(waits, count);
  span.traceLo.fill(1n);
  span.span[0] = 1n;
  span.kind[0] = Kind.internal;
  span.function[0] = 1;
  span.duration[0] = count * 11;
  span.cpu[0] = count;
  for (let i = 0; i < count; i++) {
    const row = i + 1;
    span.span[row] = BigInt(row + 1);
    span.parent[row] = 1n;
    span.kind[row] = Kind.client;
    span.operation[row] = 1;
    span.service[row] = 2;
    span.protocol[row] = 3;
    span.function[row] = 1;
    span.start[row] = i * 11 + 1;
    span.duration[row] = 10;
    wait.span[i] = 1n;
    wait.start[i] = i * 11 + 1;
    wait.duration[i] = 10;
    wait.cause[i] = Cause.operation;
    wait.by[i] = BigInt(row + 1);
  }
  wait.traceLo.fill(1n);
  const columns = { spans: span, waits: wait, process: new Uint32Array(count + 1).fill(1) };
  return { columns, tree: buildTree(columns) };
}

/** `count` frames, each waiting for the next, the last for an operation. */
export function deep(count: number): { columns: TreeColumns; tree: Tree } {
  const span = newColumns(spans, count + 1);
  const wait = newColumns(waits, count);
  span.traceLo.fill(1n);
  wait.traceLo.fill(1n);
  for (let row = 0; row <= count; row++) {
    span.span[row] = BigInt(row + 1);
    span.parent[row] = BigInt(row);
    span.kind[row] = row === count ? Kind.client : Kind.internal;
    span.function[row] = Math.min(row, count - 1) + 1;
    span.operation[row] = 1;
    span.service[row] = row === count ? 2 : 0;
    span.protocol[row] = row === count ? 3 : 0;
    span.start[row] = row;
    span.duration[row] = 2 * (count - row) + 10;
    if (row === count) continue;
    span.cpu[row] = 2;
    wait.span[row] = BigInt(row + 1);
    wait.start[row] = row + 1;
    wait.duration[row] = 2 * (count - row - 1) + 10;
    wait.cause[row] = row === count - 1 ? Cause.operation : Cause.callee;
    wait.by[row] = BigInt(row + 2);
  }
  const columns = { spans: span, waits: wait, process: new Uint32Array(count + 1).fill(1) };
  return { columns, tree: buildTree(columns) };
}
