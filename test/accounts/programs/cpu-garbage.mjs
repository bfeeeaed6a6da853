// Its own code, most of which is made of garbage collections; they are its own running.
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
let kept = [];

async function litter() {
  const t = account('litter');
  for (const start = performance.now(); performance.now() - start < 150; ) {
    kept.push(new Array(500).fill({ at: performance.now(), text: String(Math.random()) }));
    if (kept.length > 10_000) kept = [];
  }
  const asked = redis.get('one');
  t.cpu(150);
  await asked; // ended by operation get
  t.services(60);
}

await warm(() => redis.get('warm'));
await litter();
await redis.quit();
