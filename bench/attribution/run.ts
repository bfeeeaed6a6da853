// How often is an operation put on the right request and the right function? Real clients and servers, few
// connections, many requests at once, every payload carrying its true owner.
//   npm run bench:attribution -- [--client <text>]… [--form <name>]… [--node 20,22,24,26] [--full]
//                                [--requests 200] [--once 50] [--pool 5] [--peers few|all|none]
// --full: every form, 2,000 requests, and both 50 at once with 5 connections and 200 at once with 2.
// --peers: OpenTelemetry and dd-trace beside ours, by the same truth: with a few clients, or with all that they show.
// Ends with a table of every set-up on every Node, and with exit code 1 when a mark was missed (faultsOf).

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { nodeBinary } from '../../scripts/nodes.ts';
import { clients } from './clients/all.ts';
import type { Ports, Setup } from './clients/client.ts';
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
    peers: { type: 'string', default: 'few' },
    verbose: { type: 'boolean', default: false },
  },
});

const here = import.meta.dirname;
const plain = ['sequence', 'parallel', 'callbacks'];
const shapes = ['classes', 'combined', 'iteration', 'events', 'timers'];
const hard = ['careless', 'adversarial', 'lost'];
/** Every client in these; the shapes of code, which no client changes, with a few clients only unless --full. */
const forms = values.form ?? [...plain, ...shapes, ...hard];
const shapesWith = new Set(['mysql2 pool.query', 'pg Pool', 'ioredis', 'redis 6 pool', 'http Agent', 'fetch']);
const requests = values.requests ?? (values.full ? '2000' : '200');
interface Mode {
  readonly once: string;
  readonly pool: string;
}
const modes: readonly Mode[] =
  values.once || values.pool || !values.full
    ? [{ once: values.once ?? '50', pool: values.pool ?? '5' }]
    : [
        { once: '50', pool: '5' },
        { once: '200', pool: '2' },
      ];

const peers = { OpenTelemetry: 'opentelemetry', 'dd-trace': 'dd-trace' } as const;
const peersWith = new Set(['mysql2 pool.query', 'ioredis autopipelining', 'undici Pool', 'pg Pool', 'amqplib publish']);
const peerForms = ['sequence', 'parallel'];

const chosen = Object.entries(clients).filter(
  ([name]) => !values.client || values.client.some((text) => name.includes(text)),
);
const withPeers = chosen.filter(([name]) => values.peers === 'all' || (values.peers === 'few' && peersWith.has(name)));

function install(what: string, folder: string, one: string): void {
  if (existsSync(join(folder, 'node_modules', one))) return;
  console.error(`installing ${what} …`);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--no-package-lock'], {
    cwd: folder,
    stdio: 'inherit',
  });
}
if (chosen.some(([, { own }]) => own)) install('clients', here, 'knex');
const peersDir = join(here, '../overhead');
if (withPeers.length > 0) install('OpenTelemetry and dd-trace', peersDir, 'dd-trace');

const dir = mkdtempSync(join(tmpdir(), 'whywait-attribution-'));
await build({
  entryPoints: [join(here, 'program.ts'), join(here, 'peer.ts')],
  outdir: dir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
});
const { ports, cutting, stop } = await startServers(new Set(chosen.flatMap(([, { needs }]) => needs)));

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

