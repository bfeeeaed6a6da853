// `npm run bench:overhead`: what recording adds to a program, beside what OpenTelemetry's auto-instrumentations and
// dd-trace add: CPU for an inbound request and for each operation on a service, what is left of the throughput of a
// loaded server, resident memory, and bytes allocated.
//
// One process of each kind runs the same server (app.cjs). The kinds take short turns, so that what changes on the
// machine meanwhile meets all of them; each round gives a CPU time a request from the process's own counter.
// Shown: the median of the rounds' differences from bare (throughput: ratios to bare), and the quartiles.
//
// `loaded`: 16 requests at once, as a server in need of its CPU has them. `alone`: one request after another, where
// each finds the processor's caches cold and whom it writes to asleep; waking them is most of what is measured.
//
//   ROUNDS=9 REQUESTS=300     the length
//   NODE_MAJOR=24             dd-trace 6 needs Node 22 or later: on 20 it is left out
//   KINDS=bare,whywait        which programs
//   OTHER=/a/checkout,/b      whywait of other checkouts beside it, each called by its directory's name
//   ROUTES=redis,mysql        which routes beside the plain one
//   SECTIONS=loaded,alone,allocation

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { nodeBinary } from '../../scripts/nodes.ts';
import { freePort, startMariadb, startMemcached, startPostgres, startRedis } from '../../scripts/servers.ts';

const here = dirname(fileURLToPath(import.meta.url));
const major = Number(process.env['NODE_MAJOR'] ?? 24);
const node = nodeBinary(major);
const rounds = Number(process.env['ROUNDS'] ?? 9);
const requests = Number(process.env['REQUESTS'] ?? 300);
const others = new Map((process.env['OTHER'] ?? '').split(',').map((path) => [basename(path), path] as const));

const operations = {
  '/redis': 'Redis command',
  '/memcached': 'memcached command',
  '/mysql': 'MySQL query',
  '/postgresql': 'PostgreSQL query',
  '/http': 'HTTP call, agent',
  '/fetch': 'HTTP call, fetch',
} as const;
type Route = '/plain' | keyof typeof operations;
const allKinds = ['bare', 'whywait', 'opentelemetry', 'dd-trace'] as const;
type Kind = string;

/** The names in an environment's list; `all` without one. */
function chosen<T extends string>(name: string, all: readonly T[], prefix = ''): T[] {
  const value = process.env[name];
  return value === undefined ? [...all] : all.filter((one) => value.split(',').includes(one.slice(prefix.length)));
}

const sections = chosen('SECTIONS', ['loaded', 'alone', 'allocation'] as const);
const asked = chosen('ROUTES', Object.keys(operations) as (keyof typeof operations)[], '/');
const routes: Route[] = ['/plain', ...asked];
const kinds: Kind[] = chosen('KINDS', allKinds).filter((kind) => kind !== 'dd-trace' || major >= 22);
for (const name of others.keys()) if (name !== '') kinds.push(name);

if (!existsSync(join(here, 'node_modules/dd-trace'))) {
  console.error('installing OpenTelemetry and dd-trace …');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--no-package-lock'], {
    cwd: here,
    stdio: 'inherit',
  });
}

/** Answers every request with the same; where the peers send their spans, and what the routes call. */
async function answering(text: string) {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(text);
    });
  }).listen(0, '127.0.0.1');
  server.keepAliveTimeout = 60_000;
  if (!server.listening) await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, stop: () => server.close() };
}

const sink = await answering('{}');
const backend = await answering('{"name":"someone"}');
const [mariadb, memcached, redis, postgres] = await Promise.all([
  startMariadb(),
  startMemcached(),
  startRedis(),
  startPostgres(),
]);
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
const pgDb = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'postgres' });
await pgDb.connect();
await pgDb.query(
  "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40)); INSERT INTO users SELECT n, 'someone' FROM generate_series(1, 10) n",
);
await pgDb.end();
const runDir = mkdtempSync(join(tmpdir(), 'whywait-overhead-'));

const app = join(here, 'app.cjs');
const recorded = (checkout: string, flags: readonly string[]) => ({
  args: [join(checkout, 'bin/whywait.mjs'), 'run', '--no-ui', '--dir', runDir, '--', node, ...flags, app],
  env: {},
});

function commandOf(kind: Kind, flags: readonly string[]): { args: string[]; env: Record<string, string> } {
  switch (kind) {
    case 'bare':
      return { args: [...flags, app], env: {} };
    case 'whywait':
      return recorded(join(here, '../..'), flags);
    case 'opentelemetry':
      return {
        args: [
          ...flags,
          '--require',
          join(here, 'node_modules/@opentelemetry/auto-instrumentations-node/dist/register.cjs'),
          app,
        ],
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${sink.port}`,
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
          OTEL_METRICS_EXPORTER: 'none',
          OTEL_LOGS_EXPORTER: 'none',
          OTEL_SERVICE_NAME: 'app',
        },
      };
    case 'dd-trace':
      return {
        args: [...flags, '--require', join(here, 'node_modules/dd-trace/init.js'), app],
        env: {
          DD_TRACE_AGENT_URL: `http://127.0.0.1:${sink.port}`,
          DD_SERVICE: 'app',
          DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
          DD_REMOTE_CONFIGURATION_ENABLED: 'false',
          DD_TRACE_STARTUP_LOGS: 'false',
          DD_RUNTIME_METRICS_ENABLED: 'false',
          DD_TRACE_SAMPLE_RATE: '1',
          DD_TRACE_RATE_LIMIT: '-1',
        },
      };
    default:
      return recorded(others.get(kind)!, flags);
  }
}

