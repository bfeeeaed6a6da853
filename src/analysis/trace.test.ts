import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnNs, draw } from './drawing.ts';
import { deep, wide } from './large.ts';
import { buildTree, listOf, type TreeColumns } from './trace.ts';

function outline(columns: TreeColumns, names: readonly string[]): string {
  const tree = buildTree(columns);
  return Array.from(tree.order, (row) => '  '.repeat(tree.depth[row]) + names[row]).join('\n');
}

test('children come under their parents, by start, whatever the order of the rows', () => {
  const { columns, names } = draw(`
    r  >>>>>>>
      b    ##
      a  ##
        c #
  `);
  assert.equal(outline(columns, names), 'r\n  a\n    c\n  b');
});

test('a span whose parent is not in the trace is a root, and is counted', () => {
  const { columns } = draw(`
    r  >>>>>>>
      a  ##
  `);
  columns.spans.parent[0] = 99n;
  const tree = buildTree(columns);
  assert.deepEqual([...tree.roots], [0]);
  assert.equal(tree.orphans, 1);
});

test('of rows with one id the first counts', () => {
  const { columns } = draw(`
    r  >>>>>>>
      a  ##
      b  ###
  `);
  columns.spans.span[2] = columns.spans.span[1];
  const tree = buildTree(columns);
  assert.equal(tree.duplicates, 1);
  assert.deepEqual([...tree.order], [0, 1]);
});

test('a circle of parents is cut at its earliest span', () => {
  const { columns } = draw(`
    a  =====
      b =====
        c  ===
  `);
  columns.spans.parent[0] = 3n;
  const tree = buildTree(columns);
  assert.equal(tree.cycles, 1);
  assert.deepEqual([...tree.roots], [0]);
  assert.deepEqual([...tree.order], [0, 1, 2]);
});

test('a span that is its own parent is a root', () => {
  const { columns } = draw('a  =====');
  columns.spans.parent[0] = 1n;
  assert.deepEqual([...buildTree(columns).roots], [0]);
});

test('a process whose clock runs early is shifted into the middle of what asked it, with all it did', () => {
  const { columns, row } = draw(`
    a           ########
      r@2     >>>>
        h@2    ==
  `);
  const tree = buildTree(columns);
  const at = (name: string) => (tree.start[row(name)] - tree.start[row('a')]) / columnNs;
  assert.equal(tree.skewed, 2);
  assert.equal(at('r'), 2);
  assert.equal(at('h'), 3);
});

test('a process whose request ends late is left as it is: servers do finish after their clients', () => {
  const { columns } = draw(`
    a       ####
      r@2    >>>>>
  `);
  assert.equal(buildTree(columns).skewed, 0);
});

test('in one process nothing is shifted: there is one clock', () => {
  const { columns } = draw(`
    f       ====
      a   ##
  `);
  assert.equal(buildTree(columns).skewed, 0);
});

test('waits find their frame and what let it go on; a name that is not in the trace is not known', () => {
  const { columns, row } = draw(`
    f  =aa=bb=
      a ##
      b    ##
  `);
  columns.waits.by[1] = 77n;
  const tree = buildTree(columns);
  const waits = listOf(tree.waits, row('f'));
  assert.deepEqual(
    [...waits].map((wait) => tree.waitBy[wait]),
    [row('a'), -1],
  );
});

test('100,000 children and 10,000 levels make a tree', () => {
  assert.equal(wide(100_000).tree.order.length, 100_001);
  const tall = deep(10_000).tree;
  assert.equal(tall.depth[10_000], 10_000);
});
