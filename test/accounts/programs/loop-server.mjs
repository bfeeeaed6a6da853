// Two requests of a server: one reckons while the answer for the other lies there.
import http from 'node:http';
import { Redis } from 'ioredis';
import { account, blockedBy, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);
let quick = Number.POSITIVE_INFINITY;

async function loadHome() {
  const t = account('loadHome');
  const began = performance.now();
  await redis.get('home'); // ended by operation get
  const waited = performance.now() - began;
  t.sums.services = 30 + quick;
  t.sums.loop = waited - 30 - quick;
  blockedBy('loadHome', { exportPins: t.sums.loop });
}

async function exportPins() {
  const t = account('exportPins');
  spin(120);
  t.cpu(120);
}

async function answer(request, response) {
  if (request.url === '/home') await loadHome();
  if (request.url === '/export') await exportPins();
  if (request.url === '/warm') {
    const began = performance.now();
    await redis.get('home');
    quick = Math.min(quick, performance.now() - began - 30);
  }
  response.end('ok');
}

const server = http.createServer(answer);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const get = async (path) => (await fetch(url + path)).text();
await warm(() => Promise.all([get('/warm'), get('/other')]));
const home = get('/home');
await new Promise((resolve) => setTimeout(resolve, 10));
await Promise.all([home, get('/export')]);
process.exit();
