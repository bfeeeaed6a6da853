// Promise.any: the first that succeeds; the one that failed before did not let it go on.

import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import { account, ports, warm } from 'truth';

const db = await mysql.createConnection({ port: ports.mysql[30], host: '127.0.0.1', user: 'root', database: 'pins' });
const redis = new Redis(ports.redis[60]);

async function readAny() {
  const t = account('readAny');
  await t.asked(Promise.any([db.query('SELECT nothing FROM nowhere'), redis.get('a')])); // ended by operation get
  t.services(60);
}

await warm(() => db.query('SELECT 1'));
await warm(() => redis.get('warm'));
await readAny();
await db.end();
await redis.quit();
