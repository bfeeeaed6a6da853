// `npm run test:node-core -- <folder of Node's tests> [options]`: Node's own tests under the recorder. Each runs bare,
// with an empty file preloaded by the flag that we use, and recorded. What passes with the empty file has to pass when
// it is recorded; exceptions.json names the tests that need not, and why.
//
//   --node <binary>     the Node that runs the tests; the one that runs this when left out
//   --only net,tls      groups, of node-tests.ts; another word is the beginning of names: --only domain
//   --test <word>       only tests whose name contains the word; repeatable
//   --jobs <n>          so many at once (those of sequential/ one by one); 2
//   --time-limit <s>    of one test; 60
//   --again <n>         how often a test that differs is run again, both ways, to tell flaky from broken; 4
//   --json <file>       where the results go; node-core-<version>.json in the temporary directory
//   --before <file>     takes what bare and empty did from the results of a run before, and runs the recorded way only
//
// Exit code 1 when a test fails only when recorded and is no exception, or an exception passes.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeOptions } from '../../src/cli/command-line.ts';
import { type Collector, startCollector } from '../../src/collector/collector.ts';
import { openStore } from '../../src/store/open.ts';
import { createRun, spansFile } from '../../src/store/runs.ts';
import { recorder } from '../recorder-kit.ts';
import { groups, type NodeTest, type Place, type Result, runTest, testsOf, type Verdict } from './node-tests.ts';

const ways = ['bare', 'empty', 'recorded'] as const;
type Way = (typeof ways)[number];

/**
 * broken: passes with an empty preload, never when recorded. flaky: when recorded it fails sometimes. excepted: as
 * broken or flaky, with a listed reason. passes-again: listed, and passed every time.
 */
type Difference = 'broken' | 'flaky' | 'excepted' | 'passes-again';

interface Tested {
  readonly test: string;
  readonly group: string;
  readonly bare: Verdict;
  readonly empty: Verdict;
  recorded: Verdict;
  difference?: Difference;
  /** Of how many runs so many passed, both ways, when they differed at first. */
  passed?: { empty: number; recorded: number; of: number };
  reason?: string;
  /** What it said when it failed recorded. */
  said?: string;
}

interface Exception {
  readonly test: string;
  /** Major versions; all when left out. */
  readonly nodes?: readonly number[];
  readonly reason: string;
  /** It may pass as well: what it sees of us depends on how fast the machine is. */
  readonly sometimes?: boolean;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', default: process.execPath },
    only: { type: 'string', default: Object.keys(groups).join(',') },
    test: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: '2' },
    'time-limit': { type: 'string', default: '60' },
    again: { type: 'string', default: '4' },
    json: { type: 'string' },
    before: { type: 'string' },
  },
});

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(positionals[0] ?? '.');
if (!existsSync(join(folder, 'parallel')) || !existsSync(join(folder, 'common'))) {
  console.error(`${folder} holds no tests of Node's: name the folder test/ of a checkout of nodejs/node.`);
  process.exit(2);
}
const version = execFileSync(values.node, ['--version'], { encoding: 'utf8' }).trim();
const major = Number(/^v(\d+)/.exec(version)?.[1]);
const exceptions = (JSON.parse(readFileSync(join(here, 'exceptions.json'), 'utf8')) as Exception[]).filter(
  ({ nodes }) => nodes === undefined || nodes.includes(major),
);
const before = new Map<string, Tested>();
if (values.before !== undefined) {
  for (const tested of (JSON.parse(readFileSync(values.before, 'utf8')) as { tests: Tested[] }).tests) {
    before.set(tested.test, tested);
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'whywait-node-core-'));
const store = mkdtempSync(join(tmpdir(), 'whywait-node-core-store-'));
const run = await createRun(store, { name: `Node's tests on ${version}`, command: ['node'] });
const collector = await startCollector({ root: store, run });
const environments = await prepare(collector);

const tests = values.only
  .split(',')
  .flatMap((group) => testsOf(folder, group))
  .filter(({ name }) => values.test.length === 0 || values.test.some((word) => name.includes(word)));
console.log(`${tests.length} tests of ${folder}, Node ${version}, ${values.jobs} at once`);

const tested = new Map<NodeTest, Tested>();
await atOnce(
  tests.filter(({ alone }) => !alone),
  Number(values.jobs),
);
await atOnce(
  tests.filter(({ alone }) => alone),
  1,
);
clearLine();
await settleDifferences();
await collector.finish();
const { processes } = (await collector.runs.report()).run;
await collector.close();
const counters = { processes: processes.length, spans: collector.counts.spans, ...(await recorderCounters()) };
print();
save();
rmSync(scratch, { recursive: true, force: true });
rmSync(store, { recursive: true, force: true });
process.exitCode = [...tested.values()].some(({ difference }) => /broken|passes-again/.test(difference ?? '')) ? 1 : 0;

/** What each way adds to the environment; `recorded` as `whywait run` does. */
async function prepare({ dir }: Collector): Promise<Record<Way, Record<string, string>>> {
  const empty = join(store, 'empty.cjs');
  writeFileSync(empty, '');
  return {
    bare: {},
    empty: { NODE_OPTIONS: nodeOptions(empty, undefined) },
    recorded: {
      NODE_OPTIONS: nodeOptions(await recorder(), undefined),
      WHYWAIT_DIR: dir,
      WHYWAIT_ROOT: folder,
      WHYWAIT_CACHE: join(store, 'cache'),
      WHYWAIT_OPTIONS: JSON.stringify({ functions: 'on', propagate: { mode: 'private', hosts: [] } }),
    },
  };
}

