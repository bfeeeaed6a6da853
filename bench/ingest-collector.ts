// A collector of its own process for ingest.ts: prints where it listens, and its CPU time whenever a line comes in.

import { createInterface } from 'node:readline';
import { startCollector } from '../src/collector/collector.ts';
import { createRun } from '../src/store/runs.ts';

const [root = ''] = process.argv.slice(2);
const run = await createRun(root, { name: 'bench', command: [] });
const collector = await startCollector({ root, run });
const tell = () => {
  const { user, system } = process.cpuUsage();
  console.log(
    JSON.stringify({ dir: collector.dir, id: run.id, cpu: (user + system) / 1e6, rss: process.memoryUsage().rss }),
  );
};
tell();
for await (const line of createInterface(process.stdin)) {
  if (line === 'end') break;
  tell();
}
await collector.finish();
await collector.close();
