// An answer that says that it went wrong is an answer.
import mysql from 'mysql2/promise';
import { account, ports, warm } from 'truth';

const db = await mysql.createConnection({ port: ports.mysql[60], host: '127.0.0.1', user: 'root', database: 'pins' });

async function fail() {
  const t = account('fail');
  const asked = db.query('SELECT nothing FROM nowhere');
  t.cpu();
  try {
    await asked; // ended by operation SELECT
  } catch {
    t.services(60);
  }
  const again = db.query('SELECT 1');
  t.cpu();
  await again; // ended by operation SELECT
  t.services(60);
}

await warm(() => db.query('SELECT 1'));
await warm(() => db.query('SELECT nothing FROM nobody').catch(() => {}));
await fail();
await db.end();
