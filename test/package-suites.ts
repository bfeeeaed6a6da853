// `npm run test:packages -- <checkout> [options] [-- command…]`: a package's own tests, alone and recorded. What fails
// only when recorded is a fault of ours. The command is run by a shell-less spawn in the checkout, `npm test` by default;
// give the test runner itself (`-- npx mocha --reporter tap test/`), so that each test can be compared.
//
//   --node 24        the Node to run it on (20, 22, 24, 26)
//   --times 2        how often each way, at the least; a test that differs is run again as often
//   --timeout 600    seconds for one run
//   --ways a,b,c     of alone, recorded, off (recorded with --functions off); all three by default
//   --keep <dir>     where the outputs stay
//
// The checkout's own code is "the user's": outside of node_modules, so it is rewritten.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../scripts/nodes.ts';
import { type Outcomes, readOutcomes } from './suite-output.ts';

const whywait = join(dirname(fileURLToPath(import.meta.url)), '../bin/whywait.mjs');

const ways = { alone: [], recorded: ['--functions', 'on'], off: ['--functions', 'off'] } as const;
type Way = keyof typeof ways;

interface Run {
  readonly code: number | null;
  readonly signal: string | null;
  readonly outcomes: Outcomes;
  readonly seconds: number;
}

const dashes = process.argv.indexOf('--', 2);
const { values, positionals } = parseArgs({
  args: process.argv.slice(2, dashes < 0 ? undefined : dashes),
  allowPositionals: true,
  options: {
    node: { type: 'string', default: '24' },
    times: { type: 'string', default: '2' },
    timeout: { type: 'string', default: '600' },
    ways: { type: 'string', default: 'alone,recorded,off' },
    keep: { type: 'string' },
  },
});
if (positionals.length !== 1) {
  console.error('npm run test:packages -- <checkout> [--node 24] [--times 2] [-- command…]');
  process.exit(2);
}
const checkout = resolve(positionals[0]);
const command = dashes < 0 ? ['npm', 'test'] : process.argv.slice(dashes + 1);
const node = nodeBinary(Number(values.node));
const chosen = values.ways.split(',').filter((way): way is Way => way in ways);
const keep = resolve(values.keep ?? mkdtempSync(join(tmpdir(), 'whywait-suites-')));
mkdirSync(keep, { recursive: true });

/** Without what npm put in around us. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { CI: '1', NO_COLOR: '1' };
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(?:npm_|NODE_OPTIONS$|FORCE_COLOR$|INIT_CWD$)/i.test(name)) env[name] = value;
  }
  env['PATH'] = [join(checkout, 'node_modules/.bin'), dirname(node), process.env['PATH']].join(delimiter);
  return env;
}

async function run(way: Way, times: number): Promise<Run> {
  const runs = mkdtempSync(join(tmpdir(), 'whywait-suite-run-'));
  const [program, args] =
    way === 'alone'
      ? [command[0], command.slice(1)]
      : [process.execPath, [whywait, 'run', '--no-ui', '--no-report', '--dir', runs, ...ways[way], '--', ...command]];
  const since = performance.now();
  const child = spawn(program, args, {
    cwd: checkout,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const late = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), Number(values.timeout) * 1000);
  let text = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done, failed) => {
    child.on('error', failed);
    child.on('close', (...end) => done(end));
  });
  clearTimeout(late);
  const seconds = (performance.now() - since) / 1000;
  rmSync(runs, { recursive: true, force: true });
  writeFileSync(join(keep, `${way}-${times}.out`), text);
  writeFileSync(join(keep, `${way}-${times}.err`), said);
  return { code, signal, outcomes: readOutcomes(text), seconds };
}

const results: Record<Way, Run[]> = { alone: [], recorded: [], off: [] };
async function round(): Promise<void> {
  for (const way of chosen) {
    const one = await run(way, results[way].length + 1);
    results[way].push(one);
    let [passed, failed] = [0, 0];
    for (const outcome of one.outcomes.values()) {
      passed += outcome.passed;
      failed += outcome.failed;
    }
    const end = one.signal ?? `exit ${one.code}`;
    console.log(`${way.padEnd(9)} ${passed} passed, ${failed} failed, ${end}, ${one.seconds.toFixed(1)} s`);
  }
}

/** How often a test was all right; one that was not even run was not. */
const passed = (way: Way, name: string): number =>
  results[way].filter(({ outcomes }) => {
    const outcome = outcomes.get(name);
    return outcome !== undefined && outcome.failed === 0;
  }).length;

function names(): string[] {
  const all = new Set<string>();
  for (const runs of Object.values(results))
    for (const { outcomes } of runs) for (const name of outcomes.keys()) all.add(name);
  return [...all];
}

/** Tests that passed less often in a way of ours than alone. */
function differing(way: Way): string[] {
  return names().filter((name) => passed(way, name) < passed('alone', name));
}

console.log(`${checkout}: ${command.join(' ')}, Node ${values.node}; outputs in ${keep}`);
for (let i = 0; i < Number(values.times); i++) await round();
const recordedWays = chosen.filter((way) => way !== 'alone');
if (recordedWays.some((way) => differing(way).length > 0)) for (let i = 0; i < Number(values.times); i++) await round();

let faults = 0;
for (const way of recordedWays) {
  for (const name of differing(way)) {
    const [ours, alone, total] = [passed(way, name), passed('alone', name), results.alone.length];
    const sure = ours === 0 && alone === total;
    if (sure) faults++;
    console.log(
      `${sure ? 'DIFFERS' : 'flaky  '} ${way}: ${name} (passed ${ours} of ${total}, alone ${alone} of ${total})`,
    );
  }
  const codes = (of: Way) => [...new Set(results[of].map(({ code, signal }) => signal ?? code))].join(' or ');
  if (codes(way) !== codes('alone')) console.log(`exit code ${way}: ${codes(way)}, alone ${codes('alone')}`);
}
console.log(faults === 0 ? 'no test fails only when recorded' : `${faults} tests fail only when recorded`);
process.exit(faults === 0 ? 0 : 1);
