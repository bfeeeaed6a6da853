// A race that a time-out wins: the timer let it go on, however long the service takes.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const slow = new Redis(ports.redis[120]);

const timeout = (ms) => new Promise((_, reject) => setTimeout(reject, ms, new Error('too late')));

async function readInTime() {
  const t = account('readInTime');
  try {
    await t.asked(Promise.race([slow.get('a'), new Promise((_, reject) => setTimeout(reject, 60, new Error('late')))])); // ended by timer
  } catch {
    t.timers(58);
  }
  spin(20);
  t.cpu(20);
}

async function readOrNot() {
  const t = account('readOrNot');
  const raced = Promise.race([slow.get('b'), timeout(60)]);
  t.cpu();
  await t.asked(raced.catch(() => {})); // ended by function timeout
  t.callees(58);
}

await warm(() => slow.get('warm'));
await readInTime();
await slow.get('c');
await readOrNot();
await slow.quit();
