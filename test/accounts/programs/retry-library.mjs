// A library tries again: the function waits once, for answers and for the library's pauses.
import { Redis } from 'ioredis';
import { account, ports, retry, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

async function readAtLast() {
  const t = account('readAtLast');
  let tries = 0;
  // What it is given is called for each try; between them the library pauses.
  await retry(
    async () => {
      if (tries++ > 0) t.timers(48);
      try {
        await (tries < 3 ? redis.incr('text') : redis.get('text')); // ended by operation
      } finally {
        t.callees(30);
      }
    },
    3,
    50,
  );
}

await redis.set('text', 'no number');
await warm(() => redis.get('text'));
await redis.incr('text').catch(() => {});
await readAtLast();
await redis.quit();
