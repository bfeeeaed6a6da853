// Two functions get their answers in one dispatch: the second must wait until the first has run.
import { Redis } from 'ioredis';
import { account, blockedBy, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
let ran;

async function first() {
  const t = account('first');
  await t.asked(redis.get('a')); // ended by operation get
  t.services(60);
  ran();
  spin(80);
  t.cpu(80);
}

async function second(t) {
  await t.asked(redis.get('b')); // ended by operation get
  blockedBy('second', { first: t.loop(80) });
}

await warm(() => redis.get('warm'));
const one = first();
const t = account('second');
ran = () => t.services(60);
await Promise.all([one, second(t)]);
await redis.quit();
