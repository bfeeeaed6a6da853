// Two asked at once and awaited in turn: the second, over already, is not waited for again.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const [quick, slow] = [30, 120].map((hold) => new Redis(ports.redis[hold]));

async function readInTurn() {
  const t = account('readInTurn');
  const a = slow.hgetall('a');
  const b = quick.get('b');
  t.cpu();
  await a; // ended by operation hgetall
  t.services(120);
  await b;
  t.services();
  spin(20);
  t.cpu(20);
}

for (const one of [quick, slow]) await warm(() => one.get('warm'));
await readInTurn();
for (const one of [quick, slow]) await one.quit();
