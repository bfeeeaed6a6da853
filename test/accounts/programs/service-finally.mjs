// A generator that is left early tidies up, at a service too; whoever leaves it waits for that.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

async function* scan() {
  try {
    for (let i = 0; ; i++) yield await redis.get(`pin:${i}`);
  } finally {
    await redis.del('cursor'); // ended by operation del
  }
}

async function findPin() {
  const t = account('findPin');
  let left = 3;
  for await (const _ of scan()) {
    t.callees(30);
    spin(8);
    t.cpu(8);
    if (--left === 0) break;
  }
  t.callees(30);
}

await warm(() => redis.get('warm'));
await warm(() => redis.del('warm'));
await findPin();
await redis.quit();
