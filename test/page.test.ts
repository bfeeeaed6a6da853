// The page in a real Chromium over a real collector: is what is drawn what the API says?

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { chromiumPath } from '../scripts/servers.ts';
import { buildTree } from '../src/analysis/trace.ts';
import { type Collector, startCollector } from '../src/collector/collector.ts';
import { TestRecorder } from '../src/collector/testing.ts';
import type { TraceList } from '../src/model/api.ts';
import { decodeBatch } from '../src/model/batch.ts';
import { hex16 } from '../src/model/ids.ts';
import type { Report } from '../src/model/report.ts';
import { createRun } from '../src/store/runs.ts';
import { hello } from '../src/store/testkit.ts';
import type {} from '../src/ui/inspect.ts';
import {
  batchOf,
  emoji,
  type Facts,
  feedFunctions,
  home,
  hostile,
  huge,
  odd,
  paused,
  ping,
  usersFunctions,
} from './page-data.ts';

const origin = 1_700_000_000_000_000_000n;
const hugeCount = 100_000;

let dir: string;
let browser: Browser;
let collector: Collector;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'whywait-page-'));
  await build({
    configFile: new URL('../src/ui/vite.config.ts', import.meta.url).pathname,
    build: { outDir: join(dir, 'ui') },
    logLevel: 'error',
  });
  const args = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking';
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [...args.split(' '), '--disable-component-update', '--disable-sync'],
  });
  collector = await newCollector('pinboard');
  const feed: Facts[] = [odd(1), ping(1), huge(hugeCount), paused()];
  const users: Facts[] = [];
  for (let n = 1; n <= 40; n++) {
    const made = home(n, 0.6 + (n % 10) * 0.25);
    feed.push(made.feed);
    users.push(made.users);
  }
  await send(collector, 'feed', batchOf(1, origin, feed, feedFunctions));
  await send(collector, 'users', batchOf(1, origin, users, usersFunctions));
});

after(async () => {
  await browser?.close();
  await collector?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

async function newCollector(name: string): Promise<Collector> {
  const root = await mkdtemp(join(dir, 'run-'));
  const run = await createRun(root, { name, command: ['node', 'app.js'] });
  return startCollector({ root, run, ui: {}, staticDir: join(dir, 'ui') });
}

/** Sends one process's batch and waits until it is stored. */
async function send(to: Collector, service: string, batch: Uint8Array): Promise<void> {
  const said = hello(service, { service, pid: service === 'feed' ? 100 : 101, origin: String(origin) });
  const recorder = new TestRecorder(to.dir, said).hello();
  recorder.send(batch);
  await recorder.acked(1);
  await recorder.leave();
}

interface Visit {
  page: Page;
  /** Anything the browser complained about, Content-Security-Policy included. */
  complaints: string[];
  /** Origins that were asked. */
  origins: Set<string>;
}

async function visit(at: Collector, hash = '', options: Parameters<Browser['newPage']>[0] = {}): Promise<Visit> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  // The test runner's compiler wraps functions in this; those sent into the page need it there too.
  await page.addInitScript('globalThis.__name ??= (of) => of');
  await page.goto(`${at.url}${hash}`);
  return { page, complaints, origins };
}

const json = async <T>(path: string, at = collector): Promise<T> => (await fetch(at.url + path)).json() as Promise<T>;

/** The slowest home trace: all kinds of spans, over two processes. */
const slowest = async (): Promise<string> =>
  (await json<TraceList>('api/traces?request=GET%20%2Fhome%2F%3Aid')).traces[0].trace;

const openTrace = async (trace: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Visit> => {
  const visited = await visit(collector, `#/trace/${trace}`, options);
  await visited.page.waitForSelector('canvas[data-rows]');
  return visited;
};

/** After the next frame that the page draws. */
const drawn = (page: Page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(0)))));

