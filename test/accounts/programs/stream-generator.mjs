// An async generator of its own, read by another function.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

async function* pages() {
  for (let page = 0; page < 4; page++) yield await redis.get(`page:${page}`);
}

async function readPages() {
  const t = account('readPages');
  for await (const _ of pages()) {
    t.callees(30);
    spin(15);
    t.cpu(15);
  }
  t.callees();
}

await warm(() => redis.get('warm'));
await readPages();
await redis.quit();
