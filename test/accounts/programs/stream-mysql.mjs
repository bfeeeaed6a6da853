// Rows as a stream.
import mysql from 'mysql2';
import { account, ports, spin, warm } from 'truth';

const db = mysql.createConnection({ port: ports.mysql[60], host: '127.0.0.1', user: 'root', database: 'pins' });

async function readRows() {
  const t = account('readRows');
  for await (const row of db.query('SELECT 1 AS n UNION SELECT 2 UNION SELECT 3').stream()) {
    t.services();
    spin(10 * row.n);
    t.cpu(10 * row.n);
  }
  t.services();
}

await warm(async () => {
  for await (const _ of db.query('SELECT 1 AS n').stream());
});
await readRows();
db.end();
