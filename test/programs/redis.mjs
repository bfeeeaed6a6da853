// node-redis: its queue, MULTI, an error of the server.
import { createClient } from 'redis';

const redis = createClient({ socket: { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) } });
await redis.connect();

async function readUser(id) {
  return await redis.get(`user:${id}`);
}

async function saveBoth(id) {
  return await redis.multi().set(`c:${id}`, 'secret-value').expire(`c:${id}`, 60).exec();
}

async function askWrongly(id) {
  try {
    await redis.lPush(`c:${id}`, 'x');
  } catch (error) {
    return error.message;
  }
}

async function handle(id) {
  await readUser(id);
  await saveBoth(id);
  await askWrongly(id);
}

await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
await redis.quit();
