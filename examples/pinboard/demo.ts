// `npm run demo`: starts the servers, runs the pinboard under whywait as it is, then with its faults mended, opens the
// same home pages on both, and ends with the reports and what the change brought.

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Load, openHomes } from './load.ts';
import { startStack } from './stack.ts';

const here = dirname(fileURLToPath(import.meta.url));
const whywait = join(here, '../../bin/whywait.mjs');
const requests = Number(process.env['REQUESTS'] ?? 400);
const atOnce = Number(process.env['AT_ONCE'] ?? 4);
/** Where `.whywait` is kept. */
const dir = process.env['DEMO_DIR'] ?? join(here, '../..');

/** Runs a version of the pinboard under whywait while home pages are opened; resolves when its report is printed. */
async function record(name: string, version: readonly string[], env: Record<string, string>): Promise<Load> {
  // Not by `npm start`: a SIGTERM sent to npm alone ends its shell and leaves the program behind, with or without us.
  const args = [
    whywait,
    'run',
    '--name',
    name,
    '--dir',
    dir,
    '--no-ui',
    '--',
    'node',
    '--import',
    'tsx',
    'src/start.ts',
    ...version,
  ];
  const whole = { ...process.env, ...env };
  const child = spawn(process.execPath, args, { cwd: here, stdio: ['ignore', 'pipe', 'inherit'], env: whole });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('pinboard at')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the pinboard ended with ${code} before it served`)));
  });
  const url = `http://127.0.0.1:${env['FEED_PORT']}`;
  await openHomes(url, 50, atOnce); // connections and compiled code warm
  const load = await openHomes(url, requests, atOnce);
  child.kill('SIGTERM');
  await ended;
  return load;
}

console.error('starting MariaDB, memcached and Redis …');
const stack = await startStack();
try {
  console.error('\n1. the pinboard as it is\n');
  const first = await record('as-it-is', [], stack.env);
  console.error('\n2. the pinboard with its three faults mended\n');
  const second = await record('mended', ['fixed'], stack.env);
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  console.error(`\n${requests} home pages, ${atOnce} at a time, as their visitors saw them:`);
  console.error(`  as it is   p50 ${ms(first.p50Ms)}, p95 ${ms(first.p95Ms)}`);
  console.error(`  mended     p50 ${ms(second.p50Ms)}, p95 ${ms(second.p95Ms)}`);
  console.error('\nto look closer: npx whywait view as-it-is');
} finally {
  await stack.stop();
}
