// A deadline for all of it together, by a signal; some of it is in time.
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
const url = `http://127.0.0.1:${ports.http[0]}`;

async function loadBefore(signal) {
  const t = account('loadBefore');
  await t.asked(redis.get('user')); // ended by operation get
  t.services(60);
  try {
    await t.asked(fetch(`${url}/slow?ms=500`, { signal })); // ended by timer
  } catch (error) {
    if (error.name !== 'TimeoutError') throw error;
    t.timers(40);
  }
}

await warm(() => redis.get('warm'));
await warm(async () => (await fetch(`${url}/warm`)).text());
await warm(() => fetch(`${url}/warm?ms=50`, { signal: AbortSignal.timeout(5) }).catch(() => {}));
await loadBefore(AbortSignal.timeout(160));
process.exit();
