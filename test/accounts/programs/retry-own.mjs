// Tries again by itself: each try is the service's, each pause a timer's.

import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { account, ports, warm } from 'truth';

const db = await mysql.createConnection({ port: ports.mysql[30], host: '127.0.0.1', user: 'root', database: 'pins' });

async function tryAgain() {
  const t = account('tryAgain');
  for (const table of ['nowhere', 'nobody', 'dual']) {
    try {
      await t.asked(db.query(`SELECT 1 FROM ${table}`)); // ended by operation SELECT
      t.services(30);
      return;
    } catch {
      t.services(30);
      await t.asked(sleep(50)); // ended by timer
      t.timers(48);
    }
  }
}

await warm(() => db.query('SELECT 1'));
await warm(() => db.query('SELECT nothing FROM nobody').catch(() => {}));
await warm(() => sleep(1));
await tryAgain();
await db.end();
