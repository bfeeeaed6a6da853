// `npm run bench:memory`: what a program's heap holds after many requests and after many connections that were let go,
// bare and recorded. It must not grow with either. REQUESTS (1,000,000), SOCKETS (10,000) and NODE_MAJOR (24) may be told.
//
// The requests are pipelined, so that the load costs little itself. The heap is read after collections, ten times on the
// way; the first of these readings is the base, when every function is compiled and every buffer is made.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { nodeBinary } from '../../scripts/nodes.ts';
import { startRedis } from '../../scripts/servers.ts';

const requests = Number(process.env['REQUESTS'] ?? 1_000_000);
const sockets = Number(process.env['SOCKETS'] ?? 10_000);
const steps = 10;
const mark = 2;

interface Held {
  readonly heap: number;
  readonly external: number;
  readonly resident: number;
}

const app = fileURLToPath(new URL('app.cjs', import.meta.url));
const whywait = fileURLToPath(new URL('../../bin/whywait.mjs', import.meta.url));
const node = nodeBinary(Number(process.env['NODE_MAJOR'] ?? 24));
const redis = await startRedis();
const dir = mkdtempSync(join(tmpdir(), 'whywait-memory-'));

/** Takes every connection, hears what is said, and hangs up without an answer. */
const silent = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end())).listen(0);
await once(silent, 'listening');

const kinds = {
  bare: [node, '--expose-gc', app, String(redis.port)],
  recorded: [
    process.execPath,
    whywait,
    'run',
    '--no-ui',
    '--no-report',
    '--dir',
    dir,
    '--',
    node,
    '--expose-gc',
    app,
    String(redis.port),
  ],
};

/** A program that is told what to do and says how it went, a line of JSON each. */
class Program {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor([command, ...args]: readonly string[]) {
    const env = { ...process.env, NODE_OPTIONS: '' };
    this.#child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async said<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the program ended');
    return JSON.parse(value) as T;
  }

  ask(words: object): Promise<Held> {
    this.#child.stdin!.write(`${JSON.stringify(words)}\n`);
    return this.said<Held>();
  }

  async end(): Promise<void> {
    this.#child.stdin!.write('{"ask":"end"}\n');
    await once(this.#child, 'exit');
  }
}

/** Sends `count` requests over eight connections, sixteen under way on each. */
async function load(port: number, count: number): Promise<void> {
  const connections = 8;
  const atOnce = 16;
  let left = count;
  let pin = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1');
      let open = 0;
      const send = (most: number) => {
        let text = '';
        for (; most > 0 && left > 0; most--, left--, open++) text += `GET /home/${pin++} HTTP/1.1\r\nHost: x\r\n\r\n`;
        if (text !== '') socket.write(text);
        else if (open === 0) socket.end();
      };
      let rest = '';
      socket.on('data', (chunk) => {
        const said = rest + chunk.toString('latin1');
        const answers = said.split('HTTP/1.1 200').length - rest.split('HTTP/1.1 200').length;
        rest = said.slice(-'HTTP/1.1 20'.length);
        open -= answers;
        send(answers);
      });
      send(atOnce);
      await once(socket, 'close');
    }),
  );
}

const mb = (bytes: number) => bytes / 2 ** 20;
const signed = (bytes: number) => `${bytes < 0 ? '−' : '+'}${Math.abs(mb(bytes)).toFixed(2)} MB`;
const table = new Table({
  head: ['', 'heap at the base', 'most after it', 'at the end', `grown by ${sockets} sockets`, 'resident at the end'],
  style: { head: [], border: [] },
});
let flat = true;
for (const [kind, command] of Object.entries(kinds)) {
  const program = new Program(command);
  const { port } = await program.said<{ port: number }>();
  const readings: Held[] = [];
  for (let step = 0; step < steps; step++) {
    await load(port, requests / steps);
    readings.push(await program.ask({ ask: 'held' }));
    process.stderr.write(
      `${kind}: ${((requests / steps) * (step + 1)).toLocaleString('en')} requests, ${mb(readings.at(-1)!.heap).toFixed(2)} MB\n`,
    );
  }
  const abandon = { ask: 'abandon', port: (silent.address() as AddressInfo).port, atOnce: 100 };
  const before = await program.ask({ ...abandon, count: 1_000 });
  const after = await program.ask({ ...abandon, count: sockets });
  const total = ({ heap, external }: Held) => heap + external;
  const [base, ...later] = readings.map(total);
  const most = Math.max(...later) - base;
  const end = later.at(-1)! - base;
  const grown = total(after) - total(before);
  if (kind === 'recorded') flat = mb(end) <= mark && mb(grown) <= mark;
  table.push([
    kind,
    `${mb(base).toFixed(2)} MB`,
    signed(most),
    signed(end),
    signed(grown),
    `${mb(readings.at(-1)!.resident).toFixed(0)} MB`,
  ]);
  await program.end();
}
console.log(
  `${table}\n${requests.toLocaleString('en')} requests, ${sockets.toLocaleString('en')} sockets let go; ${flat ? 'flat' : 'it grows'}: at most +${mark} MB`,
);
silent.close();
await redis.stop();
rmSync(dir, { recursive: true, force: true });
process.exitCode = flat ? 0 : 1;
