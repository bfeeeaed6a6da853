// The main job, as a newcomer runs it: the demo records both versions of the pinboard, the report names the planted
// faults, `whywait calls` answers, and the page shows what the API says of the same run.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../scripts/servers.ts';
import { startViewer, type Viewer } from '../src/collector/collector.ts';
import type { RunSummary, TraceList } from '../src/model/api.ts';
import type { FunctionReport, Report } from '../src/model/report.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
let dir: string;
let said: string;
let viewer: Viewer;
let browser: Browser;
let first: Report;
let mended: Report;

const requests = 60;
const warmUp = 50;

function run(program: string, args: string[], env: Record<string, string> = {}): Promise<{ out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const whole = { ...process.env, ...env };
    execFile(program, args, { cwd: root, env: whole, timeout: 150_000, maxBuffer: 2 ** 26 }, (error, out, err) => {
      if (error) reject(new Error(`${error.message}\n${out}\n${err}`));
      else resolve({ out, err });
    });
  });
}

const whywait = (...args: string[]) => run(process.execPath, ['bin/whywait.mjs', ...args, '--dir', dir]);

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'whywait-demo-'));
  const { err } = await run('npm', ['run', 'demo'], { DEMO_DIR: dir, REQUESTS: String(requests), COLUMNS: '100' });
  said = err;
  first = JSON.parse((await whywait('report', 'as-it-is', '--json')).out) as Report;
  mended = JSON.parse((await whywait('report', 'mended', '--json')).out) as Report;
  viewer = await startViewer({ root: dir, staticDir: join(root, 'dist/ui') });
  const args = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking';
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [...args.split(' '), '--disable-component-update', '--disable-sync'],
  });
});

after(async () => {
  await browser?.close();
  await viewer?.close();
  rmSync(dir, { recursive: true, force: true });
});

function functionOf(report: Report, name: string): FunctionReport {
  const row = report.functions.find((one) => one.function === name);
  assert.ok(row, `${name} is in the report`);
  return row;
}

test('the demo prints a report of each version', () => {
  assert.match(said, /loadHome {2}src\/home\.ts:14/);
  assert.match(said, /loadHome {2}fixed\/home\.ts:8/);
  assert.match(said, /as it is +p50 [\d.]+ ms, p95 [\d.]+ ms/);
});

test('every operation has an owner, and nothing was dropped', () => {
  for (const report of [first, mended]) {
    const { operations, unattributed, uncertain, unknownProtocol, dropped } = report.coverage;
    assert.ok(operations > requests, `${operations} operations`);
    assert.deepEqual(
      { unattributed, uncertain, unknownProtocol, dropped },
      { unattributed: 0, uncertain: 0, unknownProtocol: 0, dropped: 0 },
    );
  }
});

test('each function is called as often as the code says, on the services that the code names', () => {
  const pages = requests + warmUp;
  assert.equal(functionOf(first, 'loadHome').calls, pages);
  assert.equal(functionOf(first, 'loadPin').calls, pages * 20);
  const operations = (report: Report, name: string) =>
    functionOf(report, name).services.flatMap((one) =>
      one.operations.map(({ operation, calls }) => `${operation} × ${calls}`),
    );
  assert.deepEqual(operations(first, 'loadPin'), [`SELECT pins WHERE id = ? × ${pages * 20}`]);
  assert.deepEqual(operations(first, 'countFollowing'), [`SELECT follows WHERE follower = ? × ${pages}`]);
  assert.deepEqual(operations(first, 'fetchUser'), [`GET /users/:id × ${pages}`]);
  assert.deepEqual(operations(first, 'readUser').sort(), [`HGET user:? × ${pages}`, `INCR user:?:visits × ${pages}`]);
  assert.ok(!mended.functions.some((one) => one.function === 'loadPin'), 'the N+1 is gone');
});

test('both services are one trace', async () => {
  const { traces } = (await (
    await fetch(`${viewer.url}api/traces?run=${first.run.id}&function=loadHome&limit=3`)
  ).json()) as TraceList;
  for (const trace of traces) {
    assert.equal(trace.service, 'feed');
    // 20 pins, boards, ids, following, suggestions, cache, users' request on both sides, two Redis commands, frames.
    assert.ok(trace.spans >= 50, `${trace.spans} spans`);
  }
});

test('the planted faults are found, at their lines', () => {
  const source = readFileSync(join(root, 'examples/pinboard/src/home.ts'), 'utf8').split('\n');
  const { findings } = functionOf(first, 'loadHome');
  const nPlusOne = findings.find((one) => one.kind === 'n-plus-one');
  assert.match(source[Number(nPlusOne?.at.split(':')[1]) - 1] ?? '', /await loadPin\(/, `${nPlusOne?.at}`);
  assert.ok(
    findings.some((one) => one.kind === 'sequential'),
    'the calls one after another are found',
  );
  assert.ok(!functionOf(mended, 'loadHome').findings.some((one) => one.kind === 'n-plus-one'));
});

test('`whywait calls` says yes with counts, and no', async () => {
  const yes = await whywait('calls', 'loadHome', 'redis', '--run', 'as-it-is').catch((error: Error) => error.message);
  assert.match(
    typeof yes === 'string' ? yes : yes.out + yes.err,
    /no/i,
    'loadHome reaches Redis only through the users service',
  );
  const calls = await whywait('calls', 'loadHome', 'mysql', '--run', 'as-it-is');
  assert.match(calls.out, /yes/i);
  assert.match(calls.out, /loadPin/);
});

async function open(path: string, scheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: scheme });
  await page.goto(viewer.url + path);
  return page;
}

test('the page shows the functions of the run that was recorded', async () => {
  const { runs } = (await (await fetch(`${viewer.url}api/runs`)).json()) as { runs: RunSummary[] };
  assert.deepEqual(
    runs.map((one) => one.name),
    ['mended', 'as-it-is'],
  );
  const page = await open(`#/?run=${first.run.id}`);
  await page.waitForSelector('table.matrix');
  const text = (await page.textContent('table.matrix')) ?? '';
  for (const row of first.functions) assert.ok(text.includes(row.function), `${row.function} is shown`);
  await page.close();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`no view has a fault that axe-core finds (${scheme})`, async () => {
    const { traces } = (await (
      await fetch(`${viewer.url}api/traces?run=${first.run.id}&function=loadHome&limit=3`)
    ).json()) as TraceList;
    const views = {
      [`#/?run=${first.run.id}`]: 'table.matrix',
      [`#/function?name=loadHome&run=${first.run.id}`]: '.strip circle',
      [`#/trace/${traces[0]?.trace}?run=${first.run.id}`]: 'canvas[data-rows]',
    };
    const axe = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
    for (const [path, ready] of Object.entries(views)) {
      const page = await open(path, scheme);
      await page.waitForSelector(ready);
      await page.evaluate(axe);
      const faults = await page.evaluate(async () => {
        const { violations } = await (
          window as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
        ).axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
      });
      assert.deepEqual(faults, [], path);
      await page.close();
    }
  });
}
