// The measured program: a server whose routes do nothing, or ten operations one after another on one service.
const http = require('node:http');
const Redis = require('ioredis');
const Memcached = require('memcached');
const mysql = require('mysql2/promise');

const redis = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) });
const memcached = new Memcached(`127.0.0.1:${process.env.MEMCACHED_PORT}`);
const pool = mysql.createPool({
  host: '127.0.0.1',
  port: Number(process.env.MYSQL_PORT),
  user: 'root',
  database: 'pins',
  connectionLimit: 4,
});

function getCached(key) {
  return new Promise((resolve, reject) => {
    memcached.get(key, (error, value) => (error ? reject(error) : resolve(value)));
  });
}

async function readRedis(id) {
  return await redis.get(`user:${id}`);
}

async function readMysql(id) {
  const [rows] = await pool.query('SELECT name FROM users WHERE id = ?', [id]);
  return rows;
}

async function tenTimes(read) {
  for (let id = 1; id <= 10; id++) await read(id);
}

const routes = {
  '/plain': async () => {},
  '/redis': () => tenTimes(readRedis),
  '/memcached': () => tenTimes((id) => getCached(`user:${id}`)),
  '/mysql': () => tenTimes(readMysql),
};

const server = http.createServer(async (request, response) => {
  if (request.url === '/cpu') {
    const { user, system } = process.cpuUsage();
    response.end(JSON.stringify({ us: user + system, rss: process.memoryUsage.rss() }));
    return;
  }
  try {
    await routes[request.url]();
    response.end('ok');
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(Number(process.env.APP_PORT), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
