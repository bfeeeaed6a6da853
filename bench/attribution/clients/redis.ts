// Redis and memcached clients. The key carries the owner.

import { type AskBack, load, loadOwn, promised, type Setups } from './client.ts';

const needs = ['redis'] as const;
const ioredis = () => {
  const Redis = load('ioredis');
  return Redis.default ?? Redis;
};
const wrongKind = 'WRONG';

/** node-redis of either major. */
const nodeRedis = (name: 'redis' | 'redis5'): Setups => {
  const own = name === 'redis5' ? ({ own: true } as const) : {};
  const from = name === 'redis5' ? loadOwn : load;
  const title = name === 'redis' ? 'redis 6' : 'redis 5';
  return {
    [`${title} client`]: {
      needs,
      mends: true,
      ...own,
      async open({ redis: port }) {
        const one = from(name).createClient({ url: `redis://127.0.0.1:${port}` });
        one.on('error', () => {});
        await one.connect();
        return {
          ask: (tag) => one.get(tag),
          askWrong: (tag) => one.sendCommand(['SETBIT', tag, wrongKind, '1']),
          close: () => one.destroy(),
        };
      },
    },
    [`${title} pool`]: {
      needs,
      ...own,
      async open({ redis: port }, maximum) {
        const pool = from(name).createClientPool({ url: `redis://127.0.0.1:${port}` }, { minimum: 1, maximum });
        await pool.connect();
        return {
          ask: (tag) => pool.get(tag),
          askWrong: (tag) => pool.sendCommand(['SETBIT', tag, wrongKind, '1']),
          close: () => pool.destroy(),
        };
      },
    },
    [`${title} MULTI`]: {
      needs,
      ...own,
      async open({ redis: port }) {
        const one = from(name).createClient({ url: `redis://127.0.0.1:${port}` });
        await one.connect();
        return { ask: (tag) => one.multi().get(tag).exec(), close: () => one.destroy() };
      },
    },
  };
};

export const redis: Setups = {
  ioredis: {
    needs,
    mends: true,
    callbacks: true,
    open({ redis: port }) {
      const redis = new (ioredis())({ port });
      redis.on('error', () => {});
      return {
        ask: (tag) => redis.get(tag),
        askBack: (tag, done) => redis.get(tag, done),
        askWrong: (tag) => redis.call('SETBIT', tag, wrongKind, '1'),
        close: () => redis.disconnect(),
      };
    },
  },
  'ioredis autopipelining': {
    needs,
    open({ redis: port }) {
      const redis = new (ioredis())({ port, enableAutoPipelining: true });
      return {
        ask: (tag) => redis.get(tag),
        askWrong: (tag) => redis.call('SETBIT', tag, wrongKind, '1'),
        close: () => redis.disconnect(),
      };
    },
  },
  'ioredis pipeline': {
    needs,
    callbacks: true,
    open({ redis: port }) {
      const redis = new (ioredis())({ port });
      return {
        ask: (tag) => redis.pipeline().get(tag).exec(),
        askBack: (tag, done) => redis.pipeline().get(tag).exec(done),
        close: () => redis.disconnect(),
      };
    },
  },
  'ioredis MULTI': {
    needs,
    open({ redis: port }) {
      const redis = new (ioredis())({ port });
      return { ask: (tag) => redis.multi().get(tag).exec(), close: () => redis.disconnect() };
    },
  },
  'ioredis cluster': {
    needs: ['cluster'],
    async open({ cluster: port }) {
      const redis = new (ioredis().Cluster)([{ host: '127.0.0.1', port }]);
      return { ask: (tag) => redis.get(tag), close: () => redis.disconnect() };
    },
  },
  ...nodeRedis('redis'),
  ...nodeRedis('redis5'),
  bullmq: {
    needs,
    own: true,
    async open({ redis: port }) {
      const queue = new (loadOwn('bullmq').Queue)('jobs', { connection: { port } });
      await queue.waitUntilReady();
      return { ask: (tag) => queue.add(tag, {}), close: () => queue.close() };
    },
  },
  memcached: {
    needs: ['memcached'],
    callbacks: true,
    open({ memcached: port }, poolSize) {
      const cache = new (load('memcached'))(`127.0.0.1:${port}`, { poolSize });
      const askBack: AskBack = (tag, done) => cache.get(tag, done);
      return { askBack, ask: promised(askBack), close: () => cache.end() };
    },
  },
  memjs: {
    needs: ['memcached'],
    callbacks: true,
    open({ memcached: port }) {
      const cache = load('memjs').Client.create(`127.0.0.1:${port}`);
      return {
        ask: (tag) => cache.get(tag),
        askBack: (tag, done) => cache.get(tag, done),
        close: () => cache.close(),
      };
    },
  },
};
