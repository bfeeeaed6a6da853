// An event that another function emits, once its answer has come.
import { EventEmitter, once } from 'node:events';
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
const news = new EventEmitter();

async function publish() {
  const t = account('publish');
  await t.asked(redis.get('news')); // ended by operation get
  t.services(60);
  news.emit('read');
}

async function subscribe() {
  const t = account('subscribe');
  await t.asked(once(news, 'read')); // ended by function publish
  t.callees(60);
}

await warm(() => redis.get('warm'));
await Promise.all([subscribe(), publish()]);
await redis.quit();
