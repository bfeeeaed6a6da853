// A server whose each request makes ten Redis commands, four of them at once.

const http = require('node:http');
const Redis = require('ioredis');

const redis = new Redis(Number(process.env.REDIS_PORT), '127.0.0.1');

async function loadUser(id) {
  return redis.get(`user:${id}`);
}

async function loadPage(id) {
  const user = await loadUser(id);
  for (let i = 0; i < 5; i++) await redis.get(`pin:${i}`);
  const boards = await Promise.all([1, 2, 3, 4].map((n) => redis.hget(`board:${n}`, 'name')));
  return { user, boards };
}

// Work that no request asked for.
let ticks = 0;
async function refresh() {
  ticks++;
  await redis.incr('ticks');
}
const timer = setInterval(refresh, 20);

const server = http.createServer(async (request, response) => {
  if (request.url === '/end') {
    response.end(JSON.stringify({ cpu: process.cpuUsage(), ticks }));
    clearInterval(timer);
    server.close();
    redis.disconnect();
    return;
  }
  response.end(JSON.stringify(await loadPage(1)));
});
server.listen(Number(process.env.APP_PORT), '127.0.0.1');