const agent = new Agent({ keepAlive: true });

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

async function start(kind: Kind, flags: readonly string[]): Promise<Running> {
  const port = await freePort();
  const { args, env } = commandOf(kind, flags);
  const ports = {
    REDIS_PORT: redis.port,
    MEMCACHED_PORT: memcached.port,
    MYSQL_PORT: mariadb.port,
    POSTGRESQL_PORT: postgres.port,
    HTTP_PORT: backend.port,
    APP_PORT: port,
  };
  const strings = Object.fromEntries(Object.entries(ports).map(([name, value]) => [name, String(value)]));
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

function stop({ child }: Running): Promise<unknown> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve(undefined);
    child.once('exit', resolve);
    return child.kill('SIGTERM');
  });
}

/** Runs `use` beside one process of each kind. */
async function beside(which: readonly Kind[], flags: readonly string[], use: (running: Running[]) => Promise<void>) {
  const running: Running[] = [];
  try {
    for (const kind of which) running.push(await start(kind, flags));
    await use(running);
  } finally {
    await Promise.all(running.map(stop));
  }
}

const told = async <T>(port: number, path: string) => JSON.parse(await ask(port, path)) as T;
const cpu = (port: number) => told<{ us: number; user: number; rss: number }>(port, '/cpu');

/** Requests to one process before it is another's turn: a machine's slow moments are longer, and so meet all. */
const turn = 20;

interface Taken {
  /** CPU µs a request, of the process. */
  readonly us: number;
  /** Of these, in user mode. */
  readonly user: number;
  /** Requests a second. */
  readonly rate: number;
}

/** What a request of the route takes in each process, `atOnce` asked at a time, in one round of turns. */
async function measure(running: readonly Running[], route: Route, atOnce: number): Promise<Taken[]> {
  const sums = running.map(() => ({ us: 0, user: 0, ms: 0 }));
  const perTurn = turn * (atOnce > 1 ? 10 : 1);
  const turns = Math.ceil((requests * (atOnce > 1 ? 2 : 1)) / perTurn);
  for (let n = 0; n < turns; n++) {
    for (const [i, { port }] of running.entries()) {
      const before = await cpu(port);
      const from = performance.now();
      let left = perTurn;
      const client = async () => {
        while (left-- > 0) await ask(port, route);
      };
      await Promise.all(Array.from({ length: atOnce }, client));
      sums[i]!.ms += performance.now() - from;
      const after = await cpu(port);
      sums[i]!.us += after.us - before.us;
      sums[i]!.user += after.user - before.user;
    }
  }
  const count = turns * perTurn;
  return sums.map(({ us, user, ms }) => ({ us: us / count, user: user / count, rate: (count / ms) * 1000 }));
}

