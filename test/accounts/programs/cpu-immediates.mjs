// Reckons in pieces, and lets the event loop turn between them; another function's answer fits in between.
import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[60]);

async function reckon() {
  const t = account('reckon');
  for (let i = 0; i < 40; i++) {
    spin(4);
    t.cpu(4);
    await turn();
    // An immediate is one of Node's timers.
    t.timers();
  }
}

let quick = Number.POSITIVE_INFINITY;

async function ask() {
  const t = account('ask');
  const began = performance.now();
  await redis.get('a'); // ended by operation get
  const waited = performance.now() - began;
  // It lay there until a piece was over.
  t.sums.services = 60 + quick;
  t.sums.loop = waited - 60 - quick;
}

await warm(async () => {
  const began = performance.now();
  await redis.get('warm');
  quick = Math.min(quick, performance.now() - began - 60);
});
await warm(() => turn());
await Promise.all([ask(), reckon()]);
await redis.quit();
