// Fire and forget: it did not wait for what it asked.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const [redis, other] = [120, 30].map((hold) => new Redis(ports.redis[hold]));

async function notify() {
  const t = account('notify');
  redis.publish('news', 'x').catch(() => {});
  spin(40);
  t.cpu(40);
  await t.asked(other.get('a')); // ended by operation get
  t.services(30);
}

await warm(() => redis.get('warm'));
await warm(() => other.get('warm'));
await notify();
await redis.quit();
await other.quit();
