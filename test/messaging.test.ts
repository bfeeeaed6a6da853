// Unmodified clients of RabbitMQ, NATS, mosquitto and WebSockets under `whywait run`: every operation is seen, under its name and as
// often as the server counted; those that are answered in the function that asked; nothing of a message is kept.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectAsync } from 'mqtt';
import { WebSocketServer } from 'ws';
import { type Server, startMosquitto, startNats, startRabbitmq } from '../scripts/servers.ts';
import type { Report } from '../src/model/report.ts';
import { callsOf, operationsIn, recordIn } from './clients-kit.ts';

let rabbitmq: Awaited<ReturnType<typeof startRabbitmq>>;
let nats: Awaited<ReturnType<typeof startNats>>;
let mosquitto: Server;
let dir: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'whywait-messaging-'));
  [rabbitmq, nats, mosquitto] = await Promise.all([startRabbitmq(), startNats(), startMosquitto()]);
});

after(async () => {
  await Promise.all([rabbitmq, nats, mosquitto].map((server) => server?.stop()));
  rmSync(dir, { recursive: true, force: true });
});

/** Runs a program of test/programs against its server; what was seen of it. */
async function record(program: string, url: string) {
  const own = mkdtempSync(join(dir, 'run-'));
  const report = await recordIn(own, { ...process.env, SERVER_URL: url }, program);
  const seen = await operationsIn(own);
  assert.equal(report.coverage.dropped, 0, 'nothing was dropped');
  assert.equal(report.coverage.unknownProtocol, 0, 'every protocol was known');
  for (const run of readdirSync(join(own, '.whywait'))) {
    if (run.startsWith('.')) continue;
    for (const file of readdirSync(join(own, '.whywait', run)))
      assert.equal(
        readFileSync(join(own, '.whywait', run, file)).indexOf('secret-value'),
        -1,
        `no message is in ${file}`,
      );
  }
  return { report, seen };
}

const serviceOf = (report: Report): string[] => report.services.map(({ service }) => service);

/** Calls of all operations whose names begin with one of the words. */
const sumOf = (seen: Map<string, number>, ...words: string[]): number =>
  [...seen].reduce((sum, [name, calls]) => sum + (words.includes(name.split(' ')[0] ?? '') ? calls : 0), 0);

