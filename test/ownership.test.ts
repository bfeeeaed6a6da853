// Each operation is put on the request and the function that asked for it, with real clients and servers, few
// connections and many requests at once (bench/attribution/run.ts; every payload carries its true owner).

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');

const pools = ['mysql2 pool.query', 'mysql2 getConnection', 'mysql pool', 'pg Pool parameters', 'redis 6 pool'];
const pipelines = ['ioredis pipeline', 'ioredis autopipelining', 'redis 6 client', 'memcached', 'memjs'];
const http = ['http Agent', 'fetch', 'undici Pool', 'grpc-js unary'];

const runs: Record<string, { clients: string[]; forms: string[] }> = {
  'an operation of a pool, a pipeline, HTTP or gRPC belongs to the request and function that asked': {
    clients: [...pools, ...pipelines, ...http],
    forms: ['sequence', 'parallel', 'callbacks'],
  },
  'so does one in a class, a generator, an event, a stream, a timer, and one that nobody waits for': {
    clients: ['mysql2 pool.query'],
    forms: ['classes', 'combined', 'iteration', 'events', 'timers', 'careless'],
  },
};

for (const [claim, { clients, forms }] of Object.entries(runs)) {
  test(claim, { timeout: 240_000 }, async () => {
    const args = ['--import', 'tsx', join(root, 'bench/attribution/run.ts'), '--requests', '40'];
    for (const form of forms) args.push('--form', form);
    for (const client of clients) args.push('--client', client);
    const { stdout, stderr } = await run(process.execPath, args, { cwd: root }).catch((error) => error);
    assert.match(stdout, /\nall right\n$/, stdout + stderr);
  });
}
