// The users service: GET /users/:id, from Redis.

import { createServer } from 'node:http';
import { createClient } from 'redis';

const redis = createClient({ socket: { host: '127.0.0.1', port: Number(process.env['REDIS_PORT']) } });
await redis.connect();

async function readUser(id: string): Promise<string> {
  const [name] = await Promise.all([redis.hGet(`user:${id}`, 'name'), redis.incr(`user:${id}:visits`)]);
  return name ?? 'nobody';
}

const server = createServer(async (request, response) => {
  const id = /^\/users\/(\d+)$/.exec(request.url ?? '')?.[1];
  if (!id) {
    response.statusCode = 404;
    return response.end();
  }
  const name = await readUser(id);
  response.setHeader('content-type', 'application/json');
  return response.end(JSON.stringify({ id, name }));
});
server.listen(Number(process.env['USERS_PORT']), '127.0.0.1', () => process.send?.('ready'));
process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
