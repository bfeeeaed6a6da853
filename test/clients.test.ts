// Unmodified client libraries against real servers, run under `whywait run`: every operation is seen, with the right
// service, operation, function and count; the sums equal the servers' own counters; no literal is kept.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { createClient } from 'redis';
import {
  freePort,
  mongodbIsMissing,
  opensslPath,
  type Server,
  startMariadb,
  startMemcached,
  startMongodb,
  startPostgres,
  startRedis,
} from '../scripts/servers.ts';
import type { Report } from '../src/model/report.ts';
import { callsOf, recordIn } from './clients-kit.ts';
import { askMemcached } from './memcached-stats.ts';

const here = dirname(fileURLToPath(import.meta.url));
const secrets = ['secret-literal', 'jane.doe', 'secret-value', 'secret-token'];

let mariadb: Server;
let postgres: Server;
let memcached: Server;
let redis: Server;
let web: HttpServer;
let safeWeb: HttpServer;
let grpcServer: grpc.Server;
let dir: string;
let env: NodeJS.ProcessEnv;
let asked = 0;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'whywait-clients-'));
  [mariadb, postgres, memcached, redis] = await Promise.all([
    startMariadb(),
    startPostgres(),
    startMemcached(),
    startRedis(),
  ]);
  await fill();
  const answer: RequestListener = (request, response) => {
    asked++;
    request.resume();
    if (request.url === '/missing') response.statusCode = 404;
    if (request.url === '/broken') response.statusCode = 503;
    response.setHeader('content-type', 'application/json');
    response.end('{"name":"secret-value"}');
  };
  web = createServer(answer).listen(0, '127.0.0.1');
  execFileSync(
    opensslPath(),
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-keyout',
      join(dir, 'key.pem'),
      '-out',
      join(dir, 'cert.pem'),
    ],
    { stdio: 'ignore' },
  );
  safeWeb = createHttpsServer(
    { key: readFileSync(join(dir, 'key.pem')), cert: readFileSync(join(dir, 'cert.pem')) },
    answer,
  );
  safeWeb.listen(0, '127.0.0.1');
  for (const server of [web, safeWeb]) if (!server.listening) await once(server, 'listening');
  const port = (server: HttpServer) => (server.address() as AddressInfo).port;
  grpcServer = new grpc.Server();
  const { pins } = grpc.loadPackageDefinition(loadSync(join(here, 'programs/pins.proto'))) as unknown as {
    pins: { Pins: grpc.ServiceClientConstructor };
  };
  grpcServer.addService(pins.Pins.service, {
    getPin(call: grpc.ServerUnaryCall<{ id: number }, object>, done: grpc.sendUnaryData<object>) {
      asked++;
      if (call.request.id === 0) done({ code: grpc.status.NOT_FOUND, message: 'secret-value' });
      else done(null, { id: call.request.id, title: 'secret-value' });
    },
  });
  const grpcPort = await new Promise<number>((resolve, reject) => {
    grpcServer.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  env = {
    ...process.env,
    MYSQL_PORT: String(mariadb.port),
    POSTGRES_PORT: String(postgres.port),
    MEMCACHED_PORT: String(memcached.port),
    REDIS_PORT: String(redis.port),
    HTTP_URL: `http://127.0.0.1:${port(web)}`,
    HTTPS_URL: `https://127.0.0.1:${port(safeWeb)}`,
    GRPC_ADDRESS: `127.0.0.1:${grpcPort}`,
    REFUSED_PORT: String(await freePort()),
  };
});

after(async () => {
  web?.close();
  safeWeb?.close();
  grpcServer?.forceShutdown();
  await Promise.all([mariadb, postgres, memcached, redis].map((server) => server?.stop()));
  rmSync(dir, { recursive: true, force: true });
});

async function fill(): Promise<void> {
  const db = await mysql.createConnection({
    host: '127.0.0.1',
    port: mariadb.port,
    user: 'root',
    database: 'pins',
    multipleStatements: true,
  });
  await db.query(`CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40)); CREATE TABLE pins (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT, title VARCHAR(80), KEY (user_id));
    INSERT INTO users SELECT seq, CONCAT('user ', seq) FROM seq_1_to_50; INSERT INTO pins (user_id, title) SELECT seq % 50, 'pin' FROM seq_1_to_500`);
  await db.end();
  const client = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'postgres' });
  await client.connect();
  await client.query(`CREATE EXTENSION pg_stat_statements; CREATE TABLE users (id INT PRIMARY KEY, name TEXT); CREATE TABLE pins (id SERIAL PRIMARY KEY, user_id INT, title TEXT);
    INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 50) n; INSERT INTO pins (user_id, title) SELECT n % 50, 'pin' FROM generate_series(1, 500) n`);
  await client.end();
}

