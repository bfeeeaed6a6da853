// A server's requests, five at once: each function has its own time.
import http from 'node:http';
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);

async function loadHome() {
  const t = account('loadHome');
  const asked = redis.get('home');
  t.cpu();
  await asked; // ended by operation get
  t.services(60);
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/home') await loadHome();
  else await redis.get('warm');
  response.end('ok');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const get = async (path) => (await fetch(url + path)).text();
const five = (path) => Promise.all(Array.from({ length: 5 }, () => get(path)));
await warm(() => five('/warm'));
await five('/home');
process.exit();