test('every function and every service of the report is in the matrix, its square as large as its share', async () => {
  const report = await json<Report>('api/report');
  const { page, complaints, origins } = await visit(collector);
  await page.waitForSelector('table.matrix');
  const drawnRows = await page.$$eval('table.matrix tbody tr', (rows) =>
    rows.map((row) => ({
      name: (row as HTMLElement).dataset.row,
      cells: [...row.querySelectorAll<HTMLElement>('a.held')].map((cell) => {
        const [frame, square] = cell.querySelectorAll('rect');
        const area = (rect: Element) => Number(rect.getAttribute('width')) * Number(rect.getAttribute('height') ?? 0);
        return { service: cell.dataset.service, area: area(square) / Number(frame.getAttribute('width')) ** 2 };
      }),
    })),
  );
  assert.deepEqual(
    drawnRows.map(({ name }) => name),
    report.functions.map((f) => f.function),
  );
  for (const f of report.functions) {
    const row = drawnRows.find(({ name }) => name === f.function)!;
    assert.deepEqual(
      new Set(row.cells.map(({ service }) => service)),
      new Set(f.services.map(({ service }) => service)),
    );
    for (const s of f.services) {
      const { area } = row.cells.find(({ service }) => service === s.service)!;
      const share = s.waitMs / f.wall.totalMs;
      assert.ok(Math.abs(area - share) < 0.005, `${f.function} → ${s.service}: area ${area}, share ${share}`);
    }
  }
  assert.deepEqual(complaints, []);
  assert.deepEqual([...origins], [new URL(collector.url).origin]);
  await page.close();
});

test('an accounts bar fills its width, each part as wide as its share', async () => {
  const report = await json<Report>('api/report');
  const { page } = await visit(collector);
  const loadHome = report.functions.find((f) => f.function === 'loadHome')!;
  const bar = page.locator('tr[data-row="loadHome"] td.time .parts');
  const { whole, parts } = await bar.evaluate((element) => ({
    whole: element.getBoundingClientRect().width,
    parts: [...element.children].map((part) => [
      (part as HTMLElement).dataset.account,
      part.getBoundingClientRect().width,
    ]) as [string, number][],
  }));
  assert.ok(Math.abs(parts.reduce((sum, [, width]) => sum + width, 0) - whole) < 0.5);
  const { wall, accounts } = loadHome;
  for (const [name, ms] of [
    ['services', accounts.servicesMs],
    ['callees', accounts.calleesMs],
    ['own CPU', accounts.cpuMs],
  ] as const) {
    const [, width] = parts.find(([account]) => account === name)!;
    assert.ok(Math.abs(width / whole - ms / wall.totalMs) < 0.01, `${name} ${width / whole} ${ms / wall.totalMs}`);
  }
  await page.close();
});

test('the bars of a trace stand where its times say, in the colours of its phases', async () => {
  const trace = await slowest();
  const { tables, texts, firstText } = decodeBatch(
    new Uint8Array(await (await fetch(`${collector.url}api/trace?trace=${trace}`)).arrayBuffer()),
  );
  const process = new Uint32Array(tables.spans.span.length);
  const tree = buildTree({ spans: tables.spans, waits: tables.waits, process });
  const { page, complaints } = await openTrace(trace);
  await drawn(page);
  const { drawn: bars, geometry, extent } = await page.evaluate(() => window.whywait.trace!);
  assert.equal(bars.length, tree.order.length);
  const x = (ns: number) =>
    geometry.left + ((ns - extent[0]) / (extent[1] - extent[0])) * (geometry.right - geometry.left);
  for (const [k, i] of tree.order.entries()) {
    assert.equal(bars[k].span, hex16(tables.spans.span[i]));
    assert.ok(Math.abs(bars[k].x - x(tree.start[i])) < 0.01);
    assert.ok(Math.abs(bars[k].width - (x(tree.end[i]) - x(tree.start[i]))) < 0.01);
  }

  assert.deepEqual(complaints, []);
  const seen = await page.evaluate(
    (points) => {
      const canvas = document.querySelector('canvas')!;
      const pen = canvas.getContext('2d')!;
      const swatch = document.createElement('canvas').getContext('2d')!;
      const rgb = (name: string) => {
        swatch.fillStyle = getComputedStyle(canvas).getPropertyValue(name);
        swatch.fillRect(0, 0, 1, 1);
        return [...swatch.getImageData(0, 0, 1, 1).data].join();
      };
      return points.map(({ x, y, colour }) => ({
        colour,
        wanted: rgb(colour),
        is: [...pen.getImageData(Math.round(x * devicePixelRatio), Math.round(y * devicePixelRatio), 1, 1).data].join(),
      }));
    },
    [...tree.order].flatMap((i, k) => {
      const middle = bars[k].y + bars[k].height / 2;
      const { pool, dns, connect, tls, send, server, loop } = tables.spans;
      if (texts[tables.spans.operation[i] - firstText] !== 'GET /users/:id' || tables.spans.kind[i] !== 2) return [];
      const answerAt = tree.start[i] + pool[i] + dns[i] + connect[i] + tls[i] + send[i];
      return [
        { x: x(answerAt + server[i] / 2), y: middle, colour: '--server' },
        { x: x(tree.end[i] + loop[i] / 2), y: middle, colour: '--loop' },
        { x: x(tree.start[i] + pool[i] / 2), y: middle, colour: '--pool' },
      ];
    }),
  );
  assert.equal(seen.length, 3);
  for (const { colour, is, wanted } of seen) assert.equal(is, wanted, colour);
  await page.close();
});

