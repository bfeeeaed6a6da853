// Takes the pictures in docs/images from a recorded run of the demo:
//   node --import tsx test/page-pictures.ts <directory that holds .whywait/> <run's name or id>

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startViewer } from '../src/collector/collector.ts';
import type { RunSummary, TraceList } from '../src/model/api.ts';

const [root = 'examples/pinboard', name = 'as-it-is'] = process.argv.slice(2);
const here = fileURLToPath(new URL('..', import.meta.url));
const viewer = await startViewer({ root, staticDir: join(here, 'dist/ui') });
const ask = async <T>(path: string) => (await (await fetch(viewer.url + path)).json()) as T;

const { runs } = await ask<{ runs: RunSummary[] }>('api/runs');
const run = runs.find((r) => r.id === name || r.name === name);
if (!run) throw new Error(`no run is called ${name} in ${root}`);
const { traces } = await ask<TraceList>(`api/traces?run=${run.id}&function=loadHome&limit=9`);
const typical = traces[Math.floor(traces.length / 2)].trace;

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
const pictures = [
  { file: 'overview', hash: `#/?run=${run.id}`, wait: 'table.matrix', scheme: 'light' },
  { file: 'overview-dark', hash: `#/?run=${run.id}`, wait: 'table.matrix', scheme: 'dark' },
  { file: 'function', hash: `#/function?name=loadHome&run=${run.id}`, wait: '.strip circle', scheme: 'light' },
  { file: 'trace', hash: `#/trace/${typical}?run=${run.id}`, wait: 'canvas[data-rows]', scheme: 'light' },
  { file: 'trace-dark', hash: `#/trace/${typical}?run=${run.id}`, wait: 'canvas[data-rows]', scheme: 'dark' },
] as const;
for (const { file, hash, wait, scheme } of pictures) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 940 }, colorScheme: scheme });
  await page.goto(viewer.url + hash);
  await page.waitForSelector(wait);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.screenshot({ path: join(here, `docs/images/${file}.png`) });
  await page.close();
}
await browser.close();
await viewer.close();
