// What others say of the recorded conversations: the assertions of packetbeat's own tests and the sessions that Arkime
// found (MANIFEST.tsv names the repositories), copied as facts, so that our goldens are not our only witness.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kind } from '../model/schema.ts';
import { feed, recordedIn, Watch } from './contract.ts';
import { Conversation } from './conversation.ts';
import { protocols } from './list.ts';
import { unknown } from './unknown/decoder.ts';

/** Exchanges of a capture that were asked by the user, in the order of their streams. */
function exchangesOf(folder: string, capture: string) {
  const streams = recordedIn(folder).filter(({ name }) => name.startsWith(`${capture}.pcap `));
  assert.ok(streams.length > 0, capture);
  return streams.flatMap(({ events }) => {
    const watch = new Watch();
    const conversation = new Conversation(watch, protocols, unknown);
    feed(conversation, events);
    conversation.close(events.at(-1)?.at ?? 0, '');
    return conversation.protocol === 'unknown' ? [] : watch.exchanges.filter(({ setup }) => !setup);
  });
}

const methodsAndStatuses = (capture: string): string =>
  exchangesOf('http1', capture)
    .filter(({ kind }) => kind === Kind.client) // not the messages of a WebSocket
    .map(({ operation, status }) => `${operation.split(' ')[0]} ${status}`)
    .join(', ');

test('HTTP methods and statuses are those that Arkime and packetbeat report', () => {
  for (const [capture, expected] of [
    ['arkime__80211http', 'GET 200, GET 304, GET 304, GET 304, GET 200, POST 405, POST 405'],
    ['arkime__http-100-continue', 'POST 404'],
    ['arkime__http-301-get', 'GET 301'],
    ['arkime__http-500-head', 'HEAD 500'],
    ['arkime__http-basicauth', 'GET 304'],
    ['arkime__http-content-gzip', 'GET 200'],
    ['arkime__http-no-length', 'GET 200'],
    ['arkime__http-post-upload', 'GET 200, GET 200, POST 200'],
    ['arkime__http-simple-get', 'GET 403'],
    ['arkime__http-wrapped-header', 'GET 200'],
    ['arkime__http-xff', 'GET 403'],
    ['arkime__v6-http', 'GET 200'],
    ['arkime__websocket', 'GET 101'],
    ['packetbeat__hide_secret_GET', 'GET 404'],
    ['packetbeat__http_100_continue', 'POST 200'],
    ['packetbeat__http_10_connection_close', 'GET 200'],
    ['packetbeat__http_get_2k_file', 'GET 200'],
    ['packetbeat__http_realip', 'GET 200'],
    ['packetbeat__http_unmatched_timeout', 'GET 0'],
    ['packetbeat__wsgi_loopback', 'GET 200'],
  ] as const)
    assert.equal(methodsAndStatuses(capture), expected, capture);
});

test('bytes of the first exchange of minitwit are what packetbeat counts', () => {
  const [first] = exchangesOf('http1', 'packetbeat__http_minitwit');
  assert.deepEqual([first?.bytesOut, first?.bytesIn], [364, 1000]);
});

test("Redis commands and errors are those of packetbeat's session", () => {
  const exchanges = exchangesOf('redis', 'packetbeat__redis_session');
  assert.deepEqual(
    exchanges.slice(0, 3).map(({ operation }) => operation.split(' ')[0]),
    ['SET', 'GET', 'LLEN'],
  );
  assert.deepEqual(
    exchanges.map(({ error }) => error !== ''),
    exchanges.map((_, i) => i === 2),
  );
  assert.ok(exchanges.every(({ bytesOut, bytesIn }) => bytesOut > 0 && bytesIn > 0));
});

test('memcached commands are those that packetbeat names, and a miss is no error', () => {
  for (const [capture, expected] of [
    ['packetbeat__memcache_bin_tcp_counter_ops', ['set', 'incr', 'decr', 'get', 'quit']],
    ['packetbeat__memcache_text_tcp_counter_ops', ['set', 'incr', 'decr', 'get', 'quit']],
    ['packetbeat__memcache_bin_tcp_delete', ['set', 'delete', 'get', 'quit']],
    ['packetbeat__memcache_text_tcp_delete', ['set', 'delete', 'get', 'quit']],
    ['packetbeat__memcache_bin_tcp_stats', ['set', 'get', 'stats', 'quit']],
  ] as const) {
    const exchanges = exchangesOf('memcached', capture);
    assert.deepEqual(
      exchanges.map(({ operation }) => operation.split(' ')[0]),
      expected,
      capture,
    );
    assert.ok(
      exchanges.every(({ error }) => error === ''),
      capture,
    );
  }
  const [, , missed] = exchangesOf('memcached', 'packetbeat__memcache_bin_tcp_delete');
  assert.equal(missed?.rows, 0);
  const [, hit] = exchangesOf('memcached', 'packetbeat__memcache_text_tcp_single_load_store');
  assert.equal(hit?.rows, 1);
});

test("AMQP methods and reply codes are those of packetbeat's and deepflow's tests", () => {
  for (const [capture, expected] of [
    ['packetbeat__amqp_publish', 'queue.declare hello, publish hello'],
    ['packetbeat__amqp_channel_error', 'exchange.declare titres, queue.declare my_queue, queue.bind my_queue plop 404'],
    [
      'deepflow__amqp-error',
      'exchange.declare test_ex, exchange.declare test_ex 406, exchange.declare return_test, publish return_test nowhere, return return_test nowhere 312',
    ],
  ] as const)
    assert.equal(
      exchangesOf('amqp', capture)
        .filter(({ operation }) => !operation.startsWith('channel.'))
        .map(({ operation, error }) => `${operation} ${error}`.trim())
        .join(', '),
      expected,
      capture,
    );
});

test('NATS subjects are those that deepflow reports', () => {
  for (const [capture, expected] of [
    ['deepflow__nats-err', '-ERR Unknown-Protocol-Operation'],
    [
      'deepflow__nats-nrpc1',
      'subscribe Greeter.>, message Greeter.SayHello, reply Greeter.SayHello, message Greeter.SayHello, reply Greeter.SayHello',
    ],
    ['deepflow__nats-nrpc3', 'request Greeter.SayHello closed'],
    ['deepflow__nats-skywalking', 'publish hello.subject.world, ping'],
  ] as const)
    assert.equal(
      exchangesOf('nats', capture)
        .map(({ operation, error }) => `${operation} ${error}`.trim())
        .join(', '),
      expected,
      capture,
    );
});

test('MQTT packets are as many as Arkime and deepflow report', () => {
  const count = (capture: string, word: string) =>
    exchangesOf('mqtt', capture).filter(({ operation }) => operation.split(' ')[0] === word).length;
  assert.deepEqual(
    ['subscribe', 'unsubscribe'].map((word) => count('deepflow__mqtt_roundtrip', word)), // then bytes are missing
    [2, 1],
  );
  assert.deepEqual(
    ['publish', 'message', 'subscribe', 'unsubscribe'].map((word) => count('arkime__mqtt_big', word)),
    [6, 2, 1, 1],
  );
});
