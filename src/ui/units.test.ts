import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, formatBytes, formatMs, formatShare, oneLine, tickLabels } from './units.ts';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

test('a duration reads in the unit that keeps three digits', () => {
  const read = [0, 0.0004, 0.43, 0.9996, 9.996, 12.34, 999.4, 999.6, 1234, 59_960, 75_000, 3_720_000].map(formatMs);
  assert.deepEqual(read.map(plain), [
    '0 ms',
    '400 ns',
    '430 µs',
    '1.00 ms',
    '10.0 ms',
    '12.3 ms',
    '999 ms',
    '1.00 s',
    '1.23 s',
    '1 min 0 s',
    '1 min 15 s',
    '1 h 2 min',
  ]);
});

test('a share that is there never reads as nothing, one that is not whole never as all', () => {
  assert.deepEqual([0, 0.0001, 0.043, 0.431, 0.997, 1].map(formatShare).map(plain), [
    '0 %',
    '<1 %',
    '4.3 %',
    '43 %',
    '99 %',
    '100 %',
  ]);
});

test('one call is not "1 calls"', () => {
  assert.equal(plain(counted(1, 'call')), '1 call');
  assert.equal(plain(counted(12345, 'call')), '12,345 calls');
});

test('bytes are decimal', () => {
  assert.deepEqual([0, 999, 12_345, 1_500_000].map(formatBytes).map(plain), ['0 B', '999 B', '12.3 kB', '1.50 MB']);
});

test('the ticks of an axis share one unit and tell neighbours apart', () => {
  assert.deepEqual(tickLabels([0, 5e6, 10e6]).map(plain), ['0 ms', '5 ms', '10 ms']);
  assert.deepEqual(tickLabels([1.2e6, 1.25e6, 1.3e6]).map(plain), ['1.20 ms', '1.25 ms', '1.30 ms']);
  assert.deepEqual(tickLabels([0, 500, 1000]).map(plain), ['0 µs', '0.5 µs', '1.0 µs']);
});

test('a name with line ends stays on one line', () => {
  assert.equal(oneLine('a\r\nb\u0000c'), 'a b c');
});
