// Three services one after another, in one function.
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { account, ports, warm } from 'truth';

const redis = new Redis(ports.redis[30]);
const my = await mysql.createConnection({ port: ports.mysql[60], host: '127.0.0.1', user: 'root', database: 'pins' });
const post = new pg.Client({ port: ports.postgresql[120], host: '127.0.0.1', user: 'postgres' });
await post.connect();

async function loadHome() {
  const t = account('loadHome');
  const user = redis.get('user');
  t.cpu();
  await user; // ended by operation get
  t.services(30);
  const pins = my.query('SELECT 1');
  t.cpu();
  await pins; // ended by operation SELECT
  t.services(60);
  const boards = post.query('SELECT 1');
  t.cpu();
  await boards; // ended by operation SELECT
  t.services(120);
}

await warm(() => redis.get('warm'));
await warm(() => my.query('SELECT 1'));
await warm(() => post.query('SELECT 1'));
await loadHome();
await redis.quit();
await my.end();
await post.end();