const record = (program: string): Promise<Report> => recordIn(dir, env, program);

/** What the programs call another number of times than twenty. */
const timesCalled = new Map([
  ['listPins', 40],
  ['readFeed', 40],
  ['main', 1],
  ['fillPins', 1],
]);

function checkEverything(report: Report, program: string): void {
  const { coverage } = report;
  assert.equal(coverage.dropped, 0, 'nothing was dropped');
  assert.equal(coverage.unknownProtocol, 0, 'every protocol was known');
  assert.equal(coverage.unattributed, 0, 'every operation has an owner');
  assert.equal(coverage.uncertain, 0, 'no owner is uncertain');
  const source = readFileSync(join(here, 'programs', program), 'utf8').split('\n');
  for (const row of report.functions) {
    const begins = source.findIndex((line) => line.includes(`function ${row.function}(`)) + 1;
    if (begins > 0) {
      assert.equal(row.line, begins, `${row.function} begins on its line`);
      assert.equal(row.calls, timesCalled.get(row.function) ?? 20, `${row.function} was called so often`);
    }
    assert.match(
      row.file,
      new RegExp(`programs/${program.replace('.', '\\.')}$`),
      `${row.function} lies in the program`,
    );
    const { wall, accounts } = row;
    const sum = Object.values(accounts).reduce((a: number, b: number) => a + b, 0);
    assert.ok(
      Math.abs(sum - wall.totalMs) < 0.01,
      `${row.function}: accounts sum to its wall time (${sum}, ${wall.totalMs})`,
    );
  }
  for (const run of readdirSync(join(dir, '.whywait'))) {
    if (run.startsWith('.')) continue;
    for (const file of readdirSync(join(dir, '.whywait', run))) {
      const bytes = readFileSync(join(dir, '.whywait', run, file));
      for (const secret of secrets) assert.equal(bytes.indexOf(secret), -1, `${secret} is not in ${file}`);
    }
  }
}

const sum = (report: Report, protocol: string) =>
  report.services.filter((one) => one.protocol === protocol).reduce((total, one) => total + one.calls, 0);

/**
 * What MariaDB counted. `Questions` has statements and each connection's QUIT; prepared statements and pings it counts
 * elsewhere. Each connection that ends in order says QUIT once.
 */
async function mysqlQuestions(): Promise<number> {
  const db = await mysql.createConnection({ host: '127.0.0.1', port: mariadb.port, user: 'root' });
  const [rows] = await db.query<mysql.RowDataPacket[]>(
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Connections', 'Com_stmt_prepare', 'Com_admin_commands')",
  );
  await db.end();
  const value = (name: string) => Number(rows.find((row) => row['Variable_name'] === name)?.['Value']);
  return value('Questions') - value('Connections') + value('Com_stmt_prepare') + value('Com_admin_commands');
}

test('mysql2: pool, prepared statements, transactions, errors', async () => {
  const start = await mysqlQuestions();
  const report = await record('mysql2.mjs');
  const asked = (await mysqlQuestions()) - start - 1; // the SHOW itself
  assert.deepEqual(callsOf(report, 'readUser', 'mysql'), ['SELECT users WHERE id = ? × 20']);
  const pins = callsOf(report, 'listPins', 'mysql');
  assert.ok(pins.includes('SELECT pins WHERE user_id = ? × 40'), pins.join());
  assert.deepEqual(callsOf(report, 'addPin', 'mysql'), ['COMMIT × 20', 'INSERT pins × 20', 'START TRANSACTION × 20']);
  assert.deepEqual(callsOf(report, 'askWrongly', 'mysql'), ['SELECT nowhere × 20 (20 failed)']);
  assert.equal(sum(report, 'mysql'), asked, 'as many calls as MariaDB counted');
  checkEverything(report, 'mysql2.mjs');
});

