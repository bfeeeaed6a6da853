// Promise.all: the slowest let it go on; what ran beside it is not counted twice.
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const [quick, slow, slowest] = [30, 60, 120].map((hold) => new Redis(ports.redis[hold]));

async function readAll() {
  const t = account('readAll');
  await t.asked(Promise.all([quick.get('a'), slowest.hgetall('c'), slow.get('b')])); // ended by operation hgetall
  t.services(120);
}

for (const one of [quick, slow, slowest]) await warm(() => one.get('warm'));
await readAll();
for (const one of [quick, slow, slowest]) await one.quit();
