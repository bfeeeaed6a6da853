// A password derived in the event loop: whose answer comes meanwhile waits for it.
import { pbkdf2Sync } from 'node:crypto';
import { Redis } from 'ioredis';
import { account, blockedBy, ports, warm } from 'truth';

const redis = new Redis(ports.redis[30]);
let quick = Number.POSITIVE_INFINITY;

async function loadHome() {
  const t = account('loadHome');
  const began = performance.now();
  await redis.get('home'); // ended by operation get
  const waited = performance.now() - began;
  t.sums.services = 30 + quick;
  t.sums.loop = waited - 30 - quick;
  blockedBy('loadHome', { logIn: t.sums.loop });
}

async function logIn() {
  const t = account('logIn');
  pbkdf2Sync('secret', 'salt', 150_000, 64, 'sha512');
  t.cpu(35);
}

pbkdf2Sync('a', 'b', 10, 64, 'sha512');
await warm(async () => {
  const began = performance.now();
  await redis.get('home');
  quick = Math.min(quick, performance.now() - began - 30);
});
await Promise.all([loadHome(), logIn()]);
await redis.quit();
