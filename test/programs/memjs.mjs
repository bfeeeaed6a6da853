// memcached's binary protocol: hits, misses and a write.
import memjs from 'memjs';

const cache = memjs.Client.create(`127.0.0.1:${process.env.MEMCACHED_PORT}`);

async function readFeed(id) {
  const { value } = await cache.get(`feed:${id}:jane.doe@example.com`);
  return value?.toString();
}

async function writeFeed(id) {
  await cache.set(`feed:${id}:jane.doe@example.com`, 'secret-value', { expires: 60 });
}

async function handle(id) {
  await readFeed(id);
  await writeFeed(id);
  await readFeed(id);
}

await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
cache.close();
