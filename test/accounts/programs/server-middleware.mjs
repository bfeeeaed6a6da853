// A route as Express has them: middleware that each call the next, the handler asks three services.
import http from 'node:http';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { account, createApp, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);
const db = await mysql.createConnection({ port: ports.mysql[60], host: '127.0.0.1', user: 'root', database: 'pins' });
const boards = new pg.Client({ port: ports.postgresql[30], host: '127.0.0.1', user: 'postgres' });
await boards.connect();

async function authenticate(request, _response, next) {
  const t = account('authenticate');
  const asked = redis.get(`session:${request.url}`);
  t.cpu();
  await asked; // ended by operation get
  t.services(30);
  spin(10);
  t.cpu(10);
  next();
}

function measure(_request, response, next) {
  response.setHeader('x-time', '1');
  next();
}

async function showHome(_request, response) {
  const t = account('showHome');
  const [pins, all] = [db.query('SELECT 1'), boards.query('SELECT 1')];
  t.cpu();
  await Promise.all([pins, all]); // ended by operation SELECT
  t.services(60);
  spin(20);
  response.end('home');
  t.cpu(20);
}

const app = createApp().use(measure).use(authenticate).use(showHome);
const plain = createApp().use((_request, response) => response.end('ok'));
const server = http.createServer((request, response) => (request.url === '/home' ? app : plain)(request, response));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const get = async (path) => (await fetch(`http://127.0.0.1:${server.address().port}${path}`)).text();
await warm(() => get('/warm'));
await warm(() => redis.get('warm'));
await warm(() => Promise.all([db.query('SELECT 1'), boards.query('SELECT 1')]));
await get('/home');
process.exit();
