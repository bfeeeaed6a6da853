// How often is an operation put on the right request and the right function? Real clients and servers, few
// connections, many requests at once, every payload carrying its true owner.
//   node --import tsx bench/attribution/run.ts [--client <text>]… [--node <path>]… [--requests 500] [--once 50]

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { startMariadb, startMemcached, startPostgres, startRedis } from '../../scripts/servers.ts';
import { clients } from './clients.ts';

const { values } = parseArgs({
  options: {
    client: { type: 'string', multiple: true },
    form: { type: 'string', multiple: true },
    node: { type: 'string', multiple: true },
    requests: { type: 'string', default: '500' },
    once: { type: 'string', default: '50' },
    verbose: { type: 'boolean', default: false },
  },
});

const names = Object.keys(clients).filter(
  (name) => !values.client || values.client.some((text) => name.includes(text)),
);
const wants = (word: string) => names.some((name) => word.split(' ').some((part) => name.includes(part)));
const dir = mkdtempSync(join(tmpdir(), 'whywait-attribution-'));
await build({
  entryPoints: [join(import.meta.dirname, 'program.ts')],
  outfile: join(dir, 'program.cjs'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['got'],
});

const http = createServer((request, response) => {
  request.resume();
  setTimeout(() => response.end('ok'), 1);
});
http.keepAliveTimeout = 60_000;
await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
const none = { port: 0, stop: async () => {} };
const redis = wants('redis') ? await startRedis() : none;
const memcached = wants('memcached memjs') ? await startMemcached() : none;
const mariadb = wants('mysql') ? await startMariadb() : none;
const postgres = wants('pg') ? await startPostgres() : none;
const ports = {
  http: (http.address() as AddressInfo).port,
  redis: redis.port,
  memcached: memcached.port,
  mariadb: mariadb.port,
  postgres: postgres.port,
};

interface Result {
  total: number;
  expected: number;
  rootRight?: number;
  rootWrong?: number;
  functionRight?: number;
  functionWrong?: number;
  perSecond: number;
  samples: string[];
  errors: string[];
}

function one(node: string, client: string, form: string): Promise<Result | string> {
  const child = spawn(
    node,
    [
      '--stack-trace-limit=30',
      join(dir, 'program.cjs'),
      client,
      form,
      values.requests,
      values.once,
      JSON.stringify(ports),
    ],
    {
      env: {
        ...process.env,
        BENCH_DIR: import.meta.dirname,
        NODE_PATH: join(import.meta.dirname, '../../node_modules'),
      },
      timeout: 60_000,
    },
  );
  let out = '';
  let said = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) =>
    child.on('close', () => {
      try {
        resolve(JSON.parse(out));
      } catch {
        resolve(said.slice(0, 2000) || out || 'no answer');
      }
    }),
  );
}

const percent = (part = 0, whole: number) => (whole === 0 ? '–' : ((100 * part) / whole).toFixed(2)).padStart(7);

let bad = 0;
for (const node of values.node ?? [process.execPath]) {
  console.log(`\n${node}\n${'client'.padEnd(24)}${'form'.padEnd(12)}   seen  root%  wrong  func%  wrong  op/s`);
  for (const name of names) {
    for (const form of values.form ?? ['sequence', 'parallel', 'callbacks', 'careless']) {
      const hasCallbacks = (await clients[name]!.toString()).includes('askBack');
      if (form === 'callbacks' && !hasCallbacks) continue;
      const result = await one(node, name, form);
      if (typeof result === 'string') {
        bad++;
        console.log(`${name.padEnd(24)}${form.padEnd(12)} ${result}`);
        continue;
      }
      const { total, expected, rootRight, rootWrong = 0, functionRight, functionWrong = 0, perSecond } = result;
      console.log(
        `${name.padEnd(24)}${form.padEnd(12)}${percent(total, expected)}${percent(rootRight, total)}${String(rootWrong).padStart(6)}` +
          `${percent(functionRight, total)}${String(functionWrong).padStart(6)}${String(perSecond).padStart(7)}`,
      );
      const functionMark =
        form === 'careless' || ((functionRight ?? 0) >= total * 0.99 && functionWrong <= total * 0.002);
      if (
        rootWrong > (form === 'careless' ? total * 0.01 : 0) ||
        total < expected ||
        (rootRight ?? 0) < total * (form === 'careless' ? 0.7 : 0.999) ||
        !functionMark
      )
        bad++;
      if (values.verbose) console.log(JSON.stringify(result));
    }
  }
}

http.close();
http.closeAllConnections();
await Promise.all([redis.stop(), memcached.stop(), mariadb.stop(), postgres.stop()]);
rmSync(dir, { recursive: true, force: true });
console.log(bad === 0 ? '\nall right' : `\n${bad} set-ups below the mark`);
process.exitCode = bad === 0 ? 0 : 1;
