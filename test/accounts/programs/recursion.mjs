// A function that calls itself: what is below is a callee, not its own.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

async function descend(depth) {
  const t = account('descend');
  spin(10);
  const asked = redis.get(`depth:${depth}`);
  t.cpu(10);
  await asked; // ended by operation get
  t.services(30);
  if (depth === 0) return;
  await descend(depth - 1); // ended by function descend
  t.callees(40);
  spin(5);
  t.cpu(5);
}

await warm(() => redis.get('warm'));
await descend(3);
await redis.quit();
