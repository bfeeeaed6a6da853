import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, type Tree } from '../../analysis/trace.ts';
import { newColumns } from '../../model/batch.ts';
import { spans, waits } from '../../model/schema.ts';
import { subtreeEnds, visibleRows } from './rows.ts';

/** A tree from parents by row; -1 = root. Rows start one after another. */
function treeOf(parents: readonly number[]): Tree {
  const columns = newColumns(spans, parents.length);
  parents.forEach((parent, i) => {
    columns.span[i] = BigInt(i + 1);
    columns.parent[i] = BigInt(parent + 1);
    columns.start[i] = i;
    columns.duration[i] = 1000;
  });
  return buildTree({ spans: columns, waits: newColumns(waits, 0), process: new Uint32Array(parents.length) });
}

const rowsOf = (tree: Tree, collapsed: readonly number[]) =>
  Array.from(visibleRows(tree.order, subtreeEnds(tree), new Set(collapsed)));

test('all rows show, parents above children', () => {
  assert.deepEqual(rowsOf(treeOf([-1, 0, 1, 0, 3]), []), [0, 1, 2, 3, 4]);
});

test('what lies under a folded span does not show, its siblings do', () => {
  const tree = treeOf([-1, 0, 1, 0, 3]);
  assert.deepEqual(rowsOf(tree, [1]), [0, 1, 3, 4]);
  assert.deepEqual(rowsOf(tree, [1, 3]), [0, 1, 3]);
  assert.deepEqual(rowsOf(tree, [0]), [0]);
});

test('a fold within a fold is kept for later', () => {
  assert.deepEqual(rowsOf(treeOf([-1, 0, 1, 2]), [0, 2]), [0]);
});

test('several roots stand one after another', () => {
  assert.deepEqual(rowsOf(treeOf([-1, 0, -1, 2]), [0]), [0, 2, 3]);
});

test('100,000 levels are walked without running out of stack', () => {
  const tree = treeOf(Array.from({ length: 100_000 }, (_, i) => i - 1));
  assert.equal(rowsOf(tree, [99_000]).length, 99_001);
});
