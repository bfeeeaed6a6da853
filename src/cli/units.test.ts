import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeOptions, toldCommand } from './command-line.ts';
import { bar } from './terminal.ts';
import { counted, duration, percent } from './units.ts';

test('a duration has two digits or more, and its unit', () => {
  const told = [0, 0.0004, 0.84, 0.9996, 9.94, 9.96, 41.2, 999.4, 999.6, 3210, 99_000, 900_000, 9e6].map(duration);
  assert.deepEqual(told, [
    '0 ms',
    '0.4 µs',
    '840 µs',
    '1.0 ms',
    '9.9 ms',
    '10 ms',
    '41 ms',
    '999 ms',
    '1.0 s',
    '3.2 s',
    '99 s',
    '15 min',
    '2.5 h',
  ]);
});

test('no duration below a year is wider than its column', () => {
  for (let ms = 1e-4; ms < 3.2e10; ms *= 1.07) assert.ok(duration(ms).length <= 7, duration(ms));
});

test('a share that is not nothing is not told as nothing', () => {
  assert.deepEqual([percent(0, 5), percent(1, 1000), percent(1, 3), percent(1, 0)], ['0 %', '<1 %', '33 %', '0 %']);
});

test('one call, two calls', () =>
  assert.deepEqual([counted(1, 'call'), counted(2000, 'call')], ['1 call', '2,000 calls']));

test('bars are drawn in eighths; something is seen as something', () => {
  assert.deepEqual([bar(0, 4), bar(0.001, 4), bar(0.5, 4), bar(0.99, 4), bar(2, 4)], ['', '▏', '██', '████', '████']);
});

test('the recorder’s path is quoted for NODE_OPTIONS as Node reads it', () => {
  assert.equal(nodeOptions('/a/b.cjs', undefined), '--require /a/b.cjs');
  assert.equal(nodeOptions('/a/b.cjs', ' --no-warnings'), '--require /a/b.cjs  --no-warnings');
  assert.equal(nodeOptions('/a b/"c"\\d.cjs', undefined), '--require "/a b/\\"c\\"\\\\d.cjs"');
});

test('a command is kept without the values that may be secrets', () => {
  const typed =
    'node app.js --token=abc --password hunter2 -v PGPASSWORD=x postgres://me:pw@db/pins?key=1 src/main.ts --port 80';
  assert.equal(
    toldCommand(typed.split(' ')).join(' '),
    'node app.js --token=? --password ? -v PGPASSWORD=? postgres://?@db/pins?? src/main.ts --port 80',
  );
});
