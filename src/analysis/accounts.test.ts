import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountsOf, type FrameAccounts } from './accounts.ts';
import { columnNs, drawTree } from './drawing.ts';
import { wide } from './large.ts';

/** The accounts of frame f in columns of the drawing; what is 0 left out. */
function accounts(picture: string): Partial<FrameAccounts> {
  const { tree, row } = drawTree(picture);
  const ns = accountsOf(tree, row('f'));
  const frame = row('f');
  const sum = Object.values(ns).reduce((all, part) => all + part, 0);
  assert.equal(sum, tree.end[frame] - tree.start[frame], 'the members sum to the wall time');
  return Object.fromEntries(
    Object.entries(ns)
      .filter(([, part]) => part !== 0)
      .map(([name, part]) => [name, part / columnNs]),
  );
}

test('a frame that never waits is its own code', () => {
  assert.deepEqual(accounts('f ====='), { cpu: 5 });
});

test('waiting for one operation is its pool, its connecting, its service and the busy loop after it', () => {
  const parts = accounts(`
    f  ==aaaaaaaaa==
      a  ppc####lll
  `);
  assert.deepEqual(parts, { cpu: 4, pool: 2, connect: 1, services: 4, loop: 2 });
});

test('an answer that waited for the loop counts as loop though nobody measured it', () => {
  const parts = accounts(`
    f  =aaaaaaaa=
      a ####
  `);
  assert.deepEqual(parts, { cpu: 2, services: 4, loop: 4 });
});

test('parallel calls count once', () => {
  const parts = accounts(`
    f  =bbbbbbbb=
      a ####
      b ########
      c ######
  `);
  assert.deepEqual(parts, { cpu: 2, services: 8 });
});

test('what let it go on shows before what ran beside it', () => {
  const parts = accounts(`
    f  =aaaaaaaa=
      a ppppp###
      b ####
  `);
  assert.deepEqual(parts, { cpu: 2, pool: 5, services: 3 });
});

test('time in an awaited function is the callee, whatever that did', () => {
  const parts = accounts(`
    f    =ggggggg=
      g   =aaaaa=
        a  #####
  `);
  assert.deepEqual(parts, { cpu: 2, callees: 7 });
});

test('a function that runs inside without an await is a callee, not own code', () => {
  const parts = accounts(`
    f  ==========
      g   ====
  `);
  assert.deepEqual(parts, { cpu: 6, callees: 4 });
});

test('a timer, something else and something unknown keep their names', () => {
  assert.deepEqual(accounts('f =~~~=,,=....='), { cpu: 4, timers: 3, other: 2, unexplained: 4 });
});

test('operations asked before and between awaits cover only the awaits', () => {
  const parts = accounts(`
    f  ==aa====aaa=
      a #########
      b    ##
  `);
  assert.deepEqual(parts, { cpu: 7, services: 4, loop: 1 });
});

test('an operation that goes on after the frame returned counts until then', () => {
  const parts = accounts(`
    f  =....
      a   ########
  `);
  assert.deepEqual(parts, { cpu: 1, services: 2, unexplained: 2 });
});

test('100,000 operations in a frame are accounted in turn', () => {
  const { tree } = wide(100_000);
  const ns = accountsOf(tree, 0);
  assert.equal(ns.services, 100_000 * 10);
  assert.equal(
    Object.values(ns).reduce((all, part) => all + part, 0),
    tree.end[0] - tree.start[0],
  );
});
