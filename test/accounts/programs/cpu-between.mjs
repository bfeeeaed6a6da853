// Its own code before, between and after two answers.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[60]);

async function readTwice() {
  const t = account('readTwice');
  spin(40);
  const one = redis.get('one');
  t.cpu(40);
  await one; // ended by operation get
  t.services(60);
  spin(30);
  const two = redis.get('two');
  t.cpu(30);
  await two; // ended by operation get
  t.services(60);
  spin(20);
  t.cpu(20);
}

await warm(() => redis.get('warm'));
await readTwice();
await redis.quit();