test('the critical path is contiguous, sums to the trace, and is drawn under its spans', async () => {
  const { page } = await openTrace(await slowest());
  await drawn(page);
  const { criticalPath, extent, drawn: bars, geometry } = await page.evaluate(() => window.whywait.trace!);
  assert.equal(criticalPath[0].start, extent[0]);
  for (let k = 1; k < criticalPath.length; k++) assert.equal(criticalPath[k].start, criticalPath[k - 1].end);
  const widest = criticalPath.reduce((a, b) => (b.end - b.start > a.end - a.start ? b : a));
  const bar = bars.find(({ span }) => span === widest.span)!;
  const perNs = (geometry.right - geometry.left) / (extent[1] - extent[0]);
  const middle = geometry.left + ((widest.start + widest.end) / 2 - extent[0]) * perNs;
  const dark = await page.evaluate(
    ([x, y]) => [...document.querySelector('canvas')!.getContext('2d')!.getImageData(x, y, 1, 1).data].slice(0, 3),
    [Math.round(middle), Math.round(bar.y + bar.height + 2)],
  );
  assert.ok(Math.max(...dark) < 60, `the line under ${widest.operation} is ${dark}`);
  await page.close();
});

test('names are text, whatever they hold', async () => {
  const { page, complaints } = await visit(collector);
  await page.waitForSelector('table.matrix');
  const body = (await page.textContent('table.matrix'))!;
  assert.ok(body.includes(hostile));
  assert.ok(body.includes(emoji));
  assert.equal(await page.locator('img').count(), 0);
  await page.click(`tr[data-row="${quoted(hostile)}"] .function a`);
  await page.waitForSelector('h1');
  assert.equal(await page.textContent('h1'), hostile);
  await page.click('table.traces a');
  await page.waitForSelector('canvas[data-rows]');
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.waitForSelector('table.spans');
  assert.ok((await page.textContent('table.spans'))!.includes(`get ${hostile}`));
  assert.equal(await page.locator('img').count(), 0);
  assert.ok(!(await page.title()).includes('hacked'));
  assert.deepEqual(complaints, []);
  await page.close();
});

