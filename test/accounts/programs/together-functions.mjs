// Promise.all of functions: all of it is theirs.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const [slow, slowest] = [60, 120].map((hold) => new Redis(ports.redis[hold]));

async function readUser() {
  const t = account('readUser');
  await t.asked(slow.get('user')); // ended by operation get
  t.services(60);
}

async function readPins() {
  const t = account('readPins');
  await t.asked(slowest.get('pins')); // ended by operation get
  t.services(120);
}

async function loadHome() {
  const t = account('loadHome');
  const both = Promise.all([readUser(), readPins()]);
  t.callees();
  await both; // ended by function readPins
  t.callees(120);
  spin(30);
  t.cpu(30);
}

for (const one of [slow, slowest]) await warm(() => one.get('warm'));
await loadHome();
for (const one of [slow, slowest]) await one.quit();