test('mysql: callbacks', async () => {
  const start = await mysqlQuestions();
  const report = await record('mysql.cjs');
  const asked = (await mysqlQuestions()) - start - 1;
  assert.deepEqual(callsOf(report, 'readUser', 'mysql'), ['SELECT users WHERE id = ? × 20']);
  assert.deepEqual(callsOf(report, 'countPins', 'mysql'), ['SELECT pins WHERE user_id = ? × 20']);
  assert.equal(sum(report, 'mysql'), asked, 'as many calls as MariaDB counted');
  checkEverything(report, 'mysql.cjs');
});

test('pg: pool, client queue, transactions, errors', async () => {
  const client = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'postgres' });
  await client.connect();
  await client.query('SELECT pg_stat_statements_reset()');
  const report = await record('pg.mjs');
  const { rows } = await client.query(
    "SELECT SUM(calls)::int AS n FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'",
  );
  await client.end();
  assert.deepEqual(callsOf(report, 'readUser', 'postgresql'), ['SELECT users WHERE id = ? × 20']);
  assert.deepEqual(callsOf(report, 'countPins', 'postgresql'), ['SELECT pins × 20']);
  assert.deepEqual(callsOf(report, 'addPin', 'postgresql'), ['BEGIN × 20', 'COMMIT × 20', 'INSERT pins × 20']);
  assert.deepEqual(callsOf(report, 'askWrongly', 'postgresql'), ['SELECT nowhere × 20 (20 failed)']);
  // pg_stat_statements counts no statement that failed to parse.
  assert.equal(sum(report, 'postgresql') - 20, rows[0].n, 'as many calls as PostgreSQL counted');
  checkEverything(report, 'pg.mjs');
});

for (const [program, key] of [
  ['memjs.mjs', 'feed:?:?'],
  ['memcached.cjs', 'page:?'],
] as const) {
  test(`${program}: hits, misses, writes`, async () => {
    const start = await askMemcached(memcached.port);
    const report = await record(program);
    const end = await askMemcached(memcached.port);
    const reads = callsOf(report, 'readFeed', 'memcached');
    assert.equal(reads.length, 1, reads.join());
    assert.ok(reads[0]?.startsWith(`get ${key}`) && reads[0].endsWith('× 40'), reads.join());
    const writes = callsOf(report, 'writeFeed', 'memcached');
    assert.ok(writes[0]?.startsWith(`set ${key}`) && writes[0].endsWith('× 20'), writes.join());
    const counted = end.cmd_get + end.cmd_set - start.cmd_get - start.cmd_set;
    assert.equal(sum(report, 'memcached'), counted, 'as many calls as memcached counted');
    checkEverything(report, program);
  });
}

/** Commands that Redis counted, by name. */
async function redisCalls(): Promise<Map<string, number>> {
  const client = createClient({ socket: { host: '127.0.0.1', port: redis.port } });
  await client.connect();
  const info = await client.info('commandstats');
  await client.quit();
  return new Map([...info.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].map((match) => [match[1]!, Number(match[2])]));
}

// What clients say to open and close a connection, and what the count itself asks.
const opening = /^(hello|client|info|auth|select|quit|command|ping)/;

async function redisCounted(run: () => Promise<Report>): Promise<{ report: Report; counted: number }> {
  const start = await redisCalls();
  const report = await run();
  const end = await redisCalls();
  let counted = 0;
  for (const [name, calls] of end) if (!opening.test(name)) counted += calls - (start.get(name) ?? 0);
  return { report, counted };
}

const redisSum = (report: Report) =>
  report.functions
    .filter((row) =>
      ['readUser', 'countVisits', 'moveBoth', 'readAuto', 'saveBoth', 'askWrongly'].includes(row.function),
    )
    .reduce((total, row) => total + row.services.reduce((calls, one) => calls + one.calls, 0), 0);

test('ioredis: plain, pipeline, MULTI, automatic pipelining', async () => {
  const { report, counted } = await redisCounted(() => record('ioredis.mjs'));
  assert.deepEqual(
    callsOf(report, 'readUser', 'redis').map((one) => one.split(' ')[0]),
    ['GET'],
  );
  assert.ok(callsOf(report, 'readUser', 'redis')[0]?.endsWith('× 20'));
  assert.deepEqual(callsOf(report, 'countVisits', 'redis'), ['EXPIRE visits:? × 20', 'INCR visits:? × 20']);
  assert.deepEqual(callsOf(report, 'moveBoth', 'redis'), ['EXEC × 20', 'MULTI × 20', 'SET a:? × 20', 'SET b:? × 20']);
  assert.deepEqual(callsOf(report, 'readAuto', 'redis'), ['HGET profile:? × 20']);
  assert.equal(redisSum(report), counted, 'as many calls as Redis counted');
  checkEverything(report, 'ioredis.mjs');
});

