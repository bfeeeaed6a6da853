// Each operation is put on the request and the function that asked for it, with real clients and servers, few
// connections and many requests at once (bench/attribution/run.ts; every payload carries its true owner).

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');

const setUps = {
  'over HTTP': ['http Agent', 'fetch', 'axios', 'got'],
  'from a pool of MySQL connections': ['mysql2 pool', 'mysql2 execute', 'mysql pool'],
  'from a pool of PostgreSQL connections': ['pg Pool'],
  'in Redis pipelines': ['ioredis', 'redis'],
  'of memcached': ['memcached', 'memjs'],
};

for (const [what, clients] of Object.entries(setUps)) {
  test(`an operation ${what} belongs to the request and function that asked`, { timeout: 180_000 }, async () => {
    const args = ['--import', 'tsx', join(root, 'bench/attribution/run.ts'), '--requests', '100'];
    for (const form of ['sequence', 'parallel', 'callbacks']) args.push('--form', form);
    for (const client of clients) args.push('--client', client);
    const { stdout } = await run(process.execPath, args, { cwd: root }).catch((error) => error);
    assert.match(stdout, /\nall right\n$/, stdout);
  });
}
