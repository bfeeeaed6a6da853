// Each operation is put on the request and the function that asked for it, with real clients and servers, few
// connections and many requests at once (bench/attribution/run.ts; every payload carries its true owner).

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');

const setUps: Record<string, { clients: string[]; forms?: string[] }> = {
  'over HTTP': { clients: ['http Agent', 'fetch', 'undici Pool'] },
  'from a pool of MySQL connections': { clients: ['mysql2 pool', 'mysql2 getConnection', 'mysql pool'] },
  'from a pool of PostgreSQL connections': { clients: ['pg Pool parameters', 'pg Pool connect'] },
  'in Redis pipelines': { clients: ['ioredis pipeline', 'ioredis autopipelining', 'redis 6 client', 'redis 6 pool'] },
  'of memcached': { clients: ['memcached', 'memjs'] },
  'over gRPC': { clients: ['grpc'] },
  'in every shape of code': {
    clients: ['mysql2 pool.query'],
    forms: ['classes', 'combined', 'iteration', 'events', 'timers'],
  },
  'that nobody waits for': { clients: ['mysql2 pool.query', 'ioredis auto', 'memcached'], forms: ['careless'] },
};

for (const [what, { clients, forms = ['sequence', 'parallel', 'callbacks'] }] of Object.entries(setUps)) {
  test(`an operation ${what} belongs to the request and function that asked`, { timeout: 180_000 }, async () => {
    const args = ['--import', 'tsx', join(root, 'bench/attribution/run.ts'), '--requests', '50'];
    for (const form of forms) args.push('--form', form);
    for (const client of clients) args.push('--client', client);
    const { stdout } = await run(process.execPath, args, { cwd: root }).catch((error) => error);
    assert.match(stdout, /\nall right\n$/, stdout);
  });
}
