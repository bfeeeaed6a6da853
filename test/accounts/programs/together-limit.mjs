// At most two at once, of five: who is not yet begun is not yet asked.
import { Redis } from 'ioredis';
import { account, createLimit, ports, warm } from 'truth';

const clients = [1, 2].map(() => new Redis(ports.redis[60]));
const limit = createLimit(2);

async function readPin(key) {
  const t = account('readPin');
  const asked = clients[key % 2].get(`pin:${key}`);
  t.cpu();
  await asked; // ended by operation get
  t.services(60);
}

async function readAll() {
  const t = account('readAll');
  const all = [0, 1, 2, 3].map((key) => limit(() => readPin(key)));
  t.callees();
  await Promise.all(all); // ended by function readPin
  t.callees(120);
}

for (const one of clients) await warm(() => one.get('warm'));
await readAll();
for (const one of clients) await one.quit();
