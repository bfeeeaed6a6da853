// `connect` and then a query, in one function.
import pg from 'pg';
import { account, ports, warm } from 'truth';

const options = { host: '127.0.0.1', user: 'postgres' };
const near = new pg.Client({ ...options, port: ports.postgresql[0] });
const far = new pg.Client({ ...options, port: ports.postgresql[60] });

async function load() {
  const t = account('load');
  await far.connect();
  t.connect(60);
  await t.asked(far.query('SELECT 1')); // ended by operation SELECT
  t.services(60);
}

await near.connect();
await warm(() => near.query('SELECT 1'));
await load();
await near.end();
await far.end();
