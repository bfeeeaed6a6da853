// What the contract does not check for every protocol: times, order, memory of prepared statements, speed of rows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf, feed, type Sample, Watch } from '../contract.ts';
import { mysql } from './decoder.ts';
import { bytes, column, eof, greeting, int, ok, packet, query, response, row, samples } from './samples.ts';
import { Com } from './spec.ts';

const opening: Sample = [
  ['s', greeting()],
  ['c', response()],
  ['s', ok(2)],
];

const decode = (sample: Sample) => {
  const watch = new Watch();
  const decoder = mysql.decode(watch);
  feed(decoder, eventsOf(sample));
  return { watch, decoder };
};

test('times are those of the chunks that held the bytes', () => {
  const { watch } = decode([
    ...opening, // 0, 1000, 2000
    ['c', query('SELECT a FROM t').subarray(0, 3)],
    ['c', query('SELECT a FROM t').subarray(3)],
    ['s', packet(1, 1)],
    ['s', bytes(column(2), eof(3), row(4, 'x'))],
    ['s', eof(5)],
  ]);
  const { firstOut, lastOut, firstIn, lastIn } = watch.exchanges[1]!;
  assert.deepEqual([firstOut, lastOut, firstIn, lastIn], [3000, 4000, 5000, 7000]);
});

test('a connection is idle between commands only', () => {
  const watch = new Watch();
  const decoder = mysql.decode(watch);
  feed(decoder, eventsOf(opening));
  assert.ok(decoder.idle);
  decoder.client(query('SELECT 1').subarray(0, 1), 1);
  assert.ok(!decoder.idle && watch.open.size === 1, 'opened at its first byte');
  decoder.client(query('SELECT 1').subarray(1), 1);
  assert.ok(!decoder.idle);
  decoder.server(ok(1), 2);
  assert.ok(decoder.idle);
});

test('the end of the connection fails what is in flight', () => {
  const { watch, decoder } = decode([...opening, ['c', bytes(query('SELECT a FROM t'), query('SELECT b FROM u'))]]);
  decoder.close(9, 'ECONNRESET');
  assert.deepEqual(
    watch.exchanges.map(({ operation, error }) => [operation, error]),
    [
      ['connect', ''],
      ['SELECT t', 'ECONNRESET'],
      ['SELECT u', 'ECONNRESET'],
    ],
  );
});

test('names of the statements prepared last are kept', () => {
  const { watch, decoder } = decode(opening);
  const prepare = (id: number) => {
    decoder.client(packet(0, Com.STMT_PREPARE, `SELECT a FROM t${id}`), 1);
    decoder.server(packet(1, 0, int(id, 4), int(0, 2), int(0, 2), 0, int(0, 2)), 1);
  };
  const execute = (id: number) => {
    decoder.client(packet(0, Com.STMT_EXECUTE, int(id, 4), 0, int(1, 4)), 1);
    decoder.server(ok(1), 1);
    return watch.exchanges.at(-1)!.operation;
  };
  for (let id = 1; id <= 1024; id++) prepare(id);
  assert.equal(execute(1), 'SELECT t1');
  prepare(1025);
  assert.equal(execute(1), 'SELECT t1', 'used lately');
  assert.equal(execute(2), 'STMT_EXECUTE', 'dropped');
  assert.equal(execute(1025), 'SELECT t1025');
});

test('an answer out of sequence makes the decoder quiet', () => {
  const { watch, decoder } = decode([
    ...opening,
    ['c', query('SELECT a FROM t')],
    ['s', ok(5)],
    ['c', query('SELECT 2')],
  ]);
  assert.ok(decoder.lost);
  assert.equal(watch.open.size, 0);
  assert.equal(watch.exchanges.length, 2);
});

test('no sample gives away a value', () => {
  for (const sample of Object.values(samples)) {
    const { watch, decoder } = decode(sample);
    decoder.close(0, '');
    assert.doesNotMatch(watch.log.join('\n'), /secret|hash|nonce/);
  }
});
