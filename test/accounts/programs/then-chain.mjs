// Chains of `.then`, by a function that is not async.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[60]);

function readTwice() {
  const t = account('readTwice');
  return redis
    .get('a')
    .then(() => {
      t.services(60);
      spin(20);
      const again = redis.get('b');
      t.cpu(20);
      return again;
    })
    .then(() => {
      t.services(60);
      spin(10);
      t.cpu(10);
    });
}

await warm(() => redis.get('warm'));
await readTwice();
await redis.quit();
