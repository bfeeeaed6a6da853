// One connection's own queue: three queries at once, each after the one before.
import mysql from 'mysql2/promise';
import { account, heldBy, ports, warm } from 'truth';

const db = await mysql.createConnection({ port: ports.mysql[0], host: '127.0.0.1', user: 'root', database: 'pins' });

async function first() {
  const t = account('first');
  await t.asked(db.query('SELECT SLEEP(0.06)')); // ended by operation SELECT
  t.services(60);
  const waited = second.t.pool(58);
  third.first = third.t.pool(58);
  heldBy('second', { first: waited });
}

async function second() {
  await db.query('SELECT SLEEP(0.08)'); // ended by operation SELECT
  second.t.services(80);
  const waited = third.t.pool(80);
  heldBy('third', { first: third.first, second: waited });
}

async function third() {
  await db.query('SELECT SLEEP(0.04)'); // ended by operation SELECT
  third.t.services(40);
}

await warm(() => db.query('SELECT 1'));
second.t = account('second');
third.t = account('third');
await Promise.all([first(), second(), third()]);
await db.end();