/** A text within double quotes in a selector. */
const quoted = (text: string) => text.replace(/["\\]/g, '\\$&');

test('the keyboard walks the matrix and opens what it stands on; back returns', async () => {
  const { page } = await visit(collector);
  await page.focus('tr[data-row="loadHome"] a.held');
  const first = await page.evaluate(() => (document.activeElement as HTMLElement).dataset.service);
  assert.match((await page.textContent('[role=tooltip]'))!, /of its wall time/);
  await page.keyboard.press('ArrowRight');
  const second = await page.evaluate(() => (document.activeElement as HTMLElement).dataset.service);
  assert.notEqual(first, second);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash.startsWith('#/function'));
  const { name, service } = await page.evaluate(() => window.whywait.route as { name: string; service: string });
  assert.deepEqual([name, service], ['loadHome', second]);
  await page.goBack();
  await page.waitForSelector('table.matrix');
  await page.goForward();
  await page.waitForSelector('table.services');
  await page.close();
});

test('the keyboard chooses, folds, zooms and pans a trace, and the address tells what is shown', async () => {
  const { page } = await openTrace(await slowest());
  const state = () => page.evaluate(() => window.whywait.trace!);
  await page.focus('.waterfall');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const chosen = (await state()).selected;
  assert.equal(chosen, (await state()).drawn[1].span);
  assert.match((await page.textContent('.details'))!, /loadHome/);
  const { rows, extent } = await state();
  await page.keyboard.press('Enter');
  assert.equal((await state()).rows, 2);
  await page.keyboard.press('Enter');
  assert.equal((await state()).rows, rows);
  await page.keyboard.press('+');
  const [from, to] = (await state()).window;
  assert.ok(Math.abs((to - from) * 1.5 - (extent[1] - extent[0])) < 2);
  await page.keyboard.press('ArrowRight');
  assert.ok((await state()).window[0] > from);
  await page.waitForFunction(
    (span) => location.hash.includes(`span=${span}`) && location.hash.includes('window='),
    chosen,
  );
  const address = page.url();
  const shown = (await state()).window;
  const again = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await again.goto(address);
  await again.waitForSelector('canvas[data-rows]');
  const seen = await again.evaluate(() => window.whywait.trace!);
  assert.equal(seen.selected, chosen);
  assert.deepEqual(seen.window.map(Math.round), shown.map(Math.round));
  await again.close();
  await page.focus('.waterfall');
  await page.keyboard.press('0');
  assert.deepEqual((await state()).window, extent);
  await page.close();
});

test('wheel with Ctrl zooms where the pointer is, dragging pans, dragging the axis chooses a window', async () => {
  const { page } = await openTrace(await slowest());
  const state = () => page.evaluate(() => window.whywait.trace!);
  const box = (await page.locator('canvas').boundingBox())!;
  const { geometry, extent } = await state();
  const perPixel = (extent[1] - extent[0]) / (geometry.right - geometry.left);
  const at = geometry.left + 300;
  await page.mouse.move(box.x + at, box.y + 100);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -200);
  await page.keyboard.up('Control');
  await page.waitForFunction(
    (whole) => window.whywait.trace!.window[1] - window.whywait.trace!.window[0] < whole,
    extent[1] - extent[0],
  );
  const zoomed = (await state()).window;
  const under = zoomed[0] + (300 / (geometry.right - geometry.left)) * (zoomed[1] - zoomed[0]);
  assert.ok(Math.abs(under - (extent[0] + 300 * perPixel)) < perPixel * 2, 'the time under the pointer stays');
  await page.mouse.down();
  await page.mouse.move(box.x + at - 80, box.y + 100, { steps: 4 });
  await page.mouse.up();
  assert.ok((await state()).window[0] > zoomed[0]);
  await page.focus('.waterfall');
  await page.keyboard.press('0');
  await page.mouse.move(box.x + geometry.left + 100, box.y + 12);
  await page.mouse.down();
  await page.mouse.move(box.x + geometry.left + 300, box.y + 12, { steps: 4 });
  await page.mouse.up();
  const [from, to] = (await state()).window;
  assert.ok(Math.abs(from - (extent[0] + 100 * perPixel)) < perPixel * 2);
  assert.ok(Math.abs(to - (extent[0] + 300 * perPixel)) < perPixel * 2);
  await page.close();
});

