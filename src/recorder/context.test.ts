import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import {
  currentRoot,
  currentStore,
  endRoot,
  Neutral,
  neutral,
  openRoot,
  runInRoot,
  startContexts,
  stopContexts,
  watchReactions,
} from './context.ts';
import { newTrace } from './ids.ts';
import type { Root } from './operation.ts';

const newRoot = (): Root => openRoot({ trace: newTrace(), parent: undefined, request: true, start: 0 });
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what a request starts belongs to it, across awaits and timers', async () => {
  const root = newRoot();
  const seen = await runInRoot(
    root,
    async () => {
      await nextTurn();
      return currentRoot();
    },
    undefined,
    [],
  );
  assert.equal(seen, root);
  assert.equal(currentRoot(), undefined);
});

test('arguments, this and errors pass through', () => {
  const self = { name: 'self' };
  const called = runInRoot(
    newRoot(),
    function (this: unknown, ...args: number[]) {
      return [this, ...args];
    } as (...args: number[]) => unknown,
    self,
    [1, 2],
  );
  assert.deepEqual(called, [self, 1, 2]);
  const fault = new Error('theirs');
  const fails = () => {
    throw fault;
  };
  assert.throws(() => runInRoot(newRoot(), fails, undefined, []), fault);
});

test('a connection runs in nobody’s context and knows who opened it', () => {
  const root = newRoot();
  runInRoot(
    root,
    () =>
      neutral(undefined, () => {
        const store = currentStore();
        assert.equal(currentRoot(), undefined);
        assert.ok(store instanceof Neutral);
        assert.equal(store.creator, root);
        neutral(undefined, () => assert.equal(currentStore(), store));
      }),
    undefined,
    [],
  );
});

test('a watcher is told the root of each await that goes on, in the order of resolution', async () => {
  startContexts();
  const roots = [newRoot(), newRoot(), newRoot()];
  const resolvers: (() => void)[] = [];
  const waiting = roots.map((root) =>
    runInRoot(root, async () => new Promise<void>((resolve) => resolvers.push(resolve)).then(() => {}), undefined, []),
  );
  await nextTurn();
  const seen: unknown[] = [];
  setImmediate(() => {
    watchReactions((store) => seen.push(store));
    for (const i of [2, 0, 1]) resolvers[i]();
  });
  await Promise.all(waiting);
  watchReactions(undefined);
  stopContexts();
  assert.deepEqual(seen.filter((store) => store !== undefined).slice(0, 3), [roots[2], roots[0], roots[1]]);
});

test('the program’s own storage is left as it is', async () => {
  const own = new AsyncLocalStorage<string>();
  await own.run('theirs', () =>
    runInRoot(
      newRoot(),
      async () => {
        await nextTurn();
        assert.equal(own.getStore(), 'theirs');
        neutral(undefined, () => assert.equal(own.getStore(), 'theirs'));
      },
      undefined,
      [],
    ),
  );
});

test('an ended request says so', () => {
  const root = newRoot();
  endRoot(root, 1);
  assert.equal(root.ended, true);
});
