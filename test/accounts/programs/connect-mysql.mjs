// The first query of a pool: the connection is opened for its sake, handshake and all.
import mysql from 'mysql2';
import { account, ports, warm } from 'truth';

const options = { host: '127.0.0.1', user: 'root', database: 'pins', connectionLimit: 1 };
const near = mysql.createPool({ ...options, port: ports.mysql[0] });
const far = mysql.createPool({ ...options, port: ports.mysql[60] });

async function load() {
  const t = account('load');
  far.once('connection', () => t.connect(120));
  await t.asked(far.promise().query('SELECT SLEEP(0.06)')); // ended by operation SELECT
  t.services(120);
}

await warm(() => near.promise().query('SELECT 1'));
await load();
near.end();
far.end();
