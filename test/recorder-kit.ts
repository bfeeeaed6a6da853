// Runs a script under the recorder, with a collector of a few lines that keeps what it is sent.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildRecorder } from '../scripts/recorder-bundles.mjs';
import { type Batch, decodeBatch } from '../src/model/batch.ts';
import { hex16, traceHex } from '../src/model/ids.ts';
import { FrameKind, frameHeadBytes, type Hello } from '../src/model/wire.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The Node binaries to run on: this one, and those of WHYWAIT_NODES (separated by ':'). */
export const nodes: readonly string[] = [
  process.execPath,
  ...(process.env['WHYWAIT_NODES'] ?? '').split(':').filter((path) => path !== '' && path !== process.execPath),
];

let built: Promise<string> | undefined;

/** The recorder, bundled from the source. */
export function recorder(): Promise<string> {
  built ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'whywait-recorder-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    await buildRecorder(folder);
    return join(folder, 'recorder.cjs');
  })();
  return built;
}

/** Made for these tests, for localhost and 127.0.0.1. */
export const pair = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgS5Ozrq9IJKAlz+XG
qeAXd48LJ9ovwqUkTlXHLYFfcnyhRANCAAR5uTCOFahdaxb/oZgIGnXzXrgslXew
3fJQEL74IKz2n4aIZNktBch/eFLt8URHS3UqA3FuayrRaKAuOlyiHz6P
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUcz76bb/HuszWlYdNRCvWBjVAFA0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE4NTczMFoYDzIxMjYxMDMw
MTg1NzMwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR5uTCOFahdaxb/oZgIGnXzXrgslXew3fJQEL74IKz2n4aIZNktBch/
eFLt8URHS3UqA3FuayrRaKAuOlyiHz6Po28wbTAdBgNVHQ4EFgQUUfGt/fUseD7l
zx/20oD9VD68SpgwHwYDVR0jBBgwFoAUUfGt/fUseD7lzx/20oD9VD68SpgwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgaUEjwctLkmS25H24E8tPyhWnPTS8BQPqrTnqlYZDV1QCIQCE
RjzoG2Q0EREbKbK754gh8Mhz0u3Lf1knmqSz5bTgWA==
-----END CERTIFICATE-----`,
};

export interface Span {
  span: string;
  parent: string;
  trace: string;
  kind: number;
  operation: string;
  service: string;
  protocol: string;
  error: string;
  status: number;
  start: number;
  duration: number;
  bytesOut: number;
  bytesIn: number;
  rule: number;
  connection: number;
  dns: number;
  connect: number;
  tls: number;
  pid: number;
  thread: number;
}

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  hellos: Hello[];
  batches: { hello: Hello; batch: Batch }[];
  spans: Span[];
  counters: Record<string, number>;
  /** Files left beside the socket. */
  rest: string[];
}

export interface RunOptions {
  node?: string;
  env?: Record<string, string>;
  /** The script's file name; .mjs for a module. */
  file?: string;
  args?: string[];
  options?: object;
  /** False: answer nothing, so that everything is left in the file. */
  acknowledge?: boolean;
  /** Told of each recorder that connects. */
  onRecorder?: (socket: net.Socket, server: net.Server, path: string) => void;
  onStdout?: (text: string, child: import('node:child_process').ChildProcess) => void;
}

/** Runs a script to its end. */
export async function run(script: string, given: RunOptions = {}): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'whywait-test-'));
  const received: { hello: Hello; batch: Batch }[] = [];
  const hellos = new Map<string, Hello>();
  const numbers = new Set<string>();

  const frames = (bytes: Buffer, state: { hello?: Hello }, answer: (kind: number, value: number) => void): Buffer => {
    let at = 0;
    while (bytes.length - at >= frameHeadBytes) {
      const length = bytes.readUInt32LE(at);
      if (bytes.length - at < frameHeadBytes + length) break;
      const body = bytes.subarray(at + frameHeadBytes, at + frameHeadBytes + length);
      if (bytes[at + 4] === FrameKind.hello) {
        state.hello = JSON.parse(body.toString()) as Hello;
        hellos.set(state.hello.token, state.hello);
        answer(FrameKind.welcome, hellos.size);
      } else {
        const batch = decodeBatch(body.slice());
        const hello = state.hello as Hello;
        const key = `${hello.token} ${batch.number}`;
        if (!numbers.has(key)) {
          numbers.add(key);
          received.push({ hello, batch });
        }
        answer(FrameKind.ack, batch.number);
      }
      at += frameHeadBytes + length;
    }
    return bytes.subarray(at);
  };

  const server = net.createServer((socket) => {
    let left: Buffer = Buffer.alloc(0);
    const state = {};
    socket.on('error', () => {});
    given.onRecorder?.(socket, server, join(dir, 'c.sock'));
    socket.on('data', (bytes) => {
      left = frames(Buffer.concat([left, bytes]), state, (kind, value) => {
        if (given.acknowledge === false) return;
        const frame = Buffer.alloc(frameHeadBytes + 4);
        frame.writeUInt32LE(4, 0);
        frame[4] = kind;
        frame.writeUInt32LE(value, frameHeadBytes);
        socket.write(frame);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(join(dir, 'c.sock'), resolve));

  const file = join(dir, given.file ?? 'script.cjs');
  writeFileSync(file, script);
  const child = spawn(given.node ?? process.execPath, [...(given.args ?? []), file], {
    cwd: root,
    env: {
      ...process.env,
      NODE_OPTIONS: `--require ${await recorder()}`,
      NODE_PATH: join(root, 'node_modules'),
      WHYWAIT_DIR: dir,
      WHYWAIT_ROOT: dir,
      // Function frames have tests of their own.
      WHYWAIT_OPTIONS: JSON.stringify({ functions: 'off', ...given.options }),
      ...given.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A script that hangs is a failure, soon.
    timeout: 30_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
    given.onStdout?.(String(text), child);
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...end) => resolve(end));
  });
  await new Promise((resolve) => server.close(resolve));
  const rest = readdirSync(dir).filter((name) => name.endsWith('.rest'));
  for (const name of rest) frames(readFileSync(join(dir, name)), {}, () => {});
  rmSync(dir, { recursive: true, force: true });

  const texts = new Map<string, string[]>();
  const spans: Span[] = [];
  const counters: Record<string, number> = {};
  for (const { hello, batch } of received.sort((a, b) => a.batch.number - b.batch.number)) {
    const names = texts.get(hello.token) ?? [''];
    texts.set(hello.token, names);
    batch.texts.forEach((text, i) => {
      names[batch.firstText + i] = text;
    });
    const t = batch.tables.spans;
    for (let i = 0; i < t.span.length; i++) {
      spans.push({
        span: hex16(t.span[i]),
        parent: hex16(t.parent[i]),
        trace: traceHex(t.traceHi[i], t.traceLo[i]),
        kind: t.kind[i],
        operation: names[t.operation[i]],
        service: names[t.service[i]],
        protocol: names[t.protocol[i]],
        error: names[t.error[i]],
        status: t.status[i],
        start: t.start[i],
        duration: t.duration[i],
        bytesOut: t.bytesOut[i],
        bytesIn: t.bytesIn[i],
        rule: t.rule[i],
        connection: t.connection[i],
        dns: t.dns[i],
        connect: t.connect[i],
        tls: t.tls[i],
        pid: hello.pid,
        thread: hello.thread,
      });
    }
    const c = batch.tables.counters;
    for (let i = 0; i < c.value.length; i++) {
      const key = `${names[c.counter[i]]} ${names[c.detail[i]]}`.trim();
      counters[key] = (counters[key] ?? 0) + c.value[i];
    }
  }
  return { code, signal, stdout, stderr, hellos: [...hellos.values()], batches: received, spans, counters, rest };
}
