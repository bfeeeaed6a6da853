// Promise.allSettled with one that fails early.

import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import { account, ports, warm } from 'truth';

const db = await mysql.createConnection({ port: ports.mysql[30], host: '127.0.0.1', user: 'root', database: 'pins' });
const redis = new Redis(ports.redis[120]);

async function tryBoth() {
  const t = account('tryBoth');
  await t.asked(Promise.allSettled([db.query('SELECT nothing FROM nowhere'), redis.get('a')])); // ended by operation get
  t.services(120);
}

await warm(() => db.query('SELECT 1'));
await warm(() => redis.get('warm'));
await tryBoth();
await db.end();
await redis.quit();
