// One command of each of two Redis clients.
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { account, ports, warm } from 'truth';

const io = new Redis(ports.redis[60]);
const node = createClient({ socket: { port: ports.redis[120], host: '127.0.0.1' } });

async function readBoth() {
  const t = account('readBoth');
  await t.asked(io.get('one')); // ended by operation get
  t.services(60);
  await t.asked(node.hGetAll('two')); // ended by operation hgetall
  t.services(120);
}

await node.connect();
await warm(() => io.get('warm'));
await warm(() => node.get('warm'));
await readBoth();
await io.quit();
await node.quit();
