// The measured program: a server whose routes do nothing, or ten operations one after another on one service.
const http = require('node:http');
const Redis = require('ioredis');
const Memcached = require('memcached');
const mysql = require('mysql2/promise');
const pg = require('pg');

const redis = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) });
const memcached = new Memcached(`127.0.0.1:${process.env.MEMCACHED_PORT}`);
const pool = mysql.createPool({
  host: '127.0.0.1',
  port: Number(process.env.MYSQL_PORT),
  user: 'root',
  database: 'pins',
  connectionLimit: 4,
});
const pgPool = new pg.Pool({
  host: '127.0.0.1',
  port: Number(process.env.POSTGRESQL_PORT),
  user: 'postgres',
  database: 'postgres',
  max: 4,
});
const agent = new http.Agent({ keepAlive: true });
const backend = `http://127.0.0.1:${process.env.HTTP_PORT}/users/1`;

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

async function readPostgresql(id) {
  const { rows } = await pgPool.query('SELECT name FROM users WHERE id = $1', [id]);
  return rows;
}

function getHttp() {
  return new Promise((resolve, reject) => {
    http
      .get(backend, { agent }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}

async function getFetch() {
  const answer = await fetch(backend);
  return await answer.text();
}

async function tenTimes(read) {
  for (let id = 1; id <= 10; id++) await read(id);
}

const routes = {
  '/plain': async () => {},
  '/redis': () => tenTimes(readRedis),
  '/memcached': () => tenTimes((id) => getCached(`user:${id}`)),
  '/mysql': () => tenTimes(readMysql),
  '/postgresql': () => tenTimes(readPostgresql),
  '/http': () => tenTimes(getHttp),
  '/fetch': () => tenTimes(getFetch),
};

let collections = 0;
if (globalThis.gc) {
  const { PerformanceObserver } = require('node:perf_hooks');
  new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  }).observe({ entryTypes: ['gc'] });
}

const controls = {
  '/cpu': () => {
    const { user, system } = process.cpuUsage();
    return { us: user + system, user, rss: process.memoryUsage.rss() };
  },
  // Of a process with room for all that is allocated between two of these: `used` grows by just that.
  '/heap': () => ({ used: require('node:v8').getHeapStatistics().used_heap_size, collections }),
  '/collect': () => globalThis.gc(),
};

const server = http.createServer(async (request, response) => {
  if (request.url in controls) {
    response.end(JSON.stringify(controls[request.url]() ?? {}));
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
