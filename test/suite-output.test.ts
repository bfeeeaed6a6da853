import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOutcomes } from './suite-output.ts';

const brief = (text: string) => [...readOutcomes(text)].map(([name, { passed, failed }]) => [name, passed, failed]);

test('nested TAP gives each point its suites, without what is skipped', () => {
  const text = `TAP version 13
# Subtest: ws
    # Subtest: closes
    ok 1 - closes
      ---
      duration_ms: 3
      ...
    not ok 2 - opens on port 41234
    ok 3 - later # SKIP
    1..3
not ok 1 - ws
1..1
# tests 3`;
  assert.deepEqual(brief(text), [
    ['ws › closes', 1, 0],
    ['ws › opens on port N', 0, 1],
    ['ws', 0, 1],
  ]);
});

test("mocha's flat TAP, and a name used twice", () => {
  assert.deepEqual(brief('1..3\nok 1 res .send() should work\nok 2 res .send() should work\nnot ok 3 app fails'), [
    ['res .send() should work', 2, 0],
    ['app fails', 0, 1],
  ]);
});

test('a list of ticks, in colours, with times, and the failures told again below', () => {
  const text = `
  app
    \u001b[32m✓\u001b[0m should inherit (12ms)
    .use()
      ✔ works (1.5s)
      1) fails

  2 passing (1s)
  1 failing

  1) app
       .use()
         fails:
     Error`;
  assert.deepEqual(brief(text), [
    ['app › should inherit', 1, 0],
    ['app › .use() › works', 1, 0],
    ['app › .use() › fails', 0, 1],
  ]);
});
