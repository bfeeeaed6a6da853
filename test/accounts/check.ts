// The programs of a group, each as a test of its own. What is told must be right. The bounds of time are strict too, in
// one of three runs; else, on a busy machine, the last one must at least be about right. On one that has much more to do
// than it can they say nothing, and are left out; so are second runs after a minute.

import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { isAbout, mostUnexplained, programs, Suite } from './suite.ts';

/** More waits for each of its processors than can be told apart from the program's own waits. */
const isOverrun = () => (loadavg()[0] ?? 0) > 2 * availableParallelism();

export function checkPrograms(group: RegExp): void {
  describe('each account, and who ended each wait, is what the program knows', { concurrency: 2 }, () => {
    const suite = new Suite();
    const began = Date.now();
    before(() => suite.start());
    after(() => suite.stop());

    for (const program of programs.filter((name) => group.test(name))) {
      test(program, async () => {
        const { accounts, blame, unexplained, faults } = await suite.check(program, () => Date.now() - began < 60_000);
        assert.deepEqual(faults, []);
        const wrong = blame.filter(({ pass }) => !pass).map(({ at, truth, measured }) => ({ at, truth, measured }));
        assert.deepEqual(wrong, []);
        if (isOverrun()) return;
        const far = accounts.filter((one) => !one.pass && !isAbout(one));
        assert.deepEqual(far, []);
        assert.ok(unexplained <= mostUnexplained, `${unexplained} unexplained`);
      });
    }
  });
}
