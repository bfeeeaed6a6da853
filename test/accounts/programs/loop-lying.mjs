// Its answer comes while another function holds the event loop, and lies there until it is free.
import { Redis } from 'ioredis';
import { account, blockedBy, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

async function load() {
  const t = account('load');
  const began = performance.now();
  await redis.get('a'); // ended by operation get
  const waited = performance.now() - began;
  // The answer was sent 30 ms after it was asked for: the rest is the event loop's.
  t.sums.services = 30 + quick;
  t.sums.loop = waited - 30 - quick;
  blockedBy('load', { reckon: t.sums.loop });
}

async function reckon() {
  const t = account('reckon');
  spin(120);
  t.cpu(120);
}

// What an answer takes beside the 30 ms.
let quick = Number.POSITIVE_INFINITY;
await warm(async () => {
  const began = performance.now();
  await redis.get('warm');
  quick = Math.min(quick, performance.now() - began - 30);
});
setTimeout(reckon, 5);
await load();
await redis.quit();
