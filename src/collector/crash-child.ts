// A collector of its own process, for crash.test.ts to kill: prints its directory, then records until it dies.

import { createRun } from '../store/runs.ts';
import { startCollector } from './collector.ts';

const [root = ''] = process.argv.slice(2);
const run = await createRun(root, { name: 'crash', command: [] });
const { dir } = await startCollector({ root, run, onFailure: ({ code }) => console.log(code) });
console.log(JSON.stringify({ dir, id: run.id }));
// The recorder's socket is what keeps a real one alive; here nothing else may end it.
setInterval(() => {}, 1 << 30);
