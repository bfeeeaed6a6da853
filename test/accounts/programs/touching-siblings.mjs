// Two children whose times touch the parent's waits: by times alone the wrong one is blamed for each.
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const [quick, slow] = [60, 60].map((hold) => new Redis(ports.redis[hold]));

async function readUser() {
  await quick.get('user'); // ended by operation get
}

async function writeLog() {
  await slow.set('log', '1'); // ended by operation set
}

async function loadHome() {
  const t = account('loadHome');
  const user = readUser();
  const log = writeLog();
  t.callees();
  await user; // ended by function readUser
  t.callees(60);
  await t.asked(quick.get('pins')); // ended by operation get
  t.services(60);
  await log;
  t.callees();
}

for (const one of [quick, slow]) await warm(() => one.get('warm'));
await loadHome();
for (const one of [quick, slow]) await one.quit();
