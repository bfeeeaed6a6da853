// Siblings that merely touch: `audit` ends just when the wait for the timer does, and had no part in it.

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const [quick, slow] = [30, 120].map((hold) => new Redis(ports.redis[hold]));

async function audit() {
  await slow.hgetall('audit');
}

async function loadHome() {
  const t = account('loadHome');
  const audited = audit();
  await t.asked(quick.get('user')); // ended by operation get
  t.services(30);
  await t.asked(sleep(110)); // ended by timer
  t.timers(108);
  return audited.then(() => undefined);
}

for (const one of [quick, slow]) await warm(() => one.get('warm'));
await loadHome();
for (const one of [quick, slow]) await one.quit();
