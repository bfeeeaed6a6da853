// PostgreSQL, simple and with parameters.
import pg from 'pg';
import { account, ports, warm } from 'truth';

const db = new pg.Client({ port: ports.postgresql[60], host: '127.0.0.1', user: 'postgres' });

async function query() {
  const t = account('query');
  const simple = db.query('SELECT 1');
  t.cpu();
  await simple; // ended by operation SELECT
  t.services(60);
  const extended = db.query('SELECT $1::int', [1]);
  t.cpu();
  await extended; // ended by operation SELECT
  t.services(60);
}

await db.connect();
await warm(() => db.query('SELECT 1'));
await query();
await db.end();
