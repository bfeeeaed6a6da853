// A worker's message.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { account } from 'truth';

const code = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (ms) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    parentPort.postMessage('done');
  });
  parentPort.postMessage('up');
`;
const worker = new Worker(code, { eval: true });

async function askWorker() {
  const t = account('askWorker');
  worker.postMessage(80);
  await t.asked(once(worker, 'message')); // ended by other
  t.other(80);
}

await once(worker, 'message');
await askWorker();
await worker.terminate();
