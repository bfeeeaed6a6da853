// A pool that no tracer knows, around a client that has none.
import { Redis } from 'ioredis';
import { account, createPool, heldBy, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
const pool = createPool([redis]);
let freed;

async function exportPins() {
  const t = account('exportPins');
  await t.asked(pool.use((client) => client.hgetall('pins'))); // ended by operation hgetall
  t.services(60);
  freed();
}

async function loadPin(t) {
  await t.asked(pool.use((client) => client.get('pin'))); // ended by operation get
  t.services(60);
}

await warm(() => redis.get('warm'));
const first = exportPins();
const t = account('loadPin');
freed = () => heldBy('loadPin', { exportPins: t.pool(58) });
await Promise.all([first, loadPin(t)]);
await redis.quit();
