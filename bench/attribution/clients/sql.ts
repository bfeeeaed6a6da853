// MySQL and PostgreSQL clients. The statement, or its parameter, carries the owner.

import { once } from 'node:events';
import { type AskBack, load, loadOwn, patienceMs, promised, type Setups } from './client.ts';

const mariadb = ['mariadb'] as const;
const postgres = ['postgres'] as const;
const host = '127.0.0.1';
const mysqlUser = { host, user: 'root' };
const pgUser = { host, user: 'postgres' };
const nowhere = (tag: string) => `SELECT '${tag}' FROM nowhere`;

export const sql: Setups = {
  'mysql2 pool.query': {
    needs: mariadb,
    mends: true,
    callbacks: true,
    open({ mariadb: port }, connectionLimit) {
      const pool = load('mysql2').createPool({ ...mysqlUser, port, connectionLimit });
      const asked = pool.promise();
      return {
        ask: (tag) => asked.query(`SELECT '${tag}'`),
        askBack: (tag, done) => pool.query(`SELECT '${tag}'`, done),
        askWrong: (tag) => asked.query(nowhere(tag)),
        askLate: (tag) => asked.query({ sql: `SELECT SLEEP(0.02), '${tag}'`, timeout: patienceMs }),
        close: () => pool.end(),
      };
    },
  },
  'mysql2 pool.execute': {
    needs: mariadb,
    callbacks: true,
    open({ mariadb: port }, connectionLimit) {
      const pool = load('mysql2').createPool({ ...mysqlUser, port, connectionLimit });
      const asked = pool.promise();
      return {
        ask: (tag) => asked.execute('SELECT ?', [tag]),
        askBack: (tag, done) => pool.execute('SELECT ?', [tag], done),
        close: () => pool.end(),
      };
    },
  },
  'mysql2 getConnection': {
    needs: mariadb,
    operations: 3,
    open({ mariadb: port }, connectionLimit) {
      const pool = load('mysql2/promise').createPool({ ...mysqlUser, port, connectionLimit });
      return {
        async ask(tag) {
          const connection = await pool.getConnection();
          try {
            await connection.query(`BEGIN /* ${tag} */`);
            await connection.query(`SELECT '${tag}'`);
            await connection.query(`COMMIT /* ${tag} */`);
          } finally {
            connection.release();
          }
        },
        close: () => pool.end(),
      };
    },
  },
  'mysql2 connection': {
    needs: mariadb,
    callbacks: true,
    open({ mariadb: port }) {
      const one = load('mysql2').createConnection({ ...mysqlUser, port });
      const asked = one.promise();
      return {
        ask: (tag) => asked.query(`SELECT '${tag}'`),
        askBack: (tag, done) => one.query(`SELECT '${tag}'`, done),
        askWrong: (tag) => asked.query(nowhere(tag)),
        close: () => one.end(),
      };
    },
  },
  'mysql pool': {
    needs: mariadb,
    mends: true,
    callbacks: true,
    open({ mariadb: port }, connectionLimit) {
      const pool = load('mysql').createPool({ ...mysqlUser, port, connectionLimit });
      const askBack: AskBack = (tag, done) => pool.query(`SELECT '${tag}'`, done);
      return {
        askBack,
        ask: promised(askBack),
        askWrong: promised((tag, done) => pool.query(nowhere(tag), done)),
        askLate: promised((tag, done) =>
          pool.query({ sql: `SELECT SLEEP(0.02), '${tag}'`, timeout: patienceMs }, done),
        ),
        close: () => pool.end(),
      };
    },
  },
  mariadb: {
    needs: mariadb,
    own: true,
    open({ mariadb: port }, connectionLimit) {
      const pool = loadOwn('mariadb').createPool({ ...mysqlUser, port, connectionLimit });
      return {
        ask: (tag) => pool.query(`SELECT '${tag}'`),
        askWrong: (tag) => pool.query(nowhere(tag)),
        close: () => pool.end(),
      };
    },
  },
  'mariadb callback': {
    needs: mariadb,
    own: true,
    callbacks: true,
    open({ mariadb: port }, connectionLimit) {
      const pool = loadOwn('mariadb/callback').createPool({ ...mysqlUser, port, connectionLimit });
      const askBack: AskBack = (tag, done) => pool.query(`SELECT '${tag}'`, done);
      return { askBack, ask: promised(askBack), close: () => pool.end(() => {}) };
    },
  },
  'pg Pool': {
    needs: postgres,
    mends: true,
    callbacks: true,
    open({ postgres: port }, max) {
      const pool = new (load('pg').Pool)({ ...pgUser, port, max });
      pool.on('error', () => {});
      return {
        ask: (tag) => pool.query(`SELECT '${tag}'`),
        askLate: (tag) => pool.query({ text: `SELECT pg_sleep(0.02), '${tag}'`, query_timeout: patienceMs }),
        askBack: (tag, done) => pool.query(`SELECT '${tag}'`, done),
        askWrong: (tag) => pool.query(nowhere(tag)),
        close: () => pool.end(),
      };
    },
  },
  'pg Pool parameters': {
    needs: postgres,
    callbacks: true,
    open({ postgres: port }, max) {
      const pool = new (load('pg').Pool)({ ...pgUser, port, max });
      return {
        ask: (tag) => pool.query('SELECT $1::text', [tag]),
        askBack: (tag, done) => pool.query('SELECT $1::text', [tag], done),
        close: () => pool.end(),
      };
    },
  },
  'pg Pool connect': {
    needs: postgres,
    operations: 3,
    open({ postgres: port }, max) {
      const pool = new (load('pg').Pool)({ ...pgUser, port, max });
      return {
        async ask(tag) {
          const client = await pool.connect();
          try {
            await client.query(`BEGIN /* ${tag} */`);
            await client.query('SELECT $1::text', [tag]);
            await client.query(`COMMIT /* ${tag} */`);
          } finally {
            client.release();
          }
        },
        close: () => pool.end(),
      };
    },
  },
  'pg Client': {
    needs: postgres,
    callbacks: true,
    async open({ postgres: port }) {
      const one = new (load('pg').Client)({ ...pgUser, port });
      await one.connect();
      return {
        ask: (tag) => one.query(`SELECT '${tag}'`),
        askBack: (tag, done) => one.query(`SELECT '${tag}'`, done),
        askWrong: (tag) => one.query(nowhere(tag)),
        close: () => one.end(),
      };
    },
  },
  'pg cursor': {
    needs: postgres,
    own: true,
    open({ postgres: port }, max) {
      const Cursor = loadOwn('pg-cursor');
      const pool = new (load('pg').Pool)({ ...pgUser, port, max });
      return {
        async ask(tag) {
          const client = await pool.connect();
          try {
            const cursor = client.query(new Cursor('SELECT $1::text, n FROM generate_series(1, 5) AS n', [tag]));
            while ((await cursor.read(2)).length > 0);
            await cursor.close();
          } finally {
            client.release();
          }
        },
        close: () => pool.end(),
      };
    },
  },
  'pg COPY': {
    needs: postgres,
    own: true,
    open({ postgres: port }, max) {
      const copy = loadOwn('pg-copy-streams');
      const pool = new (load('pg').Pool)({ ...pgUser, port, max });
      return {
        async ask(tag) {
          const client = await pool.connect();
          try {
            const rows = client.query(copy.to(`COPY (SELECT '${tag}') TO STDOUT`)).resume();
            await once(rows, 'end');
          } finally {
            client.release();
          }
        },
        close: () => pool.end(),
      };
    },
  },
  'postgres.js': {
    needs: postgres,
    mends: true,
    own: true,
    open({ postgres: port }, max) {
      const ask = loadOwn('postgres')({ ...pgUser, port, max, fetch_types: false });
      return {
        ask: async (tag) => ask`SELECT ${tag}::text`,
        askWrong: async (tag) => ask.unsafe(nowhere(tag)),
        close: () => ask.end(),
      };
    },
  },
  'generic-pool of pg': {
    needs: postgres,
    own: true,
    open({ postgres: port }, max) {
      const { Client } = load('pg');
      const create = async () => {
        const client = new Client({ ...pgUser, port });
        await client.connect();
        return client;
      };
      type One = { query(text: string): Promise<unknown>; end(): Promise<void> };
      const pool = loadOwn('generic-pool').createPool({ create, destroy: (one: One) => one.end() }, { max });
      return {
        ask: (tag) => pool.use((one: One) => one.query(`SELECT '${tag}'`)),
        askWrong: (tag) => pool.use((one: One) => one.query(nowhere(tag))),
        close: () => pool.drain().then(() => pool.clear()),
      };
    },
  },
  knex: {
    needs: postgres,
    own: true,
    open({ postgres: port }, max) {
      const knex = loadOwn('knex')({ client: 'pg', connection: { ...pgUser, port }, pool: { min: 0, max } });
      return {
        ask: async (tag) => knex.raw('SELECT ?::text', [tag]),
        askWrong: async (tag) => knex.raw(nowhere(tag)),
        close: () => knex.destroy(),
      };
    },
  },
  'knex transaction': {
    needs: postgres,
    own: true,
    open({ postgres: port }, max) {
      const knex = loadOwn('knex')({ client: 'pg', connection: { ...pgUser, port }, pool: { min: 0, max } });
      type Transaction = { raw(text: string): Promise<unknown> };
      return {
        ask: (tag) => knex.transaction(async (one: Transaction) => one.raw(`SELECT '${tag}'`)),
        close: () => knex.destroy(),
      };
    },
  },
  sequelize: {
    needs: mariadb,
    own: true,
    open({ mariadb: port }, max) {
      const { Sequelize } = loadOwn('sequelize');
      const one = new Sequelize('', 'root', '', { dialect: 'mysql', host, port, logging: false, pool: { max } });
      return {
        ask: (tag) => one.query(`SELECT '${tag}'`),
        askWrong: (tag) => one.query(nowhere(tag)),
        close: () => one.close(),
      };
    },
  },
  typeorm: {
    needs: postgres,
    own: true,
    async open({ postgres: port }, max) {
      const { DataSource } = loadOwn('typeorm');
      const one = new DataSource({ type: 'postgres', host, port, username: 'postgres', extra: { max } });
      await one.initialize();
      return {
        ask: (tag) => one.query(`SELECT '${tag}'`),
        askWrong: (tag) => one.query(nowhere(tag)),
        close: () => one.destroy(),
      };
    },
  },
  drizzle: {
    needs: postgres,
    own: true,
    open({ postgres: port }, max) {
      const { drizzle } = loadOwn('drizzle-orm/node-postgres');
      const { sql: text } = loadOwn('drizzle-orm');
      const pool = new (load('pg').Pool)({ ...pgUser, port, max });
      const db = drizzle(pool);
      return {
        ask: async (tag) => db.execute(text`SELECT ${tag}::text`),
        askWrong: async (tag) => db.execute(text.raw(nowhere(tag))),
        close: () => pool.end(),
      };
    },
  },
};
