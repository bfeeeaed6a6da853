// The client set-ups of the attribution bench: each with few connections, so that requests must queue.

import { createRequire } from 'node:module';
import { join } from 'node:path';

export type Ask = (tag: string) => Promise<unknown>;
export type AskBack = (tag: string, done: (error: Error | null, answer?: unknown) => void) => void;
export interface Client {
  ask: Ask;
  askBack?: AskBack;
  close?: () => unknown;
}
export interface Ports {
  http: number;
  redis: number;
  memcached: number;
  mariadb: number;
  postgres: number;
}

const load = createRequire(join(process.env['BENCH_DIR'] ?? process.cwd(), 'x.cjs'));
const size = 5;

/** What a callback function is as a promise, for clients that have only that. */
const promised =
  (askBack: AskBack): Ask =>
  (tag) =>
    new Promise((resolve, reject) => askBack(tag, (error, answer) => (error ? reject(error) : resolve(answer))));

export const clients: Record<string, (ports: Ports) => Client | Promise<Client>> = {
  'http Agent': ({ http: port }) => {
    const http = load('node:http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: size });
    const askBack: AskBack = (tag, done) => {
      http
        .get({ port, path: `/${tag}`, agent }, (answer: import('node:http').IncomingMessage) => {
          answer.resume();
          answer.on('end', () => done(null));
          answer.on('error', done);
        })
        .on('error', done);
    };
    return { askBack, ask: promised(askBack), close: () => agent.destroy() };
  },
  fetch: ({ http }) => ({
    ask: async (tag) => (await fetch(`http://127.0.0.1:${http}/${tag}`)).text(),
  }),
  axios: ({ http: port }) => {
    const axios = load('axios');
    const { Agent } = load('node:http');
    const one = axios.create({ httpAgent: new Agent({ keepAlive: true, maxSockets: size }), proxy: false });
    return { ask: async (tag) => (await one.get(`http://127.0.0.1:${port}/${tag}`)).data };
  },
  got: async ({ http: port }) => {
    const { default: got } = await import(load.resolve('got'));
    const { Agent } = load('node:http');
    const agent = { http: new Agent({ keepAlive: true, maxSockets: size }) };
    return { ask: async (tag) => (await got(`http://127.0.0.1:${port}/${tag}`, { agent })).body };
  },
  'mysql2 pool': ({ mariadb: port }) => {
    const mysql = load('mysql2');
    const pool = mysql.createPool({ host: '127.0.0.1', port, user: 'root', connectionLimit: size });
    const asked = pool.promise();
    return {
      ask: (tag) => asked.query(`SELECT '${tag}'`),
      askBack: (tag, done) => pool.query(`SELECT '${tag}'`, done),
      close: () => pool.end(),
    };
  },
  'mysql2 execute': ({ mariadb: port }) => {
    const mysql = load('mysql2');
    const pool = mysql.createPool({ host: '127.0.0.1', port, user: 'root', connectionLimit: size });
    const asked = pool.promise();
    return {
      ask: (tag) => asked.execute('SELECT ?', [tag]),
      askBack: (tag, done) => pool.execute('SELECT ?', [tag], done),
      close: () => pool.end(),
    };
  },
  'mysql2 connection': ({ mariadb: port }) => {
    const mysql = load('mysql2');
    const one = mysql.createConnection({ host: '127.0.0.1', port, user: 'root' });
    const asked = one.promise();
    return {
      ask: (tag) => asked.query(`SELECT '${tag}'`),
      askBack: (tag, done) => one.query(`SELECT '${tag}'`, done),
      close: () => one.end(),
    };
  },
  'mysql pool': ({ mariadb: port }) => {
    const mysql = load('mysql');
    const pool = mysql.createPool({ host: '127.0.0.1', port, user: 'root', connectionLimit: size });
    const askBack: AskBack = (tag, done) => pool.query(`SELECT '${tag}'`, done);
    return { askBack, ask: promised(askBack), close: () => pool.end() };
  },
  'pg Pool': ({ postgres: port }) => {
    const pg = load('pg');
    const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', max: size });
    return {
      ask: (tag) => pool.query(`SELECT '${tag}'`),
      askBack: (tag, done) => pool.query(`SELECT '${tag}'`, done),
      close: () => pool.end(),
    };
  },
  'pg Pool checkout': ({ postgres: port }) => {
    const pg = load('pg');
    const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', max: size });
    return {
      ask: async (tag) => {
        const client = await pool.connect();
        try {
          return await client.query('SELECT $1::text', [tag]);
        } finally {
          client.release();
        }
      },
      close: () => pool.end(),
    };
  },
  'pg Client': async ({ postgres: port }) => {
    const pg = load('pg');
    const one = new pg.Client({ host: '127.0.0.1', port, user: 'postgres' });
    await one.connect();
    return {
      ask: (tag) => one.query(`SELECT '${tag}'`),
      askBack: (tag, done) => one.query(`SELECT '${tag}'`, done),
      close: () => one.end(),
    };
  },
  ioredis: ({ redis: port }) => {
    const Redis = load('ioredis');
    const redis = new (Redis.default ?? Redis)({ port });
    return {
      ask: (tag) => redis.get(tag),
      askBack: (tag, done) => redis.get(tag, done),
      close: () => redis.disconnect(),
    };
  },
  'ioredis autopipelining': ({ redis: port }) => {
    const Redis = load('ioredis');
    const redis = new (Redis.default ?? Redis)({ port, enableAutoPipelining: true });
    return { ask: (tag) => redis.get(tag), close: () => redis.disconnect() };
  },
  'ioredis pipeline': ({ redis: port }) => {
    const Redis = load('ioredis');
    const redis = new (Redis.default ?? Redis)({ port });
    return { ask: (tag) => redis.pipeline().get(tag).exec(), close: () => redis.disconnect() };
  },
  redis: async ({ redis: port }) => {
    const { createClient } = load('redis');
    const one = createClient({ url: `redis://127.0.0.1:${port}` });
    await one.connect();
    return { ask: (tag) => one.get(tag), close: () => one.destroy() };
  },
  'redis pool': async ({ redis: port }) => {
    const { createClientPool } = load('redis');
    const pool = createClientPool({ url: `redis://127.0.0.1:${port}` }, { minimum: 1, maximum: size });
    await pool.connect();
    return { ask: (tag) => pool.get(tag), close: () => pool.destroy() };
  },
  memcached: ({ memcached: port }) => {
    const Memcached = load('memcached');
    const cache = new Memcached(`127.0.0.1:${port}`, { poolSize: size });
    const askBack: AskBack = (tag, done) => cache.get(tag, done);
    return { askBack, ask: promised(askBack), close: () => cache.end() };
  },
  memjs: ({ memcached: port }) => {
    const memjs = load('memjs');
    const cache = memjs.Client.create(`127.0.0.1:${port}`);
    return {
      ask: (tag) => cache.get(tag),
      askBack: (tag, done) => cache.get(tag, done),
      close: () => cache.close(),
    };
  },
};
