// Promise.race: the quickest let it go on; the other, still on its way, did not hold it then or later.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const [quick, slow] = [60, 120].map((hold) => new Redis(ports.redis[hold]));

async function readQuickest() {
  const t = account('readQuickest');
  await t.asked(Promise.race([slow.hgetall('a'), quick.get('a')])); // ended by operation get
  t.services(60);
  spin(20);
  t.cpu(20);
}

for (const one of [quick, slow]) await warm(() => one.get('warm'));
await readQuickest();
await slow.get('last');
for (const one of [quick, slow]) await one.quit();
