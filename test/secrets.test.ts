// No secret that a program sends or receives is kept: real clients say seeded ones in every place that a protocol has
// (programs/secrets.mjs); then every byte that is left is searched: the run's directory, its tables (whose texts the
// file holds compressed), the report as JSON and as text, the cache and what is left of the private directory.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import pg from 'pg';
import {
  mongodbIsMissing,
  type Server,
  startMariadb,
  startMemcached,
  startMongodb,
  startMosquitto,
  startNats,
  startPostgres,
  startRabbitmq,
  startRedis,
} from '../scripts/servers.ts';
import type { Report } from '../src/model/report.ts';

const here = dirname(fileURLToPath(import.meta.url));
const hasMongodb = mongodbIsMissing() === '';
/** By the variable that tells the program its port. */
let servers: Record<string, Server> = {};
let dir: string;
/** What is left, by where: bytes as Latin-1, in lower case. */
const left = new Map<string, string>();
let report: Report;

/** Numbers of 0 … 2^32 − 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

const next = random(20261123);
const pick = (from: string): string => from.charAt(next() % from.length);
/** 'zovarilu': reads like a word, so that nothing but its place tells that it is none. */
const word = (): string =>
  `z${Array.from({ length: 5 }, () => pick('aeiou') + pick('bdfgklmnprstv')).join('')}${pick('aeiou')}`;
/** 'q7Xk…': letters of both cases and digits. */
const token = (): string =>
  `q7X${Array.from({ length: 21 }, () => pick('abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789')).join('')}`;

const words = [...new Set(Array.from({ length: 420 }, word))];
const tokens = Array.from({ length: 130 }, token);

const filesBelow = (place: string): string[] =>
  readdirSync(place, { recursive: true })
    .map((name) => join(place, String(name)))
    .filter((path) => statSync(path).isFile());

/** Where a text is found, with what stands around it. */
function found(text: string): string[] {
  const places: string[] = [];
  for (const form of [
    text,
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('base64').replace(/.?=*$/, ''),
  ])
    for (const [place, bytes] of left) {
      const at = bytes.indexOf(form.toLowerCase());
      if (at >= 0) places.push(`${place}: …${JSON.stringify(bytes.slice(Math.max(0, at - 60), at + 60))}…`);
    }
  return places;
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'whywait-secrets-'));
  const starting: Record<string, Promise<Server>> = {
    MYSQL: startMariadb(),
    POSTGRES: startPostgres(),
    REDIS: startRedis(),
    MEMCACHED: startMemcached(),
    RABBITMQ: startRabbitmq(),
    NATS: startNats(),
    MOSQUITTO: startMosquitto(),
    ...(hasMongodb ? { MONGODB: startMongodb() } : {}),
  };
  servers = Object.fromEntries(
    await Promise.all(Object.entries(starting).map(async ([name, server]) => [name, await server] as const)),
  );
  // Passwords are asked for, one of them in the clear.
  const { port } = servers['POSTGRES'];
  const db = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await db.connect();
  const { rows } = await db.query<{ hba_file: string }>('SHOW hba_file');
  const rules = ['postgres trust', 'plain_user password', 'all scram-sha-256'].map((rule) => {
    const [user, method] = rule.split(' ');
    return `SELECT 'host all ${user} 127.0.0.1/32 ${method}'`;
  });
  await db.query(`COPY (${rules.join(' UNION ALL ')}) TO '${rows[0]?.hba_file}'; SELECT pg_reload_conf()`);
  await db.end();
  await record();
});

after(async () => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
  rmSync(dir, { recursive: true, force: true });
});

