// Packing in the thread pool while a service is asked: the service first, then what is left of the packing.
import { pbkdf2 } from 'node:crypto';
import { brotliCompress, constants } from 'node:zlib';
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);
const much = Buffer.from(Array.from({ length: 200_000 }, (_, i) => `${i * 7919} `).join(''));
const pack = (data, quality) =>
  new Promise((resolve, reject) => {
    brotliCompress(data, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }, (error, packed) =>
      error ? reject(error) : resolve(packed),
    );
  });

async function savePage() {
  const t = account('savePage');
  const packed = pack(much, 5);
  t.callees();
  await t.asked(redis.get('page')); // ended by operation get
  t.services(30);
  await packed; // ended by function pack
  t.callees(1);
  const key = new Promise((resolve, reject) => {
    pbkdf2('secret', 'salt', 60_000, 64, 'sha512', (error, derived) => (error ? reject(error) : resolve(derived)));
  });
  t.cpu();
  await key; // ended by other
  t.other(5);
  spin(10);
  t.cpu(10);
}

await warm(() => redis.get('warm'));
await warm(() => pack(Buffer.from('some words'), 5));
await warm(() => new Promise((resolve) => pbkdf2('a', 'b', 10, 64, 'sha512', resolve)));
await savePage();
await redis.quit();
