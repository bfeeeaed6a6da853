// Callbacks only, one connection's queue and a pool of two.
const mysql = require('mysql');

const options = { host: '127.0.0.1', port: Number(process.env.MYSQL_PORT), user: 'root', database: 'pins' };
const pool = mysql.createPool({ ...options, connectionLimit: 2 });
const connection = mysql.createConnection(options);

function readUser(id, done) {
  pool.query('SELECT name FROM users WHERE id = ?', [id], (error, rows) => {
    if (error) return done(error);
    return done(null, rows[0].name);
  });
}

function countPins(id, done) {
  connection.query('SELECT COUNT(*) AS n FROM pins WHERE user_id = ?', [id], (error, rows) => {
    if (error) return done(error);
    return done(null, rows[0].n);
  });
}

function handle(id, done) {
  readUser(id, (error) => {
    if (error) throw error;
    countPins(id, (failed) => {
      if (failed) throw failed;
      done();
    });
  });
}

function main() {
  let left = 20;
  for (let id = 1; id <= 20; id++) {
    handle(id, () => {
      left--;
      if (left > 0) return;
      pool.end();
      connection.end();
    });
  }
}

main();
