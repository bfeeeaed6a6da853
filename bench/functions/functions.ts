// `npm run bench:functions`: what recording adds to a function of the user's that does no I/O: ns a call, the same
// source (functions.cjs) bare and recorded, in turns, on Node 20 and 24. CPU time of the whole process, so that garbage
// collection in other threads counts. Shown: medians and quartiles of the rounds. ROUNDS (15) and CALLS (100000) set its
// length; OTHER, the checkout of another whywait, adds a column.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { nodeBinary } from '../../scripts/nodes.ts';

const rounds = Number(process.env['ROUNDS'] ?? 15);
const calls = Number(process.env['CALLS'] ?? 100_000);
const other = process.env['OTHER'];
const here = fileURLToPath(new URL('.', import.meta.url));
const cases = {
  sync: 'a call of a sync function',
  returning: 'a call of one that returns what it calls',
  mapping: 'a call of one with a callback, called 4 times',
  plain: 'an async call, awaited',
  awaiting: 'an async call that awaits once, awaited',
  awaitingTwice: 'an async call that awaits twice, awaited',
  nested: 'an async call that awaits an async call, awaited',
} as const;
type Case = keyof typeof cases;

const dir = mkdtempSync(join(tmpdir(), 'whywait-functions-'));
const sink = createServer((socket) => socket.on('error', () => {}).resume()).listen(join(dir, 'c.sock'));
await once(sink, 'listening');

function start(node: string, checkout: string | undefined): ChildProcess {
  const env = { ...process.env, NODE_OPTIONS: '' };
  if (checkout !== undefined) {
    Object.assign(env, {
      NODE_OPTIONS: `--require ${JSON.stringify(join(checkout, 'dist/recorder/recorder.cjs'))}`,
      WHYWAIT_DIR: dir,
      WHYWAIT_ROOT: here,
      WHYWAIT_CACHE: join(dir, 'cache'),
      WHYWAIT_OPTIONS: '{}',
    });
  }
  return fork(join(here, 'functions.cjs'), { execPath: node, env });
}

async function measure(child: ChildProcess, name: Case): Promise<number> {
  child.send({ name, calls });
  const [{ ns }] = (await once(child, 'message')) as [{ ns: number }];
  return ns;
}

const quantile = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;
const cell = (values: readonly number[]) =>
  `${quantile(values, 0.5).toFixed(0)} (${quantile(values, 0.25).toFixed(0)}–${quantile(values, 0.75).toFixed(0)})`;

try {
  for (const major of [20, 24]) {
    const node = nodeBinary(major);
    const recorded = [join(here, '../..'), ...(other === undefined ? [] : [other])];
    const children = [start(node, undefined), ...recorded.map((checkout) => start(node, checkout))];
    const columns = ['whywait adds', ...(other === undefined ? [] : ['other adds'])];
    const table = new Table({
      head: [`Node ${major}, CPU ns: median (quartiles)`, 'bare', ...columns],
      style: { head: [], border: [] },
    });
    for (const name of Object.keys(cases) as Case[]) {
      const took: number[][] = children.map(() => []);
      for (let round = -3; round < rounds; round++) {
        for (const [i, child] of children.entries()) {
          const ns = await measure(child, name);
          if (round >= 0) took[i]!.push(ns);
        }
      }
      const bare = took[0]!;
      const added = took.slice(1).map((values) => cell(values.map((ns, round) => ns - bare[round]!)));
      table.push([cases[name], cell(bare), ...added]);
    }
    console.log(table.toString());
    for (const child of children) child.disconnect();
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  }
} finally {
  sink.close();
  rmSync(dir, { recursive: true, force: true });
}
