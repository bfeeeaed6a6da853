// `npm run bench:overhead`: the CPU time that recording adds to a program, for an inbound request and for each Redis,
// memcached and MySQL operation: bare, whywait, OpenTelemetry's auto-instrumentations and dd-trace, side by side.
//
// One process of each kind runs the same server (app.cjs). The kinds take short turns, so that what changes on the
// machine meanwhile meets all of them; each round gives a CPU time a request from the process's own counter.
// Shown: the median of the rounds' differences from bare, and the quartiles. ROUNDS (9) and REQUESTS (300) set its length.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import mysql from 'mysql2/promise';
import { nodeBinary } from '../../scripts/nodes.ts';
import { freePort, startMariadb, startMemcached, startRedis } from '../../scripts/servers.ts';

const here = dirname(fileURLToPath(import.meta.url));
// dd-trace 6 needs Node 22 or later: NODE_MAJOR=24 unless told otherwise.
const node = nodeBinary(Number(process.env['NODE_MAJOR'] ?? 24));
const rounds = Number(process.env['ROUNDS'] ?? 9);
const requests = Number(process.env['REQUESTS'] ?? 300);
const routes = ['/plain', '/redis', '/memcached', '/mysql'] as const;
const kinds = ['bare', 'whywait', 'opentelemetry', 'dd-trace'] as const;
type Kind = (typeof kinds)[number];
type Route = (typeof routes)[number];

if (!existsSync(join(here, 'node_modules/dd-trace'))) {
  console.error('installing OpenTelemetry and dd-trace …');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--no-package-lock'], {
    cwd: here,
    stdio: 'inherit',
  });
}

// Where the peers send their spans: it takes everything and keeps nothing.
const sink = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  });
}).listen(0, '127.0.0.1');
if (!sink.listening) await once(sink, 'listening');
const sinkPort = (sink.address() as AddressInfo).port;

const [mariadb, memcached, redis] = await Promise.all([startMariadb(), startMemcached(), startRedis()]);
const db = await mysql.createConnection({
  host: '127.0.0.1',
  port: mariadb.port,
  user: 'root',
  database: 'pins',
  multipleStatements: true,
});
await db.query(
  "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40)); INSERT INTO users SELECT seq, 'someone' FROM seq_1_to_10",
);
await db.end();
const runDir = mkdtempSync(join(tmpdir(), 'whywait-overhead-'));

const app = join(here, 'app.cjs');
const commands: Record<Kind, { args: string[]; env: Record<string, string> }> = {
  bare: { args: [app], env: {} },
  whywait: { args: [join(here, '../../bin/whywait.mjs'), 'run', '--no-ui', '--dir', runDir, '--', node, app], env: {} },
  opentelemetry: {
    args: ['--require', join(here, 'node_modules/@opentelemetry/auto-instrumentations-node/dist/register.cjs'), app],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${sinkPort}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_SERVICE_NAME: 'app',
    },
  },
  'dd-trace': {
    args: ['--require', join(here, 'node_modules/dd-trace/init.js'), app],
    env: {
      DD_TRACE_AGENT_URL: `http://127.0.0.1:${sinkPort}`,
      DD_SERVICE: 'app',
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      DD_REMOTE_CONFIGURATION_ENABLED: 'false',
      DD_TRACE_STARTUP_LOGS: 'false',
      DD_RUNTIME_METRICS_ENABLED: 'false',
      DD_TRACE_SAMPLE_RATE: '1',
      DD_TRACE_RATE_LIMIT: '-1',
    },
  },
};

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(text) : reject(new Error(`${path}: ${answer.statusCode} ${text}`)),
      );
    }).on('error', reject);
  });
}

interface Running {
  readonly kind: Kind;
  readonly port: number;
  readonly child: ChildProcess;
}

