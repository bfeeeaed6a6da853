// A worker that reckons while the main thread asks a service, then waits for the worker.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Redis } from 'ioredis';
import { account, ports, warm } from 'truth';

const redis = new Redis(ports.redis[60]);
const code = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (ms) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    parentPort.postMessage(ms);
  });
`;
const worker = new Worker(code, { eval: true });

async function drawBoard() {
  const t = account('drawBoard');
  const drawn = once(worker, 'message');
  worker.postMessage(120);
  await t.asked(redis.get('board')); // ended by operation get
  t.services(60);
  await drawn; // ended by other
  t.other(50);
}

await warm(async () => {
  worker.postMessage(1);
  await once(worker, 'message');
});
await warm(() => redis.get('warm'));
await drawBoard();
await worker.terminate();
await redis.quit();
