// Node's thread pool.
import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { account, spin, warm } from 'truth';

const derive = promisify(scrypt);
const pack = promisify(gzip);
const much = Buffer.alloc(4e6, 'some words');

async function derivePassword() {
  const t = account('derivePassword');
  await t.asked(derive('secret', 'salt', 64, { cost: 2 ** 14 })); // ended by other
  t.other(5);
  await t.asked(pack(much)); // ended by other
  t.other();
  spin(20);
  t.cpu(20);
}

await warm(() => derive('a', 'b', 16, { cost: 2 }));
await warm(() => pack('a'));
await derivePassword();
