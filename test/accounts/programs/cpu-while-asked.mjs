// It runs on while its answer comes: what is left to wait for is the event loop, not the service.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

async function overlap() {
  const t = account('overlap');
  const asked = redis.get('one');
  spin(100);
  t.cpu(100);
  await asked; // ended by operation get
  t.loop();
}

await warm(() => redis.get('warm'));
await overlap();
await redis.quit();