/** RabbitMQ's counter, over all kinds of queues. */
async function counted(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${rabbitmq.metricsPort}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^rabbitmq_global_messages_${name}_total\\{.*\\} (\\d+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

test('amqplib: publishing, confirms, a consumer, get, an error', async () => {
  const { report, seen } = await record('amqplib.mjs', `amqp://guest:guest@127.0.0.1:${rabbitmq.port}`);
  assert.deepEqual(Object.fromEntries(seen), {
    ack: 40,
    'channel.close': 2,
    'channel.open': 4,
    'confirm.select': 1,
    'consume orders': 1,
    'deliver orders': 40,
    'exchange.declare events': 1,
    'get jobs': 20,
    'publish events orders.created': 20,
    'publish events orders.paid': 20,
    'publish jobs': 20,
    'queue.bind orders events': 1,
    'queue.declare jobs': 1,
    'queue.declare nowhere': 2,
    'queue.declare orders': 1,
  });
  assert.deepEqual(serviceOf(report), [`amqp://127.0.0.1:${rabbitmq.port}`]);
  assert.equal(await counted('received'), sumOf(seen, 'publish'), 'as many messages as RabbitMQ received');
  assert.equal(await counted('delivered'), sumOf(seen, 'deliver', 'get'), 'as many as it delivered');
  assert.equal(await counted('acknowledged'), sumOf(seen, 'ack'), 'as many as were acknowledged');
  assert.deepEqual(callsOf(report, 'takeJob', 'amqp'), ['get jobs × 20']);
  const failed = callsOf(report, 'askWrongly', 'amqp');
  assert.ok(failed.includes('queue.declare nowhere × 2 (2 failed)'), failed.join());
  assert.deepEqual(callsOf(report, 'publishSafely', 'amqp'), ['publish events orders.paid × 20']);
  assert.ok(callsOf(report, 'handle', 'amqp').includes('publish events orders.created × 20'));
  assert.deepEqual(callsOf(report, 'addJob', 'amqp'), ['publish jobs × 20']);
});

test('nats: publishing, requests, a service, JetStream', async () => {
  const { report, seen } = await record('nats.mjs', `nats://127.0.0.1:${nats.port}`);
  assert.deepEqual(Object.fromEntries(seen), {
    'ack jobs.worker': 20,
    'message orders.created': 20,
    'message users.?.get': 20,
    ping: 2,
    'publish orders.created': 20,
    'reply users.?.get': 20,
    'request $JS.API.CONSUMER.CREATE.jobs.worker': 1,
    'request $JS.API.CONSUMER.INFO.jobs.worker': 1,
    'request $JS.API.CONSUMER.MSG.NEXT.jobs.worker': 20,
    'request $JS.API.INFO': 1,
    'request $JS.API.STREAM.CREATE.jobs': 1,
    'request $JS.API.STREAM.INFO.nowhere': 20,
    'request jobs.mail': 20,
    'request nobody.there': 20,
    'request users.?.get': 20,
    'subscribe orders.>': 1,
    'subscribe users.*.get': 1,
  });
  assert.deepEqual(serviceOf(report), [`nats://127.0.0.1:${nats.port}`]);
  const varz = (await (await fetch(`http://127.0.0.1:${nats.monitorPort}/varz`)).json()) as { in_msgs: number };
  assert.equal(varz.in_msgs, sumOf(seen, 'publish', 'request', 'reply', 'ack'), 'as many messages as NATS received');
  assert.deepEqual(callsOf(report, 'readUser', 'nats'), ['request users.?.get × 20']);
  assert.deepEqual(callsOf(report, 'addJob', 'nats'), ['request jobs.mail × 20']);
  assert.deepEqual(callsOf(report, 'askWrongly', 'nats'), ['request $JS.API.STREAM.INFO.nowhere × 20 (20 failed)']);
  assert.deepEqual(callsOf(report, 'askNobody', 'nats'), ['request nobody.there × 20 (20 failed)']);
});

/** Messages that mosquitto received from publishers, once it says that they are as many. It says so each second. */
async function waitForReceived(messages: number): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`);
  const said = new Promise<void>((resolve, reject) => {
    const tooLong = setTimeout(reject, 30_000, new Error(`mosquitto never said that it received ${messages}`));
    client.on('message', (_topic, value) => {
      if (Number(value) !== messages) return;
      clearTimeout(tooLong);
      resolve();
    });
  });
  await client.subscribeAsync('$SYS/broker/publish/messages/received');
  await said.finally(() => client.endAsync());
}

test('mqtt: every quality of service, a subscription', async () => {
  const { report, seen } = await record('mqtt.mjs', `mqtt://127.0.0.1:${mosquitto.port}`);
  assert.deepEqual(Object.fromEntries(seen), {
    'message devices/?/telemetry': 20,
    'message orders/created': 20,
    'message orders/paid': 20,
    'publish devices/?/telemetry': 20,
    'publish nobody/listens': 20,
    'publish orders/created': 20,
    'publish orders/paid': 20,
    'subscribe devices/+/telemetry, orders/#': 1,
  });
  assert.deepEqual(serviceOf(report), [`mqtt://127.0.0.1:${mosquitto.port}`]);
  await waitForReceived(sumOf(seen, 'publish') - 20); // mosquitto does not count those with QoS 2
  assert.deepEqual(callsOf(report, 'sendTelemetry', 'mqtt'), ['publish devices/?/telemetry × 20']);
  assert.deepEqual(callsOf(report, 'publishOrder', 'mqtt'), ['publish orders/created × 20']);
  assert.deepEqual(callsOf(report, 'publishPaid', 'mqtt'), ['publish orders/paid × 20']);
  assert.deepEqual(callsOf(report, 'publishUnheard', 'mqtt'), ['publish nobody/listens × 20']);
  assert.deepEqual(callsOf(report, 'listen', 'mqtt'), ['subscribe devices/+/telemetry, orders/# × 1']);
});

test('ws: messages both ways behind the upgrade, compressed', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0 } });
  await once(server, 'listening');
  let received = 0;
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      received++;
      socket.send(data);
      socket.send('secret-value');
    });
  });
  const { port } = server.address() as AddressInfo;
  const { report, seen } = await record('ws.mjs', `ws://127.0.0.1:${port}/rooms/42?token=secret-value`);
  server.close();
  assert.equal(received, 20);
  assert.deepEqual(Object.fromEntries(seen), {
    'GET /rooms/:id': 1,
    'message /rooms/:id': 2 * received,
    ping: 1,
    'send /rooms/:id': received,
  });
  assert.deepEqual(serviceOf(report).sort(), [`http://127.0.0.1:${port}`, `ws://127.0.0.1:${port}`]);
  assert.deepEqual(callsOf(report, 'ping', 'ws'), ['ping × 1']);
});
