// HTTP clients. The path carries the owner; the server answers after a millisecond.

import type { IncomingMessage } from 'node:http';
import { type Readable, Writable } from 'node:stream';
import { type AskBack, load, loadOwn, patienceMs, promised, type Setups } from './client.ts';

const needs = ['http'] as const;
const host = '127.0.0.1';

const agentOf = (size: number) => new (load('node:http').Agent)({ keepAlive: true, maxSockets: size });

export const http: Setups = {
  'http Agent': {
    needs,
    mends: true,
    callbacks: true,
    open({ http: port }, size) {
      const { get } = load('node:http');
      const agent = agentOf(size);
      const asking =
        (where: string, signal?: () => AbortSignal): AskBack =>
        (tag, done) => {
          get({ host, port, path: `${where}${tag}`, agent, signal: signal?.() }, (answer: IncomingMessage) => {
            answer.resume();
            answer.on('end', () => done(null));
            answer.on('error', done);
          }).on('error', done);
        };
      return {
        askBack: asking('/'),
        ask: promised(asking('/')),
        askLate: promised(asking('/late/', () => AbortSignal.timeout(patienceMs))),
        close: () => agent.destroy(),
      };
    },
  },
  fetch: {
    needs,
    mends: true,
    open({ http: port }) {
      const at = `http://${host}:${port}`;
      return {
        ask: async (tag) => (await fetch(`${at}/${tag}`)).text(),
        askLate: async (tag) => (await fetch(`${at}/late/${tag}`, { signal: AbortSignal.timeout(patienceMs) })).text(),
      };
    },
  },
  axios: {
    needs,
    mends: true,
    open({ http: port }, size) {
      const agent = agentOf(size);
      const one = load('axios').create({ httpAgent: agent, proxy: false });
      return {
        ask: async (tag) => (await one.get(`http://${host}:${port}/${tag}`)).data,
        askLate: async (tag) => (await one.get(`http://${host}:${port}/late/${tag}`, { timeout: patienceMs })).data,
        close: () => agent.destroy(),
      };
    },
  },
  got: {
    needs,
    async open({ http: port }, size) {
      const { default: got } = await import(load.resolve('got'));
      const agent = agentOf(size);
      const settings = { agent: { http: agent }, retry: { limit: 0 } };
      return {
        ask: async (tag) => (await got(`http://${host}:${port}/${tag}`, settings)).body,
        close: () => agent.destroy(),
      };
    },
  },
  'node-fetch': {
    needs,
    own: true,
    async open({ http: port }, size) {
      const { default: fetch } = await import(loadOwn.resolve('node-fetch'));
      const agent = agentOf(size);
      return {
        ask: async (tag) => (await fetch(`http://${host}:${port}/${tag}`, { agent })).text(),
        close: () => agent.destroy(),
      };
    },
  },
  superagent: {
    needs,
    own: true,
    callbacks: true,
    open({ http: port }, size) {
      const superagent = loadOwn('superagent');
      const agent = agentOf(size);
      return {
        ask: async (tag) => (await superagent.get(`http://${host}:${port}/${tag}`).agent(agent)).text,
        askBack: (tag, done) => superagent.get(`http://${host}:${port}/${tag}`).agent(agent).end(done),
        close: () => agent.destroy(),
      };
    },
  },
  'undici Pool': {
    needs,
    mends: true,
    callbacks: true,
    open({ http: port }, size) {
      const { Pool } = load('undici');
      const pool = new Pool(`http://${host}:${port}`, { connections: size });
      return {
        ask: async (tag) => (await pool.request({ path: `/${tag}`, method: 'GET' })).body.text(),
        askBack: (tag, done) =>
          pool.request({ path: `/${tag}`, method: 'GET' }, (error: Error | null, answer: { body: Readable }) => {
            if (error) return done(error);
            answer.body.on('end', () => done(null)).resume();
          }),
        async askLate(tag) {
          const signal = AbortSignal.timeout(patienceMs);
          return (await pool.request({ path: `/late/${tag}`, method: 'GET', signal })).body.text();
        },
        close: () => pool.destroy(),
      };
    },
  },
  'undici pipelining': {
    needs,
    open({ http: port }) {
      const { Pool } = load('undici');
      const pool = new Pool(`http://${host}:${port}`, { connections: 1, pipelining: 10 });
      return {
        ask: async (tag) => (await pool.request({ path: `/${tag}`, method: 'GET' })).body.text(),
        close: () => pool.destroy(),
      };
    },
  },
  'undici fetch Agent': {
    needs,
    open({ http: port }, size) {
      const { Agent, fetch } = load('undici');
      const dispatcher = new Agent({ connections: size });
      return {
        ask: async (tag) => (await fetch(`http://${host}:${port}/${tag}`, { dispatcher })).text(),
        close: () => dispatcher.destroy(),
      };
    },
  },
  'undici stream': {
    needs,
    open({ http: port }, size) {
      const { Pool } = load('undici');
      const pool = new Pool(`http://${host}:${port}`, { connections: size });
      const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
      return {
        ask: (tag) => pool.stream({ path: `/${tag}`, method: 'GET' }, nowhere),
        close: () => pool.destroy(),
      };
    },
  },
};
