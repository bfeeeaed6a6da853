// Promise.all in Promise.all, of operations, functions and a timer.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const [quick, middle, slow] = [30, 60, 120].map((hold) => new Redis(ports.redis[hold]));

async function readPins() {
  const t = account('readPins');
  const asked = slow.hgetall('pins');
  t.cpu();
  await asked; // ended by operation hgetall
  t.services(120);
}

async function loadHome() {
  const t = account('loadHome');
  const user = Promise.all([quick.get('name'), middle.get('picture')]);
  t.cpu();
  await Promise.all([user, Promise.all([sleep(40), quick.get('count')])]); // ended by operation get
  t.services(60);
  const pins = readPins();
  t.callees();
  await Promise.all([Promise.all([pins, quick.get('b')]), middle.get('c')]); // ended by function readPins
  t.callees(120);
  spin(10);
  t.cpu(10);
}

await sleep(1);
for (const one of [quick, middle, slow]) await warm(() => one.get('warm'));
await warm(() => slow.hgetall('warm'));
await loadHome();
for (const one of [quick, middle, slow]) await one.quit();
