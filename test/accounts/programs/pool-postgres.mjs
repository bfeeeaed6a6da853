// A pool of two: both are out, each to another function; the third caller waits for the one that comes back first.
import pg from 'pg';
import { account, heldBy, ports, warm } from 'truth';

const pool = new pg.Pool({ port: ports.postgresql[0], host: '127.0.0.1', user: 'postgres', max: 2 });
let freed;

async function exportPins() {
  const t = account('exportPins');
  await t.asked(pool.query('SELECT pg_sleep(0.08)')); // ended by operation SELECT
  t.services(80);
  freed();
}

async function exportBoards() {
  const t = account('exportBoards');
  await t.asked(pool.query('SELECT pg_sleep(0.2)')); // ended by operation SELECT
  t.services(200);
}

async function loadPin(t) {
  await t.asked(pool.query('SELECT pg_sleep(0.04)')); // ended by operation SELECT
  t.services(40);
}

await warm(() => Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')]));
const others = [exportPins(), exportBoards()];
const t = account('loadPin');
freed = () => {
  const held = t.pool(78);
  heldBy('loadPin', { exportPins: held, exportBoards: held });
};
await Promise.all([...others, loadPin(t)]);
await pool.end();