async function record(): Promise<void> {
  const temporary = join(dir, 'tmp');
  const json = join(dir, 'report.json');
  mkdirSync(temporary);
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    TMPDIR: temporary,
    WHYWAIT_CACHE: join(dir, 'cache'),
    MONGODB_PORT: '',
    ...Object.fromEntries(Object.entries(servers).map(([name, { port }]) => [`${name}_PORT`, String(port)])),
    SECRETS: JSON.stringify({ words, tokens }),
  };
  const program = join(here, 'programs/secrets.mjs');
  const args = [join(here, '../bin/whywait.mjs'), 'run', '--dir', dir, '--json', json, '--', 'node', program];
  const said = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, args, { env, cwd: here, timeout: 120_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else if (stdout !== 'all said') reject(new Error(`not every secret was said: ${stdout}`));
      else resolve(stderr);
    });
  });
  left.set('what was printed', said);
  report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  for (const place of ['.whywait', 'cache', 'tmp'].map((name) => join(dir, name)).concat(json)) {
    for (const path of statSync(place).isFile() ? [place] : filesBelow(place))
      left.set(path.slice(dir.length + 1), readFileSync(path).toString('latin1'));
  }
  const file = filesBelow(join(dir, '.whywait')).find((path) => path.endsWith('.duckdb'));
  assert.ok(file, 'the run has a file');
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const tables = await connection.runAndReadAll('SELECT table_name FROM duckdb_tables()');
  for (const [table] of tables.getRows()) {
    const rows = await connection.runAndReadAll(`SELECT CAST(t AS VARCHAR) FROM ${String(table)} t`);
    left.set(`table ${String(table)}`, rows.getRows().flat().join('\n'));
  }
  connection.closeSync();
  instance.closeSync();
  for (const [place, bytes] of left) left.set(place, bytes.toLowerCase());
}

test('what is no secret is found, so the search can find', () => {
  const all = ['plantedtable', 'plantedkey:?', 'plantedcache:?', '/plantedpath/:id', '/plantedstream/:id'];
  all.push('plantedexchange plantedroute', 'plantedsubject.?', 'plantedtopic/?', '/plantedsocket/:id');
  if (hasMongodb) all.push('find plantedcollection {note: ?');
  for (const planted of all) {
    const places = found(planted);
    assert.ok(
      places.some((place) => place.startsWith('table texts')),
      `${planted} in the table: ${places.join('\n')}`,
    );
    assert.ok(
      places.some((place) => place.startsWith('report.json')),
      `${planted} in the report: ${places.join('\n')}`,
    );
  }
  assert.ok(found('secrets.mjs').some((place) => place.startsWith('what was printed')));
  assert.ok(
    found('speakMysql').some((place) => place.startsWith('cache')),
    'the cache is searched',
  );
});

test('every protocol was spoken, and its faults seen', () => {
  const protocols = ['mysql', 'postgresql', 'redis', 'memcached', 'http', 'grpc', 'unknown', 'amqp', 'nats', 'mqtt'];
  protocols.push('ws', ...(hasMongodb ? ['mongodb'] : []));
  for (const protocol of protocols) {
    const services = report.services.filter((service) => service.protocol === protocol);
    assert.ok(services.length > 0, `${protocol} was seen`);
    const errors = services.reduce((sum, service) => sum + service.errors, 0);
    if (!['unknown', 'memcached', 'mqtt', 'ws'].includes(protocol))
      assert.ok(errors > 0, `faults of ${protocol} were seen`);
  }
  assert.equal(report.coverage.dropped, 0);
  // Passwords that were refused, nonsense, doubles, errors of the program's own making.
  for (const code of ['1045', '28P01', 'WRONGPASS', '1064', '42601', '1062', '23505', '1644', 'P0001', 'NOT_FOUND'])
    assert.ok(left.get('table texts')?.includes(`'text': ${code.toLowerCase()}}`), `${code} was seen`);
});

test('no secret is kept', () => {
  const leaks = [...words, ...tokens].flatMap((secret) => found(secret).map((place) => `${secret} in ${place}`));
  assert.equal(leaks.length, 0, leaks.join('\n'));
});

test('the private directory is gone', () => {
  assert.deepEqual(filesBelow(join(dir, 'tmp')), []);
});
