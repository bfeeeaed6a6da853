// The delays of the suite, in a process of its own: proxies that hold every answer of a real server for a known time,
// and an HTTP server that takes as long as it is asked to. Says its ports as JSON on its first line.
//   node delays.mjs '{"redis": 6379, …}' <key file> <certificate file>

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import net from 'node:net';

const holds = [0, 30, 60, 120];
const targets = JSON.parse(process.argv[2]);

const listening = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

/** Hands on at once what the client says, and what the server says `holdMs` later, in its order. */
const proxy = (target, holdMs) =>
  net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const server = net.connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    client.on('data', (chunk) => server.write(chunk));
    client.on('end', () => server.end());
    const hold = (fn) => (holdMs === 0 ? fn() : setTimeout(fn, holdMs));
    server.on('data', (chunk) => hold(() => client.write(chunk)));
    server.on('end', () => hold(() => client.end()));
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => socket === client && server.destroy());
    }
  });

/** `?ms=60`: waits so long before it answers. `&chunks=4&every=30`: then sends so many chunks, so far apart.
 *  `&reset`: then breaks the connection instead. */
function answer(request, response) {
  const asked = new URL(request.url, 'http://localhost').searchParams;
  const chunks = Number(asked.get('chunks') ?? 1);
  const every = Number(asked.get('every') ?? 0);
  request.resume();
  const send = (left) => {
    if (left <= 1) return response.end('0123456789');
    response.write('0123456789');
    setTimeout(send, every, left - 1);
  };
  setTimeout(
    () => {
      if (asked.has('reset')) return request.socket.resetAndDestroy();
      response.statusCode = Number(asked.get('status') ?? 200);
      send(chunks);
    },
    Number(asked.get('ms') ?? 0),
  );
}

const http = createServer({ keepAliveTimeout: 60_000 }, answer);
const key = readFileSync(process.argv[3]);
const cert = readFileSync(process.argv[4]);
const https = createSecureServer({ key, cert, keepAliveTimeout: 60_000 }, answer);

targets.http = await listening(http);
targets.https = await listening(https);
const ports = {};
for (const [name, target] of Object.entries(targets)) {
  ports[name] = {};
  for (const holdMs of holds) ports[name][holdMs] = await listening(proxy(target, holdMs));
}
console.log(JSON.stringify(ports));
process.on('disconnect', () => process.exit());
