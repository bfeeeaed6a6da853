// A connection that is taken, used, kept while its holder waits for a timer, used and given back.

import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { account, heldBy, ports, warm } from 'truth';

const pool = mysql.createPool({
  port: ports.mysql[30],
  host: '127.0.0.1',
  user: 'root',
  database: 'pins',
  connectionLimit: 1,
});
let freed;

async function transfer() {
  const t = account('transfer');
  const connection = await pool.getConnection();
  await t.asked(connection.query('START TRANSACTION')); // ended by operation START
  t.services(30);
  await t.asked(sleep(60)); // ended by timer
  t.timers(58);
  await t.asked(connection.query('COMMIT')); // ended by operation COMMIT
  t.services(30);
  connection.release();
  freed();
}

async function loadPin(t) {
  await t.asked(pool.query('SELECT 1')); // ended by operation SELECT
  t.services(30);
}

await warm(() => pool.query('SELECT 1'));
const other = transfer();
const t = account('loadPin');
freed = () => heldBy('loadPin', { transfer: t.pool(118) });
await Promise.all([other, loadPin(t)]);
await pool.end();
