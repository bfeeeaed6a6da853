// Generators that read from each other: pages of a service, their pins one by one, and who reads the pins.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

async function* readPages() {
  const t = account('readPages');
  for (let page = 0; page < 3; page++) {
    const asked = redis.lrange(`page:${page}`, 0, 9);
    t.cpu();
    await asked; // ended by operation lrange
    t.services(30);
    yield page;
    // Until somebody wants the next one.
    t.other();
  }
}

async function* readPins() {
  for await (const page of readPages()) {
    for (let pin = 0; pin < 2; pin++) yield `${page}:${pin}`;
  }
}

async function showPins() {
  const t = account('showPins');
  for await (const _ of readPins()) {
    t.callees();
    spin(8);
    t.cpu(8);
  }
  t.callees();
}

await warm(() => redis.lrange('warm', 0, 9));
await showPins();
await redis.quit();
