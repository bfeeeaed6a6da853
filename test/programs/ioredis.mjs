// Plain commands, a pipeline, MULTI and automatic pipelining.
import Redis from 'ioredis';

const redis = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) });
const auto = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT), enableAutoPipelining: true });

async function readUser(id) {
  return redis.get(`user:${id}:jane.doe@example.com`);
}

async function countVisits(id) {
  const answers = await redis.pipeline().incr(`visits:${id}`).expire(`visits:${id}`, 60).exec();
  return answers[0][1];
}

async function moveBoth(id) {
  await redis.multi().set(`a:${id}`, 'secret-value').set(`b:${id}`, 'secret-value').exec();
}

async function readAuto(id) {
  return auto.hget(`profile:${id}`, 'name');
}

async function handle(id) {
  await readUser(id);
  await countVisits(id);
  await moveBoth(id);
  await readAuto(id);
}

await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
await redis.quit();
await auto.quit();
