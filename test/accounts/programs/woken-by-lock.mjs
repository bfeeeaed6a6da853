// A lock: who comes second goes on when the first opens it again.
import { Redis } from 'ioredis';
import { account, createLock, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
const lock = createLock();

async function writeFirst() {
  const t = account('writeFirst');
  const unlock = await lock();
  t.other();
  await t.asked(redis.set('a', '1')); // ended by operation set
  t.services(60);
  spin(20);
  t.cpu(20);
  unlock();
}

async function writeSecond() {
  const t = account('writeSecond');
  const unlock = await lock(); // ended by function writeFirst
  t.callees(80);
  await t.asked(redis.set('a', '2')); // ended by operation set
  t.services(60);
  unlock();
}

await warm(() => redis.set('warm', '1'));
await Promise.all([writeFirst(), writeSecond()]);
await redis.quit();
