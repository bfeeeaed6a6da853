// Twenty requests at once through a pool of three: promise API, prepared statements, a transaction, an error.
import mysql from 'mysql2/promise';

const pool = mysql.createPool({
  host: '127.0.0.1',
  port: Number(process.env.MYSQL_PORT),
  user: 'root',
  database: 'pins',
  connectionLimit: 3,
});

async function readUser(id) {
  const [rows] = await pool.query('SELECT name FROM users WHERE id = ?', [id]);
  return rows[0].name;
}

async function listPins(id) {
  const [rows] = await pool.execute('SELECT id, title FROM pins WHERE user_id = ?', [id]);
  return rows.length;
}

async function addPin(id) {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    await connection.query('INSERT INTO pins (user_id, title) VALUES (?, ?)', [id, "it's secret-literal"]);
    await connection.commit();
  } finally {
    connection.release();
  }
}

async function askWrongly() {
  try {
    await pool.query('SELECT nothing FROM nowhere');
  } catch (error) {
    return error.code;
  }
}

async function handle(id) {
  await readUser(id);
  await Promise.all([listPins(id), listPins(id + 1)]);
  await addPin(id);
  await askWrongly();
}

await Promise.all(Array.from({ length: 20 }, (_, i) => handle(1 + i)));
await pool.end();
