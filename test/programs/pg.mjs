// A pool of three, parameters, a client's own queue, a transaction, an error.
import pg from 'pg';

const options = { host: '127.0.0.1', port: Number(process.env.POSTGRES_PORT), user: 'postgres', database: 'postgres' };
const pool = new pg.Pool({ ...options, max: 3 });
const client = new pg.Client(options);

async function readUser(id) {
  const { rows } = await pool.query('SELECT name FROM users WHERE id = $1', [id]);
  return rows[0].name;
}

async function countPins() {
  const { rows } = await client.query('SELECT COUNT(*) FROM pins');
  return rows[0].count;
}

async function addPin(id) {
  const one = await pool.connect();
  try {
    await one.query('BEGIN');
    await one.query('INSERT INTO pins (user_id, title) VALUES ($1, $2)', [id, 'secret-literal']);
    await one.query('COMMIT');
  } finally {
    one.release();
  }
}

async function askWrongly() {
  await pool.query('SELECT nothing FROM nowhere').catch(() => {});
}

async function handle(id) {
  await readUser(id);
  await countPins();
  await addPin(id);
  await askWrongly();
}

await client.connect();
await Promise.all(Array.from({ length: 20 }, (_, i) => handle(1 + i)));
await client.end();
await pool.end();