test('a trace of 100,000 spans is all there, and only the rows in view are drawn', async () => {
  const { traces } = await json<TraceList>('api/traces?request=POST%20%2Fimport');
  const { page, complaints } = await openTrace(traces[0].trace);
  const first = await page.evaluate(() => window.whywait.trace!);
  assert.equal(first.spans, hugeCount);
  assert.equal(first.rows, hugeCount);
  assert.ok(first.drawn.length < 60, `${first.drawn.length} rows drawn`);
  await page.focus('.waterfall');
  await page.keyboard.press('End');
  await page.waitForFunction((count) => window.whywait.trace!.drawn.at(-1)?.row === count - 1, hugeCount);
  const last = await page.evaluate(() => window.whywait.trace!.drawn.at(-1)!);
  assert.equal(last.operation, 'COMMIT');
  const box = (await page.locator('.waterfall').boundingBox())!;
  assert.ok(last.y + last.height < box.height, 'the last row is in view');
  await page.fill('input[type=search]', 'commit');
  await page.waitForSelector('text=1 found');
  assert.deepEqual(complaints, []);
  await page.close();
});

test('where the event loop was held and garbage collected there are bands, which say by whom', async () => {
  const { traces } = await json<TraceList>('api/traces?request=GET%20%2Fheld');
  const { page, complaints } = await openTrace(traces[0].trace);
  await drawn(page);
  const { drawn: bars, geometry, extent } = await page.evaluate(() => window.whywait.trace!);
  const x = (ms: number) => geometry.left + ((ms * 1e6) / (extent[1] - extent[0])) * (geometry.right - geometry.left);
  // In the second row, above its bar.
  const y = Math.round(bars[1].y) - 3;
  const inks = await page.evaluate(
    (places) => {
      const canvas = document.querySelector('canvas')!;
      const pen = canvas.getContext('2d')!;
      // In one piece: the browser complains of many readings.
      const { data } = pen.getImageData(0, places[0].y, canvas.width, 1);
      return places.map(({ from, to }) => {
        const counts = new Map<string, number>();
        for (let i = 4 * from; i < 4 * to; i += 4) {
          const colour = data.subarray(i, i + 3).join();
          counts.set(colour, (counts.get(colour) ?? 0) + 1);
        }
        // The commonest first: a line of the axis may pass.
        return [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
      });
    },
    [
      { from: Math.round(x(11)), to: Math.round(x(19)), y },
      { from: Math.round(x(22)), to: Math.round(x(38)), y },
      { from: Math.round(x(72)), to: Math.round(x(78)), y },
    ],
  );
  const [bare, held, hatched] = inks;
  assert.ok(held.length <= 3 && held[0] !== bare[0], 'a tint where the loop was held');
  assert.ok(hatched.length > 2, 'a hatch where garbage was collected');
  const box = (await page.locator('canvas').boundingBox())!;
  await page.mouse.move(box.x + x(40), box.y + y);
  await page.waitForSelector('.tip');
  assert.match((await page.textContent('.tip'))!, /event loop held40.0\sms, by countLikes src\/likes\.ts:8/);
  await page.mouse.move(box.x + x(75), box.y + y);
  await page.waitForSelector('.tip:has-text("garbage collection, major")');
  assert.match(
    (await page.textContent('.pauses'))!,
    /event loop held 1\stime, 40.0\sms; 1\sgarbage collection, 10.0\sms/,
  );
  assert.deepEqual(complaints, []);
  await page.close();
  const overview = await visit(collector);
  assert.match((await overview.page.textContent('#pauses'))!, /1\sgarbage collection: 10.0\sms in all/);
  await overview.page.close();
});

test('what was left out under a budget is told', async () => {
  const limited = await newCollector('limited');
  const counts = {
    'budget.requests.seen': 1200,
    'budget.requests.recorded': 100,
    'budget.own': 18e6,
    'budget.cpu': 1e9,
  };
  await send(limited, 'feed', batchOf(1, origin, [ping(1)], feedFunctions, counts));
  const { page, complaints } = await visit(limited);
  assert.match(
    (await page.textContent('#sampling'))!,
    /took 100 of 1,200\srequests; counts are by weight. It took 1.8\s?% of the CPU time/,
  );
  assert.deepEqual(complaints, []);
  await page.close();
  await limited.close();
  const { page: other } = await visit(collector);
  await other.waitForSelector('#coverage');
  assert.equal(await other.locator('#sampling').count(), 0);
  await other.close();
});

test('a trace of one span is drawn', async () => {
  const { traces } = await json<TraceList>('api/traces?request=GET%20%2Fping');
  const { page, complaints } = await openTrace(traces[0].trace);
  const { drawn: bars, geometry } = await page.evaluate(() => window.whywait.trace!);
  assert.equal(bars.length, 1);
  assert.ok(Math.abs(bars[0].width - (geometry.right - geometry.left)) < 1);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('what is recorded while one looks appears in place, and the end is told', async () => {
  const live = await newCollector('live');
  try {
    const { page, complaints } = await visit(live);
    await page.waitForSelector('text=No function has waited for a service yet.');
    const one = home(1, 1);
    await send(live, 'feed', batchOf(1, origin, [one.feed], feedFunctions));
    await page.waitForSelector('tr[data-row="loadHome"]');
    await page.focus('tr[data-row="loadHome"] .function a');
    await page.evaluate(() => {
      document.querySelector<HTMLElement>('tr[data-row="loadHome"]')!.dataset.mark = 'same';
    });
    const two = home(2, 1);
    const recorder = new TestRecorder(
      live.dir,
      hello('again', { service: 'feed', pid: 102, origin: String(origin) }),
    ).hello();
    recorder.send(batchOf(1, origin, [two.feed], feedFunctions));
    await recorder.acked(1);
    await page.waitForFunction(
      () => window.whywait.report?.functions.find((f) => f.function === 'loadHome')?.calls === 2,
    );
    assert.equal(
      await page.getAttribute('tr[data-row="loadHome"]', 'data-mark'),
      'same',
      'the row is kept, not redrawn',
    );
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'loadHome', 'focus stays');
    await recorder.leave();
    await live.finish(0);
    await page.waitForSelector('[data-live=ended]');
    assert.deepEqual(complaints, []);
    await page.close();
  } finally {
    await live.close();
  }
});

test('a collector that went away is told, and what was read stays', async () => {
  const leaving = await newCollector('leaving');
  const one = home(1, 1);
  await send(leaving, 'feed', batchOf(1, origin, [one.feed], feedFunctions));
  const { page } = await visit(leaving);
  await page.waitForSelector('tr[data-row="loadHome"]');
  await leaving.close();
  await page.waitForSelector('[data-live=lost]');
  await page.click('tr[data-row="loadHome"] .function a');
  await page.waitForSelector('[data-problem=gone]');
  assert.equal(await page.textContent('h1'), 'loadHome');
  await page.close();
});

test('a run or a trace that is not there is told as such', async () => {
  for (const hash of ['#/?run=nope', `#/trace/${'ab'.repeat(16)}`]) {
    const { page } = await visit(collector, hash);
    await page.waitForSelector('[data-problem=missing]');
    await page.close();
  }
});

test('no view is wider than a screen of 360 pixels', async () => {
  const trace = await slowest();
  for (const hash of [
    '',
    '#/function?name=loadHome',
    '#/request?name=GET+%2Fhome%2F%3Aid',
    `#/trace/${trace}`,
    `#/trace/${trace}?form=table`,
  ]) {
    const { page } = await visit(collector, hash, { viewport: { width: 360, height: 740 } });
    await page.waitForSelector('table, canvas[data-rows]');
    await drawn(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${hash || 'overview'} is ${width} wide`);
    await page.close();
  }
});

test('on a dense screen the canvas has as many pixels as the screen, and follows its size', async () => {
  const { page } = await openTrace(await slowest(), { deviceScaleFactor: 2 });
  const ratio = () => page.$eval('canvas', (canvas) => canvas.width / canvas.getBoundingClientRect().width);
  assert.equal(await ratio(), 2);
  const before = await page.$eval('canvas', (canvas) => canvas.width);
  await page.setViewportSize({ width: 900, height: 700 });
  await page.waitForFunction((width) => document.querySelector('canvas')!.width < width, before);
  assert.ok(Math.abs((await ratio()) - 2) < 0.01);
  await page.close();
});
