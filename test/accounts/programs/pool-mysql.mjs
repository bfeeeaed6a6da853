// A pool of one connection: the second caller's time is the pool's until the connection is free, then the service's.
import mysql from 'mysql2/promise';
import { account, heldBy, ports, warm } from 'truth';

const pool = mysql.createPool({
  port: ports.mysql[60],
  host: '127.0.0.1',
  user: 'root',
  database: 'pins',
  connectionLimit: 1,
});
let freed;

async function exportPins() {
  const t = account('exportPins');
  await t.asked(pool.query('SELECT SLEEP(0.06)')); // ended by operation SELECT
  t.services(120);
  freed();
}

async function loadPin(t) {
  await t.asked(pool.query('SELECT 1')); // ended by operation SELECT
  t.services(60);
}

await warm(() => pool.query('SELECT 1'));
const first = exportPins();
const t = account('loadPin');
freed = () => heldBy('loadPin', { exportPins: t.pool(115) });
await Promise.all([first, loadPin(t)]);
await pool.end();
