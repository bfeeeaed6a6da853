// `npm run bench:budget`: a server of ten Redis commands a request, bare, recorded in full, and under budgets. Shown:
// CPU time a request, the share that the recorder measured, how many requests it recorded, and how far the counts by
// weight are from what Redis counted. REQUESTS (6000), AT_ONCE (16) and ROUNDS (3) set its length.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { nodeBinary } from '../../scripts/nodes.ts';
import { type Loaded, load } from './load.ts';

const node = nodeBinary(Number(process.env['NODE_MAJOR'] ?? 24));
const requests = Number(process.env['REQUESTS'] ?? 6000);
const atOnce = Number(process.env['AT_ONCE'] ?? 16);
const rounds = Number(process.env['ROUNDS'] ?? 3);
const kinds = ['bare', undefined, '10%', '5%', '2%'] as const;

const dir = mkdtempSync(join(tmpdir(), 'whywait-budget-'));
const runs = new Map<string, Loaded[]>();
for (let round = 0; round < rounds; round++) {
  for (const budget of kinds) {
    const loaded = await load({ budget, requests, atOnce, dir, node });
    const name = budget ?? 'everything';
    runs.set(name, [...(runs.get(name) ?? []), loaded]);
  }
}
rmSync(dir, { recursive: true, force: true });

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const table = new Table({
  head: ['', 'CPU µs a request', 'measured share', 'requests recorded', 'Redis commands by weight, of the true'],
});
for (const [name, of] of runs) {
  const each = (value: (one: Loaded) => number) => median(of.map(value));
  const cpu = each(({ cpuMs }) => (1000 * cpuMs) / requests).toFixed(0);
  const share = each(({ report }) => (100 * (report?.sampling?.ownMs ?? 0)) / (report?.sampling?.cpuMs ?? 1));
  const recorded = each(({ report }) => (report?.sampling?.requests ?? { recorded: requests }).recorded);
  const counted = each(({ report, commands }) => {
    const truth = (commands['get'] ?? 0) + (commands['hget'] ?? 0) + (commands['incr'] ?? 0);
    return (100 * (report?.coverage.operations ?? 0)) / truth;
  });
  const isLimited = name.endsWith('%');
  table.push([
    isLimited ? `--budget ${name}` : name,
    cpu,
    isLimited ? `${share.toFixed(1)} %` : '',
    name === 'bare' ? '' : `${recorded} of ${requests}`,
    name === 'bare' ? '' : `${counted.toFixed(1)} %`,
  ]);
}
console.log(`Node ${node}, ${requests} requests, ${atOnce} at once, median of ${rounds}`);
console.log(table.toString());