/** Bytes that one request of the route allocates on the JavaScript heap, garbage collection left out. */
async function allocated(port: number, route: Route): Promise<number> {
  interface Heap {
    readonly used: number;
    readonly collections: number;
  }
  for (;;) {
    await ask(port, '/collect');
    await ask(port, '/heap');
    const before = await told<Heap>(port, '/heap');
    for (let n = 0; n < turn; n++) await ask(port, route);
    const after = await told<Heap>(port, '/heap');
    if (after.collections === before.collections) return (after.used - before.used) / turn;
  }
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
const spread = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  return { low: quantile(sorted, 0.25), mid: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
};
const cell = (values: readonly number[], digits: number) => {
  const { low, mid, high } = spread(values);
  return `${mid.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
};

/** What was measured, by kind and route, a value a round. */
class Rounds {
  private readonly values = new Map<string, number[]>();

  add(running: readonly Running[], route: Route, values: readonly number[]): void {
    for (const [i, { kind }] of running.entries()) this.of(kind, route).push(values[i]!);
  }

  of(kind: Kind, route: Route): number[] {
    const key = `${kind} ${route}`;
    const known = this.values.get(key) ?? [];
    this.values.set(key, known);
    return known;
  }

  /** Over bare. */
  added(kind: Kind, route: Route): number[] {
    const bare = this.of('bare', route);
    return this.of(kind, route).map((value, round) => value - (bare[round] ?? Number.NaN));
  }

  /** An operation's: what its route adds beyond the plain route, a tenth of it. */
  perOperation(kind: Kind, route: Route): number[] {
    const plain = this.added(kind, '/plain');
    return this.added(kind, route).map((value, round) => (value - (plain[round] ?? Number.NaN)) / 10);
  }

  ratios(kind: Kind, route: Route): number[] {
    const bare = this.of('bare', route);
    return this.of(kind, route).map((value, round) => value / (bare[round] ?? Number.NaN));
  }
}

const peers = kinds.filter((kind) => kind !== 'bare');
const tableOf = (what: string, columns: readonly string[]) =>
  new Table({ head: [what, ...columns], style: { head: [], border: [] } });

async function measureCpu(running: readonly Running[], atOnce: number): Promise<void> {
  const took = new Rounds();
  const inUser = new Rounds();
  const rates = new Rounds();
  for (let round = -4; round < rounds; round++) {
    process.stderr.write(`\r${atOnce} at once: round ${Math.max(0, round + 1)} of ${rounds} `);
    for (const route of routes) {
      const taken = await measure(running, route, atOnce);
      if (round < 0) continue; // warm-up
      took.add(
        running,
        route,
        taken.map(({ us }) => us),
      );
      inUser.add(
        running,
        route,
        taken.map(({ user }) => user),
      );
      rates.add(
        running,
        route,
        taken.map(({ rate }) => rate),
      );
    }
  }
  process.stderr.write('\r');
  const compares = peers.includes('whywait') && peers.includes('opentelemetry');
  const ratio = (of: (kind: Kind) => number) => (compares ? [(of('whywait') / of('opentelemetry')).toFixed(2)] : []);
  const head = atOnce > 1 ? `${atOnce} requests at once` : 'one request after another';
  const table = tableOf(`${head}, added over bare: median (quartiles)`, [
    ...peers,
    ...(compares ? ['whywait ÷ OpenTelemetry'] : []),
  ]);
  const row = (name: string, of: (kind: Kind) => number[]) =>
    table.push([name, ...peers.map((kind) => cell(of(kind), 1)), ...ratio((kind) => spread(of(kind)).mid)]);
  row('inbound request, CPU µs', (kind) => took.added(kind, '/plain'));
  row('  of these in user mode', (kind) => inUser.added(kind, '/plain'));
  for (const route of asked) {
    row(`${operations[route]}, CPU µs`, (kind) => took.perOperation(kind, route));
    row('  of these in user mode', (kind) => inUser.perOperation(kind, route));
  }
  const rss = new Map<Kind, number>();
  for (const { kind, port } of running) rss.set(kind, (await cpu(port)).rss / 2 ** 20);
  const memory = (kind: Kind) => rss.get(kind)! - rss.get('bare')!;
  table.push(['resident memory, MB', ...peers.map((kind) => memory(kind).toFixed(0)), ...ratio(memory)]);
  console.log(table.toString());
  const bare = routes.map((route) => `${route} ${spread(took.of('bare', route)).mid.toFixed(0)} µs`);
  console.log(`bare: CPU a request ${bare.join(', ')}; resident ${rss.get('bare')!.toFixed(0)} MB`);
  if (atOnce === 1) return;
  const throughput = tableOf(`throughput ÷ bare, ${atOnce} requests at once: median (quartiles)`, peers);
  for (const route of asked)
    throughput.push([`10 × ${operations[route]}`, ...peers.map((kind) => cell(rates.ratios(kind, route), 2))]);
  console.log(throughput.toString());
  const perSecond = asked.map((route) => `${route} ${spread(rates.of('bare', route)).mid.toFixed(0)}`);
  console.log(`bare: requests a second ${perSecond.join(', ')}`);
}

async function measureAllocation(running: readonly Running[]): Promise<void> {
  const bytes = new Rounds();
  for (let round = -15; round < rounds; round++) {
    process.stderr.write(`\rallocation: round ${Math.max(0, round + 1)} of ${rounds} `);
    for (const route of routes) {
      const each: number[] = [];
      for (const { port } of running) each.push(await allocated(port, route));
      if (round >= 0) bytes.add(running, route, each);
    }
  }
  process.stderr.write('\r');
  const table = tableOf('JavaScript heap allocated, bytes: median (quartiles)', [
    'bare',
    ...peers.map((kind) => `${kind}, added`),
  ]);
  table.push([
    'inbound request',
    cell(bytes.of('bare', '/plain'), 0),
    ...peers.map((kind) => cell(bytes.added(kind, '/plain'), 0)),
  ]);
  for (const route of asked) {
    const plain = bytes.of('bare', '/plain');
    const bare = bytes.of('bare', route).map((value, round) => (value - (plain[round] ?? Number.NaN)) / 10);
    table.push([operations[route], cell(bare, 0), ...peers.map((kind) => cell(bytes.perOperation(kind, route), 0))]);
  }
  console.log(table.toString());
}

try {
  console.log(
    `${execFileSync(node, ['--version']).toString().trim()}, ${rounds} rounds of ${requests} requests a route`,
  );
  await beside(kinds, [], async (running) => {
    if (sections.includes('alone')) await measureCpu(running, 1);
    if (sections.includes('loaded')) await measureCpu(running, 16);
  });
  const roomy = ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256'];
  if (sections.includes('allocation')) await beside(kinds, roomy, measureAllocation);
} finally {
  agent.destroy();
  await Promise.all([mariadb.stop(), memcached.stop(), redis.stop(), postgres.stop()]);
  sink.stop();
  backend.stop();
  rmSync(runDir, { recursive: true, force: true });
}