test('redis: queue, MULTI, errors', async () => {
  const { report, counted } = await redisCounted(() => record('redis.mjs'));
  assert.deepEqual(callsOf(report, 'readUser', 'redis'), ['GET user:? × 20']);
  assert.deepEqual(callsOf(report, 'saveBoth', 'redis'), [
    'EXEC × 20',
    'EXPIRE c:? × 20',
    'MULTI × 20',
    'SET c:? × 20',
  ]);
  assert.deepEqual(callsOf(report, 'askWrongly', 'redis'), ['LPUSH c:? × 20 (20 failed)']);
  assert.equal(redisSum(report), counted, 'as many calls as Redis counted');
  checkEverything(report, 'redis.mjs');
});

async function webCounted(program: string): Promise<{ report: Report; counted: number }> {
  const start = asked;
  const report = await record(program);
  return { report, counted: asked - start };
}

for (const [program, expected] of Object.entries({
  'fetch.mjs': {
    readUser: ['GET /users/:id × 20'],
    saveUser: ['POST /users/:id × 20'],
    askMissing: ['GET /missing × 20 (20 failed)'],
  },
  'axios.cjs': { readUser: ['GET /users/:id × 20'], askMissing: ['GET /missing × 20 (20 failed)'] },
  'got.mjs': { readUser: ['GET /users/:id × 20'], askBroken: ['GET /broken × 20 (20 failed)'] },
  'http.cjs': { readUser: ['GET /users/:id × 20'], readSafely: ['GET /users/:id × 20'] },
})) {
  test(`${program}: every request, in the function that asked`, async () => {
    const { report, counted } = await webCounted(program);
    for (const [name, calls] of Object.entries(expected)) assert.deepEqual(callsOf(report, name, 'http'), calls, name);
    assert.equal(sum(report, 'http'), counted, 'as many calls as the server counted');
    checkEverything(report, program);
  });
}

const noMongodb = mongodbIsMissing();

test('mongodb: pool, cursors, writes, errors', { skip: noMongodb || false }, async () => {
  const mongodb = await startMongodb();
  const count = join(dir, 'mongodb.count');
  Object.assign(env, { MONGODB_URL: `mongodb://127.0.0.1:${mongodb.port}/`, MONGODB_COUNT: count });
  let report: Report;
  try {
    report = await record('mongodb.mjs');
  } finally {
    await mongodb.stop();
  }
  assert.deepEqual(callsOf(report, 'readPins', 'mongodb'), ['find pins {user_id: ?, title: ?} × 20']);
  assert.deepEqual(callsOf(report, 'readAll', 'mongodb'), ['find pins × 20', 'getMore pins × 40']);
  assert.deepEqual(callsOf(report, 'countByUser', 'mongodb'), ['aggregate pins [$match {user_id: ?}, $group] × 20']);
  assert.deepEqual(callsOf(report, 'renamePin', 'mongodb'), ['update pins {n: ?} × 20']);
  assert.deepEqual(callsOf(report, 'addTwice', 'mongodb'), ['insert pins × 20 (20 failed)']);
  assert.deepEqual(callsOf(report, 'askWrongly', 'mongodb'), ['nonsense × 20 (20 failed)']);
  assert.equal(sum(report, 'mongodb'), Number(readFileSync(count, 'utf8')), 'as many calls as the driver counted');
  checkEverything(report, 'mongodb.mjs');
});

test('@grpc/grpc-js: unary calls and their status', async () => {
  const { report, counted } = await webCounted('grpc.cjs');
  assert.deepEqual(callsOf(report, 'readPin', 'grpc'), ['pins.Pins/GetPin × 20']);
  assert.deepEqual(callsOf(report, 'askMissing', 'grpc'), ['pins.Pins/GetPin × 20 (20 failed)']);
  assert.equal(sum(report, 'grpc'), counted, 'as many calls as the service counted');
  checkEverything(report, 'grpc.cjs');
});
