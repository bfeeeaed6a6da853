// A pool of two connections and six callers: the last two wait for two others each.
import mysql from 'mysql2/promise';
import { account, heldBy, ports, warm } from 'truth';

const pool = mysql.createPool({
  port: ports.mysql[0],
  host: '127.0.0.1',
  user: 'root',
  database: 'pins',
  connectionLimit: 2,
});
const left = [];

/** When each connection was given back. */
const freed = () => left.push(performance.now());

async function reportA() {
  const t = account('reportA');
  await t.asked(pool.query('SELECT SLEEP(0.06)')); // ended by operation SELECT
  t.services(60);
  freed();
}

async function reportB() {
  const t = account('reportB');
  await t.asked(pool.query('SELECT SLEEP(0.12)')); // ended by operation SELECT
  t.services(120);
  freed();
}

/** Waits until `before` of the others are done, then is served. */
async function loadPins(before, ms) {
  const t = account('loadPins');
  const began = performance.now();
  await t.asked(pool.query(`SELECT SLEEP(${ms / 1000})`)); // ended by operation SELECT
  const waited = left[before - 1] - began;
  t.sums.pool = (t.sums.pool ?? 0) + waited;
  t.sums.services = (t.sums.services ?? 0) + performance.now() - began - waited;
  freed();
}

await warm(() => Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')]));
const began = performance.now();
// a: A 0–60, the third 60–140, the fifth 140–; b: B 0–120, the fourth 120–180, the sixth 180–.
await Promise.all([reportA(), reportB(), loadPins(1, 80), loadPins(2, 60), loadPins(3, 30), loadPins(4, 30)]);
const [first, second, third, fourth] = left.map((at) => at - began);
// Each of them waits for both connections, whoever has them.
heldBy('loadPins', {
  reportA: 4 * first,
  reportB: first + 3 * second,
  loadPins: second - first + 2 * (third - first) + (third - second) + (fourth - third) + (fourth - second),
});
await pool.end();
