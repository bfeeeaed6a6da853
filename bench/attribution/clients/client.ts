// What a client set-up of the attribution bench is: a client with few connections, so that requests must queue, and
// what of it the user's program (../functions.cjs) calls.

import { createRequire } from 'node:module';
import { join } from 'node:path';

export type Ask = (tag: string) => Promise<unknown>;
export type AskBack = (tag: string, done: (error: Error | null, answer?: unknown) => void) => void;

export interface Client {
  ask: Ask;
  /** The callback form, where the client has one. */
  askBack?: AskBack;
  /** Asks for what the server refuses. */
  askWrong?: Ask;
  /** Asks for what takes `lateMs` (../start-servers.ts), and gives up after `patienceMs`. */
  askLate?: Ask;
  /** From now, `handler` is called with each message that is delivered; `tell` sends one that nobody answers. */
  onMessage?: (handler: (tell: (tag: string) => unknown) => Promise<unknown>) => void;
  close?: () => unknown;
}

export const patienceMs = 5;

export const servers = [
  'http',
  'websocket',
  'grpc',
  'redis',
  'cluster',
  'memcached',
  'mariadb',
  'postgres',
  'mongodb',
  'rabbitmq',
  'nats',
  'mosquitto',
] as const;
export type ServerName = (typeof servers)[number];
export type Ports = Readonly<Record<ServerName, number>>;

export interface Setup {
  readonly needs: readonly ServerName[];
  /** It has a callback form. */
  readonly callbacks?: true;
  /** Its package is one of the bench's own (package.json). */
  readonly own?: true;
  /** It connects anew when a connection is lost. */
  readonly mends?: true;
  /** Operations that carry their owner in each `ask`; 1 unless said. */
  readonly operations?: number;
  /** What it asks has no answer of its own. */
  readonly oneWay?: boolean;
  /** The program handles what is delivered to it. */
  readonly handles?: true;
  open(ports: Ports, size: number): Client | Promise<Client>;
}

export type Setups = Readonly<Record<string, Setup>>;

/** This folder, for the bundled program. */
const bench = process.env['BENCH_DIR'] ?? process.cwd();

/** A client among the repository's packages. */
export const load = createRequire(join(bench, '../x.cjs'));
/** A client that only the bench has. */
export const loadOwn = createRequire(join(bench, 'x.cjs'));

/** What a callback function is as a promise, for clients that have only that. */
export const promised =
  (askBack: AskBack): Ask =>
  (tag) =>
    new Promise((resolve, reject) => askBack(tag, (error, answer) => (error ? reject(error) : resolve(answer))));
