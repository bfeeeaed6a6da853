// Publishing, requests to a service of the same program, a request that nobody answers, JetStream.
import { AckPolicy, connect, StringCodec } from 'nats';

const options = { servers: process.env.SERVER_URL };
const nc = await connect(options);
const service = await connect(options);
const text = StringCodec();

service.subscribe('users.*.get', {
  callback: (_error, message) => answerUser(message),
});
let heard = 0;
let allHeard;
const done = new Promise((resolve) => {
  allHeard = resolve;
});
service.subscribe('orders.>', {
  callback: () => {
    if (++heard === 20) allHeard();
  },
});
await service.flush();

function answerUser(message) {
  message.respond(text.encode('secret-value'));
}

async function readUser(id) {
  const message = await nc.request(`users.${id}.get`, text.encode('secret-value'));
  return text.decode(message.data);
}

function publishOrder(id) {
  nc.publish('orders.created', text.encode(`secret-value ${id}`));
}

async function askNobody() {
  await nc.request('nobody.there').catch(() => {});
}

const js = nc.jetstream();
const manager = await nc.jetstreamManager();

async function prepare() {
  await manager.streams.add({ name: 'jobs', subjects: ['jobs.*'] });
  await manager.consumers.add('jobs', { durable_name: 'worker', ack_policy: AckPolicy.Explicit });
}

async function addJob(id) {
  await js.publish('jobs.mail', text.encode(`secret-value ${id}`));
}

async function takeJob(consumer) {
  const message = await consumer.next();
  await message.ackAck();
}

async function askWrongly() {
  await manager.streams.info('nowhere').catch(() => {});
}

async function handle(id) {
  await readUser(id);
  publishOrder(id);
  await askNobody();
  await addJob(id);
  await askWrongly();
}

await prepare();
await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
const consumer = await js.consumers.get('jobs', 'worker');
for (let i = 0; i < 20; i++) await takeJob(consumer);
await nc.flush();
await done;
await nc.close();
await service.close();
