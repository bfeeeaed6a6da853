// A child that was started earlier ends within the wait for another, shortly before it: it held nobody up.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const [quick, slow, slowest] = [30, 60, 120].map((hold) => new Redis(ports.redis[hold]));

async function prefetch() {
  await slowest.get('next'); // ended by operation get
}

async function readUser() {
  await quick.get('user'); // ended by operation get
}

async function readPins() {
  await slow.get('pins'); // ended by operation get
  spin(40);
}

async function loadHome() {
  const t = account('loadHome');
  const next = prefetch();
  const user = readUser();
  t.callees();
  await user; // ended by function readUser
  t.callees(30);
  spin(20);
  t.cpu(20);
  const pins = readPins();
  t.callees();
  await pins; // ended by function readPins
  t.callees(100);
  await next;
  t.callees();
}

for (const one of [quick, slow, slowest]) await warm(() => one.get('warm'));
await loadHome();
for (const one of [quick, slow, slowest]) await one.quit();