/** One process for all the forms; what it said where it failed. */
function processOf(
  command: readonly string[],
  client: string,
  names: readonly string[],
  { once, pool }: Mode,
  to: Ports,
): Promise<[Result[], string]> {
  const [node, ...flags] = command;
  const child = spawn(node!, [...flags, client, names.join(','), requests, once, pool, JSON.stringify(to)], {
    env: { ...process.env, BENCH_DIR: here, PEERS_DIR: peersDir },
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

const forgiving = new Set(['adversarial', 'lost']);

/** What is wrong with a result; '' = it reaches the mark. */
function faultsOf({ oneWay }: Setup, result: Result): string {
  const { form, total, expected, rootRight = 0, rootWrong = 0, functionRight = 0, functionWrong = 0 } = result;
  const { handled = 0, handledRight = 0, workWrong = 0 } = result;
  const faults = [];
  if (total === 0) return 'nothing seen';
  if (!forgiving.has(form) && total < expected) faults.push(`${expected - total} not seen`);
  if (rootWrong > 0) faults.push('wrong request');
  if (workWrong > 0) faults.push('deliveries on a request');
  if (form === 'careless' || oneWay) {
    if (functionWrong > 0) faults.push('wrong function');
  } else if (forgiving.has(form)) {
    if (rootRight < total * 0.995) faults.push('unknown > 0.5 %');
    if (functionWrong > total * 0.01) faults.push('wrong function > 1 %');
  } else {
    if (rootRight < total * 0.999) faults.push('right < 99.9 %');
    if (functionRight < total * 0.99) faults.push('function right < 99 %');
  }
  if (!oneWay && handledRight < handled * 0.99) faults.push('handled right < 99 %');
  return faults.join(', ');
}

function formsOf(name: string, { callbacks, mends }: Setup): string[] {
  return forms.filter((form) => {
    if (form === 'callbacks') return callbacks === true;
    if (form === 'lost') return mends === true;
    return values.form !== undefined || values.full || !shapes.includes(form) || shapesWith.has(name);
  });
}

const percent = (part = 0, whole = 0) => (whole === 0 ? '–' : ((100 * part) / whole).toFixed(2)).padStart(7);
const number = (value = 0) => String(value).padStart(6);

/** A set-up's results in one mode on one Node. */
interface Row {
  readonly node: string;
  readonly name: string;
  readonly setup: Setup;
  readonly mode: Mode;
  readonly results: Result[];
  failure: string;
}
const rows: Row[] = [];
const peerLines: string[] = [];

for (const major of values.node.split(',')) {
  const node = nodeBinary(Number(major));
  for (const mode of modes) {
    console.log(
      `\nNode ${major}, ${requests} requests, ${mode.once} at once, ${mode.pool} connections\n` +
        `${''.padEnd(36)}  request              function\n` +
        `${'client'.padEnd(24)}${'form'.padEnd(12)}  right  unsure wrong   right  wrong   op/s`,
    );
    for (const [name, setup] of chosen) {
      const all = formsOf(name, setup);
      if (all.length === 0) continue;
      const row: Row = { node: major, name, setup, mode, results: [], failure: '' };
      rows.push(row);
      for (const names of [all.filter((form) => form !== 'lost'), all.filter((form) => form === 'lost')]) {
        if (names.length === 0) continue;
        const to = names[0] === 'lost' ? cutting : ports;
        const [results, failure] = await processOf([node, join(dir, 'program.cjs')], name, names, mode, to);
        row.results.push(...results);
        for (const result of results) print(name, setup, result);
        if (failure === '') continue;
        row.failure += `${names[results.length]}: ${failure}`;
        console.log(`${name.padEnd(24)}${names[results.length]?.padEnd(12)} ${failure}`);
      }
      if (withPeers.some(([one]) => one === name)) await askPeers(node, major, name, mode);
    }
  }
}

function print(name: string, setup: Setup, result: Result): void {
  const { form, total, rootRight = 0, rootWrong = 0, functionRight, functionWrong, perSecond, sorts, errors } = result;
  const faults = faultsOf(setup, result);
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

/** The same under the others. Of what they do not show, nothing is said. */
async function askPeers(node: string, major: string, name: string, mode: Mode): Promise<void> {
  for (const [peer, file] of Object.entries(peers)) {
    if (peer === 'dd-trace' && Number(major) < 22) continue;
    const command = [node, '--require', join(here, `peers/${file}.cjs`), join(dir, 'peer.cjs')];
    const [results, failure] = await processOf(command, name, peerForms, mode, ports);
    for (const { form, total, rootRight = 0, rootWrong = 0 } of results) {
      const figures =
        total === 0
          ? '      – not shown'
          : `${percent(rootRight, total)}${percent(total - rootRight - rootWrong, total)}${percent(rootWrong, total)} %`;
      const line = `  ${peer.padEnd(22)}${form.padEnd(12)}${figures}`;
      console.log(line);
      if (total > 0) peerLines.push(`${major.padEnd(5)}${name.padEnd(24)}${line.trimStart()}`);
    }
    if (failure !== '') console.log(`  ${peer}: ${failure}`);
  }
}

await stop();
rmSync(dir, { recursive: true, force: true });

console.log(
  `\nAll forms of a set-up together; wrong ones counted\n${'set-up'.padEnd(24)}node  once  request  wrong  function  wrong`,
);
let missed = 0;
for (const { node, name, setup, mode, results, failure } of rows) {
  const sum = (key: 'total' | 'rootRight' | 'rootWrong' | 'functionRight' | 'functionWrong') =>
    results.reduce((all, result) => all + (result[key] ?? 0), 0);
  const faults = results.map((result) => [result.form, faultsOf(setup, result)]).filter(([, fault]) => fault !== '');
  if (failure !== '') faults.push(['failed', failure.slice(0, 60)]);
  missed += faults.length;
  console.log(
    `${name.padEnd(24)}${node.padStart(4)}${mode.once.padStart(6)}  ${percent(sum('rootRight'), sum('total'))} ${number(sum('rootWrong'))}   ` +
      `${percent(sum('functionRight'), sum('total'))} ${number(sum('functionWrong'))}  ${faults.map(([form, fault]) => `${form}: ${fault}`).join('; ')}`,
  );
}
if (peerLines.length > 0) console.log(`\nOthers: right, unsure, wrong request\n${peerLines.join('\n')}`);
console.log(missed === 0 ? '\nall right' : `\n${missed} below the mark`);
process.exitCode = missed === 0 ? 0 : 1;
