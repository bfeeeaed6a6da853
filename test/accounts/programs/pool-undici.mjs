// A pool of undici's with one connection.

import { account, heldBy, ports, warm } from 'truth';
import { Pool } from 'undici';

const pool = new Pool(`http://127.0.0.1:${ports.http[0]}`, { connections: 1, pipelining: 1 });
const read = async (path) => (await pool.request({ path, method: 'GET' })).body.text();
let freed;

async function exportPins() {
  const t = account('exportPins');
  const { body } = await t.asked(pool.request({ path: '/export?ms=120', method: 'GET' })); // ended by operation GET
  await body.text();
  t.services(120);
  freed();
}

async function loadPin(t) {
  const { body } = await t.asked(pool.request({ path: '/pin?ms=60', method: 'GET' })); // ended by operation GET
  await body.text();
  t.services(60);
}

await warm(() => read('/warm'));
const first = exportPins();
const t = account('loadPin');
freed = () => heldBy('loadPin', { exportPins: t.pool(118) });
await Promise.all([first, loadPin(t)]);
await pool.close();
