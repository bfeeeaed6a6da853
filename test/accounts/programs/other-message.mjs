// A message that somebody publishes meanwhile: nothing was asked for it. Another function asks as usual.
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
const [subscriber, publisher] = [new Redis(ports.redis[0]), new Redis(ports.redis[0])];

async function listen() {
  const t = account('listen');
  await t.asked(once(subscriber, 'message')); // ended by other
  t.other(98);
}

async function ask() {
  const t = account('ask');
  await t.asked(redis.get('meanwhile')); // ended by operation get
  t.services(60);
}

await subscriber.subscribe('news');
const read = once(subscriber, 'message');
await publisher.publish('news', 'warm');
await read;
await warm(() => redis.get('warm'));
setTimeout(() => publisher.publish('news', 'words'), 100);
await Promise.all([listen(), ask()]);
for (const one of [redis, subscriber, publisher]) one.disconnect();
