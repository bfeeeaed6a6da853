// What bench:memory measures: a server whose route awaits two user functions, one of which asks Redis, and which opens
// connections that nobody answers. Reads what to do from its input, a line of JSON each, and prints what its heap holds after
// a collection.

const http = require('node:http');
const net = require('node:net');
const { createInterface } = require('node:readline');
const Redis = require('ioredis');

const redis = new Redis({ port: Number(process.argv[2]) });

async function loadPin(id) {
  return redis.get(`pin:${id}`);
}

async function loadHome(id) {
  const pin = await loadPin(id);
  return { id, pin };
}

const server = http.createServer(async (request, response) => {
  const home = await loadHome(Number(request.url.slice(6)) % 1000);
  response.end(JSON.stringify(home));
});

/** Asks on `count` connections, `atOnce` at a time, and lets go of each: the half of them destroyed, the others left. */
async function abandon(port, count, atOnce) {
  const one = (left) =>
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.write('*1\r\n$4\r\nPING\r\n');
        if (left) socket.resume();
        else socket.destroy();
      });
      socket.on('error', () => {}).once('close', resolve);
    });
  for (let i = 0; i < count; i += atOnce) await Promise.all(Array.from({ length: atOnce }, (_, k) => one(k % 2 === 0)));
}

async function held() {
  for (let i = 0; i < 6; i++) {
    global.gc();
    await new Promise((done) => setTimeout(done, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external, resident: process.memoryUsage.rss() };
}

const say = (words) => process.stdout.write(`${JSON.stringify(words)}\n`);

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { ask, port, count, atOnce } = JSON.parse(line);
  if (ask === 'end') process.exit();
  if (ask === 'abandon') await abandon(port, count, atOnce);
  say(await held());
});

server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
