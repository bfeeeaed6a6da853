// A loader asks once for many: each of those who wait is let go on by the one answer.
import { Redis } from 'ioredis';
import { account, createLoader, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
const load = createLoader((keys) => redis.mget(keys));

async function readPin(id) {
  const t = account('readPin');
  await t.asked(load(`pin:${id}`)); // ended by operation mget
  t.services(58);
}

await warm(() => redis.mget(['warm']));
await Promise.all([readPin(1), readPin(2), readPin(3)]);
await redis.quit();
