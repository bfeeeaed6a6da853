// A transaction, of which one part fails and is taken back.
import pg from 'pg';
import { account, ports, spin, warm } from 'truth';

const pool = new pg.Pool({ port: ports.postgresql[30], host: '127.0.0.1', user: 'postgres', max: 1 });

async function addPin() {
  const t = account('addPin');
  const client = await pool.connect();
  try {
    await t.asked(client.query('BEGIN')); // ended by operation BEGIN
    t.services(30);
    await t.asked(client.query('SAVEPOINT pin')); // ended by operation SAVEPOINT
    t.services(30);
    try {
      await t.asked(client.query('SELECT nothing FROM nowhere')); // ended by operation SELECT
    } catch {
      t.services(30);
      await t.asked(client.query('ROLLBACK TO SAVEPOINT pin')); // ended by operation ROLLBACK
      t.services(30);
    }
    spin(10);
    t.cpu(10);
    await t.asked(client.query('COMMIT')); // ended by operation COMMIT
    t.services(30);
  } finally {
    client.release();
  }
}

await warm(() => pool.query('SELECT 1'));
await warm(async () => {
  // `pool.query` would close the connection after an error.
  const client = await pool.connect();
  await client.query('SELECT nothing FROM nobody').catch(() => {});
  client.release();
});
await addPin();
await pool.end();