async function start(kind: Kind): Promise<Running> {
  const port = await freePort();
  const { args, env } = commands[kind];
  const servers = { REDIS_PORT: redis.port, MEMCACHED_PORT: memcached.port, MYSQL_PORT: mariadb.port, APP_PORT: port };
  const strings = Object.fromEntries(Object.entries(servers).map(([name, value]) => [name, String(value)]));
  const child = spawn(node, args, {
    env: { ...process.env, ...strings, ...env },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  for (let attempt = 0; ; attempt++) {
    try {
      await ask(port, '/plain');
      return { kind, port, child };
    } catch (error) {
      if (attempt === 400 || child.exitCode !== null) throw new Error(`${kind} did not start: ${error}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const cpu = async (port: number) => JSON.parse(await ask(port, '/cpu')) as { us: number; rss: number };

/** Requests to one process before it is another's turn: a machine's slow moments are longer, and so meet all. */
const turn = 20;

/** CPU µs a request of the route for each process, in one round of turns. */
async function measure(running: readonly Running[], route: Route): Promise<number[]> {
  const us = running.map(() => 0);
  for (let asked = 0; asked < requests; asked += turn) {
    for (const [i, { port }] of running.entries()) {
      const before = await cpu(port);
      for (let n = asked; n < Math.min(requests, asked + turn); n++) await ask(port, route);
      us[i]! += (await cpu(port)).us - before.us;
    }
  }
  return us.map((sum) => sum / requests);
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
const spread = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  return { low: quantile(sorted, 0.25), mid: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
};

const running: Running[] = [];
try {
  for (const kind of kinds) running.push(await start(kind));
  const took = new Map<string, number[]>();
  for (let round = -4; round < rounds; round++) {
    process.stderr.write(`\rround ${Math.max(0, round + 1)} of ${rounds} `);
    for (const route of routes) {
      const us = await measure(running, route);
      if (round < 0) continue; // warm-up
      for (const [i, { kind }] of running.entries()) {
        const key = `${kind} ${route}`;
        took.set(key, [...(took.get(key) ?? []), us[i]!]);
      }
    }
  }
  process.stderr.write('\r');
  const added = (kind: Kind, route: Route): number[] => {
    const bare = took.get(`bare ${route}`) ?? [];
    return (took.get(`${kind} ${route}`) ?? []).map((us, round) => us - (bare[round] ?? Number.NaN));
  };
  // An operation's cost: what its route adds beyond the plain route, a tenth of it.
  const perOperation = (kind: Kind, route: Route) =>
    added(kind, route).map((us, round) => (us - (added(kind, '/plain')[round] ?? 0)) / 10);
  const figures: [string, (kind: Kind) => number[]][] = [
    ['inbound request', (kind) => added(kind, '/plain')],
    ['Redis operation', (kind) => perOperation(kind, '/redis')],
    ['memcached operation', (kind) => perOperation(kind, '/memcached')],
    ['MySQL operation', (kind) => perOperation(kind, '/mysql')],
  ];
  const peers = kinds.slice(1);
  const table = new Table({
    head: ['CPU added, µs: median (quartiles)', ...peers, 'whywait ÷ OpenTelemetry'],
    style: { head: [], border: [] },
  });
  for (const [name, of] of figures) {
    const cells = peers.map((kind) => {
      const { low, mid, high } = spread(of(kind));
      return `${mid.toFixed(1)} (${low.toFixed(1)}–${high.toFixed(1)})`;
    });
    table.push([name, ...cells, (spread(of('whywait')).mid / spread(of('opentelemetry')).mid).toFixed(2)]);
  }
  const rss = await Promise.all(running.map(async (one) => (await cpu(one.port)).rss / 2 ** 20));
  table.push([
    'resident memory added, MB',
    ...rss.slice(1).map((mb) => (mb - rss[0]!).toFixed(0)),
    ((rss[1]! - rss[0]!) / (rss[2]! - rss[0]!)).toFixed(2),
  ]);
  console.log(
    `${execFileSync(node, ['--version']).toString().trim()}, ${rounds} rounds of ${requests} requests a route`,
  );
  console.log(table.toString());
  const bare = routes.map((route) => `${route} ${spread(took.get(`bare ${route}`) ?? []).mid.toFixed(0)} µs`);
  console.log(`bare: CPU a request ${bare.join(', ')}`);
} finally {
  agent.destroy();
  await Promise.all(
    running.map(
      ({ child }) =>
        new Promise((resolve) => {
          if (child.exitCode !== null) return resolve(undefined);
          child.once('exit', resolve);
          return child.kill('SIGTERM');
        }),
    ),
  );
  await Promise.all([mariadb.stop(), memcached.stop(), redis.stop()]);
  sink.close();
  rmSync(runDir, { recursive: true, force: true });
}
