// Promise.any: two fail, one after the other, then one succeeds; the slowest of them is not waited for.
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { account, ports, spin, warm } from 'truth';

const options = { host: '127.0.0.1', user: 'root', database: 'pins' };
const db = await mysql.createConnection({ port: ports.mysql[30], ...options });
const boards = new pg.Client({ port: ports.postgresql[60], host: '127.0.0.1', user: 'postgres' });
await boards.connect();
const [redis, slow] = [new Redis(ports.redis[120]), new Redis(ports.redis[120])];

async function findAnywhere() {
  const t = account('findAnywhere');
  const all = [db.query('SELECT nothing FROM nowhere'), boards.query('SELECT nothing'), redis.get('a')];
  t.cpu();
  await Promise.any(all); // ended by operation get
  t.services(120);
  spin(10);
  t.cpu(10);
}

await warm(() => db.query('SELECT nothing FROM nobody').catch(() => {}));
await warm(() => boards.query('SELECT nobody').catch(() => {}));
for (const one of [redis, slow]) await warm(() => one.get('warm'));
await findAnywhere();
await slow.get('last');
await db.end();
await boards.end();
for (const one of [redis, slow]) await one.quit();
