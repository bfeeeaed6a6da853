// How often is an operation put on the right request and the right function? Real clients and servers, few
// connections, many requests at once, every payload carrying its true owner.
//   npm run bench:attribution -- [--client <text>]… [--form <name>]… [--node 20,22,24,26] [--full]
//                                [--requests 200] [--once 50] [--pool 5]
// --full: every form, 2,000 requests, and both 50 at once with 5 connections and 200 at once with 2.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { nodeBinary } from '../../scripts/nodes.ts';
import { clients } from './clients/all.ts';
import type { Setup } from './clients/client.ts';
import { startServers } from './start-servers.ts';

const { values } = parseArgs({
  options: {
    client: { type: 'string', multiple: true },
    form: { type: 'string', multiple: true },
    node: { type: 'string', default: process.versions.node.split('.')[0] },
    full: { type: 'boolean', default: false },
    requests: { type: 'string' },
    once: { type: 'string' },
    pool: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const here = import.meta.dirname;
const plain = ['sequence', 'parallel', 'callbacks'];
const shapes = ['classes', 'combined', 'iteration', 'events', 'timers'];
const hard = ['careless', 'adversarial'];
/** Every client in these; the shapes of code, which no client changes, with a few clients only unless --full. */
const forms = values.form ?? [...plain, ...shapes, ...hard];
const shapesWith = new Set(['mysql2 pool.query', 'pg Pool', 'ioredis', 'redis 6 pool', 'http Agent', 'fetch']);
const requests = values.requests ?? (values.full ? '2000' : '200');
const modes =
  values.once || values.pool || !values.full
    ? [{ once: values.once ?? '50', pool: values.pool ?? '5' }]
    : [
        { once: '50', pool: '5' },
        { once: '200', pool: '2' },
      ];

const chosen = Object.entries(clients).filter(
  ([name]) => !values.client || values.client.some((text) => name.includes(text)),
);
if (chosen.some(([, { own }]) => own) && !existsSync(join(here, 'node_modules/knex'))) {
  console.error('installing clients …');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--no-package-lock'], {
    cwd: here,
    stdio: 'inherit',
  });
}

const dir = mkdtempSync(join(tmpdir(), 'whywait-attribution-'));
await build({
  entryPoints: [join(here, 'program.ts')],
  outfile: join(dir, 'program.cjs'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
});
const { ports, stop } = await startServers(new Set(chosen.flatMap(([, { needs }]) => needs)));

interface Result {
  form: string;
  total: number;
  expected: number;
  rootRight?: number;
  rootWrong?: number;
  functionRight?: number;
  functionWrong?: number;
  /** What the program did because of a delivery, and how much of it was right; what of that was put on a request. */
  handled?: number;
  handledRight?: number;
  workWrong?: number;
  perSecond: number;
  /** Mistakes, numbers taken out, with how often. */
  sorts: Record<string, number>;
  errors: string[];
}

/** One process for all forms; what it said where it failed. */
function one(node: string, client: string, names: string[], once: string, pool: string): Promise<[Result[], string]> {
  const args = [join(dir, 'program.cjs'), client, names.join(','), requests, once, pool, JSON.stringify(ports)];
  const child = spawn(node, args, {
    env: { ...process.env, BENCH_DIR: here },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
  let out = '';
  let said = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) =>
    child.on('close', (code, signal) => {
      const results = [...out.matchAll(/^RESULT (.*)$/gm)].map(([, text]) => JSON.parse(text!) as Result);
      resolve([results, results.length === names.length ? '' : `${said.slice(0, 2000)} ${signal ?? code}`]);
    }),
  );
}

/** What is wrong with a result; '' = it reaches the mark. */
function faultsOf({ oneWay }: Setup, { form, total, expected, rootRight = 0, rootWrong = 0, ...rest }: Result): string {
  const { functionRight = 0, functionWrong = 0, handled = 0, handledRight = 0, workWrong = 0 } = rest;
  const faults = [];
  if (workWrong > 0) faults.push(`${workWrong} deliveries on a request`);
  if (handledRight < handled * 0.99) faults.push(`handled ${percent(handledRight, handled)} %`);
  if (form !== 'adversarial' && total < expected) faults.push(`${expected - total} not seen`);
  if (rootWrong > 0) faults.push('wrong request');
  if (form === 'careless' || oneWay) {
    if (functionWrong > 0) faults.push('wrong function');
  } else if (form === 'adversarial') {
    if (rootRight < total * 0.995) faults.push('unknown > 0.5 %');
    if (functionWrong > total * 0.01) faults.push('wrong function > 1 %');
  } else {
    if (rootRight < total * 0.999) faults.push('right < 99.9 %');
    if (functionRight < total * 0.99) faults.push('function right < 99 %');
  }
  return faults.join(', ');
}

const percent = (part = 0, whole = 0) => (whole === 0 ? '–' : ((100 * part) / whole).toFixed(2)).padStart(7);
const number = (value = 0) => String(value).padStart(6);

function formsOf(name: string, { callbacks }: Setup): string[] {
  return forms.filter((form) => {
    if (form === 'callbacks') return callbacks === true;
    return values.form !== undefined || values.full || !shapes.includes(form) || shapesWith.has(name);
  });
}

let bad = 0;
for (const major of values.node.split(',')) {
  const node = nodeBinary(Number(major));
  for (const { once, pool } of modes) {
    console.log(
      `\nNode ${major}, ${requests} requests, ${once} at once, ${pool} connections\n` +
        `${''.padEnd(36)}  request              function\n` +
        `${'client'.padEnd(24)}${'form'.padEnd(12)}  right  unsure wrong   right  wrong   op/s`,
    );
    for (const [name, setup] of chosen) {
      const names = formsOf(name, setup);
      if (names.length === 0) continue;
      const [results, failure] = await one(node, name, names, once, pool);
      for (const result of results) print(name, setup, result);
      if (failure === '') continue;
      bad++;
      console.log(`${name.padEnd(24)}${names[results.length]?.padEnd(12)} ${failure}`);
    }
  }
}

function print(name: string, setup: Setup, result: Result): void {
  const { form, total, rootRight = 0, rootWrong = 0, functionRight, functionWrong, perSecond, sorts, errors } = result;
  const faults = faultsOf(setup, result);
  if (faults !== '') bad++;
  console.log(
    `${name.padEnd(24)}${form.padEnd(12)}${percent(rootRight, total)}` +
      `${percent(total - rootRight - rootWrong, total)}${number(rootWrong)} ` +
      `${percent(functionRight, total)}${number(functionWrong)} ${number(perSecond)}  ${faults}`,
  );
  if (faults === '' && !values.verbose) return;
  // Wrong ones before those that are not known.
  const isWrong = (sort: string) => Number(!/ (on|in) none/.test(sort));
  const worst = Object.entries(sorts).sort(([a, times], [b, others]) => isWrong(b) - isWrong(a) || others - times);
  for (const [sort, times] of worst.slice(0, 6)) console.log(`    ${times} × ${sort}`);
  for (const error of errors) console.log(`    error: ${error}`);
}

await stop();
rmSync(dir, { recursive: true, force: true });
console.log(bad === 0 ? '\nall right' : `\n${bad} below the mark`);
process.exitCode = bad === 0 ? 0 : 1;