async function atOnce(queue: readonly NodeTest[], jobs: number): Promise<void> {
  let next = 0;
  const work = async (thread: number) => {
    while (next < queue.length) {
      const test = queue[next++];
      tested.set(test, await threeWays(test, placeOf(thread)));
      progress();
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, i) => work(i + 1)));
}

function placeOf(thread: number): Place {
  const timeoutMs = Number(values['time-limit']) * 1000;
  return { folder, node: values.node, scratch: join(scratch, String(thread)), thread, timeoutMs };
}

async function threeWays(test: NodeTest, place: Place): Promise<Tested> {
  const known = before.get(test.name);
  const bare = known?.bare ?? (await runTest(test, place, environments.bare)).verdict;
  const empty = known?.empty ?? (await runTest(test, place, environments.empty)).verdict;
  // One that hangs without us says nothing of us.
  const recorded: Result =
    empty === 'time-out' ? { verdict: 'time-out', ms: 0, said: '' } : await runTest(test, place, environments.recorded);
  return {
    test: test.name,
    group: test.group,
    bare,
    empty,
    recorded: recorded.verdict,
    ...(isWell(recorded.verdict) ? {} : { said: recorded.said }),
  };
}

function isWell(verdict: Verdict): boolean {
  return verdict === 'pass' || verdict === 'skip';
}

/** Worse than with the empty preload: fails, or is left out. */
function isWorse({ empty, recorded }: Tested): boolean {
  return isWell(empty) && recorded !== empty;
}

/** Runs what differs again, alone, and says which it is. */
async function settleDifferences(): Promise<void> {
  const place = placeOf(1);
  for (const [test, one] of tested) {
    const exception = exceptions.find(({ test: name }) => name === test.name);
    const worse = isWorse(one);
    if (!worse && !(exception && !exception.sometimes && isWell(one.empty))) continue;
    const passed = { empty: 1, recorded: worse ? 0 : 1, of: 1 };
    while (passed.of <= Number(values.again)) {
      process.stdout.write(`\r\x1b[K${test.name}: again, ${passed.of} of ${values.again}`);
      passed.of++;
      const empty = await runTest(test, place, environments.empty);
      const recorded = await runTest(test, place, environments.recorded);
      if (empty.verdict === one.empty) passed.empty++;
      if (recorded.verdict === one.empty) passed.recorded++;
      else one.said = recorded.said;
    }
    clearLine();
    one.passed = passed;
    const isFlaky = passed.recorded > 0 || passed.empty < passed.of / 2;
    if (!exception) {
      one.difference = isFlaky ? 'flaky' : 'broken';
    } else {
      one.reason = exception.reason;
      if (passed.recorded < passed.of) one.difference = 'excepted';
      else if (!exception.sometimes) one.difference = 'passes-again';
    }
  }
}

function progress(): void {
  const worse = [...tested.values()].filter(isWorse);
  const last = worse.at(-1);
  const text = `${tested.size}/${tests.length}  differ: ${worse.length}${last ? `, ${last.test}` : ''}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
  else if (tested.size % 50 === 0) console.log(text);
}

function clearLine(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

/** What the recorder itself says of the run: that it did record, and its own faults. */
async function recorderCounters(): Promise<Record<string, number>> {
  const kept = await openStore(spansFile(store, run.id), 'read');
  const sums: Record<string, number> = {};
  for (const { counter, value } of await kept.counters()) sums[counter] = (sums[counter] ?? 0) + value;
  await kept.close();
  return sums;
}

function print(): void {
  const all = [...tested.values()];
  const line = (cells: readonly (string | number)[]) =>
    console.log(cells.map((cell, i) => (i === 0 ? String(cell).padEnd(22) : String(cell).padStart(10))).join(''));
  line(['group', 'tests', 'bare', 'empty', 'recorded', 'broken', 'flaky', 'excepted']);
  const row = (name: string, of: readonly Tested[]) => {
    const well = (way: Way) => of.filter((one) => isWell(one[way])).length;
    const are = (difference: Difference) => of.filter((one) => one.difference === difference).length;
    line([name, of.length, ...ways.map(well), are('broken'), are('flaky'), are('excepted')]);
  };
  for (const group of new Set(all.map(({ group }) => group))) {
    row(
      group,
      all.filter((one) => one.group === group),
    );
  }
  row('all', all);
  const skipped = all.filter(({ empty }) => empty === 'skip').length;
  const byEmpty = all.filter(({ bare, empty }) => isWell(bare) && !isWell(empty)).length;
  console.log(`skipped by themselves: ${skipped}; fail with the empty preload, not bare: ${byEmpty}`);
  console.log(`the recorder: ${JSON.stringify(counters)}`);
  for (const difference of ['broken', 'passes-again', 'flaky', 'excepted'] as const) {
    for (const one of all.filter((each) => each.difference === difference)) {
      const { test, passed, reason } = one;
      const times = passed ? ` (empty ${passed.empty}/${passed.of}, recorded ${passed.recorded}/${passed.of})` : '';
      console.log(`${difference}: ${test}${times}${reason ? `: ${reason}` : ''}`);
    }
  }
}

function save(): void {
  const file = resolve(values.json ?? join(tmpdir(), `node-core-${version}.json`));
  const order = new Map(tests.map((test, i) => [test.name, i]));
  const sorted = [...tested.values()].sort((a, b) => order.get(a.test)! - order.get(b.test)!);
  writeFileSync(file, `${JSON.stringify({ node: version, folder, counters, tests: sorted }, null, 1)}\n`);
  console.log(`results: ${file}`);
}
