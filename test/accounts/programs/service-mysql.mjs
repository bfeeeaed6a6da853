// MySQL: a statement that the server itself takes its time for, and one that is held on the way.
import mysql from 'mysql2/promise';
import { account, ports, warm } from 'truth';

const db = await mysql.createConnection({ port: ports.mysql[0], host: '127.0.0.1', user: 'root', database: 'pins' });
const far = await mysql.createConnection({ port: ports.mysql[60], host: '127.0.0.1', user: 'root', database: 'pins' });

async function query() {
  const t = account('query');
  const slow = db.query('SELECT SLEEP(0.08)');
  t.cpu();
  await slow; // ended by operation SELECT
  t.services(80);
  const held = far.query('SELECT 1');
  t.cpu();
  await held; // ended by operation SELECT
  t.services(60);
}

await warm(() => db.query('SELECT 1'));
await warm(() => far.query('SELECT 1'));
await query();
await db.end();
await far.end();
