// A function that waits for what another, which it did not call, makes known.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
let opened;
const door = new Promise((resolve) => {
  opened = resolve;
});

async function opener() {
  const t = account('opener');
  await t.asked(redis.get('key')); // ended by operation get
  t.services(60);
  spin(30);
  opened();
  spin(20);
  t.cpu(50);
}

async function waiter() {
  const t = account('waiter');
  await door; // ended by function opener
  t.callees(60);
}

await warm(() => redis.get('warm'));
await Promise.all([waiter(), opener()]);
await redis.quit();
