// Batches to the collector: over a socket of our own that nobody sees and that holds nothing up, kept until the
// collector has them durably, and what it has not at the end left in a file beside the socket (model/wire.ts).
//
//   rows ── a while after the first, or half full ──► batch ──► kept ──► written ──► acknowledged: forgotten
//                                                               └─ at exit: <token>.rest
//
// A program that ends within its first second leaves the file only: it has no socket of ours, and whoever counts its
// handles or follows its async hooks sees nothing of us.
//
// When too much is kept, nothing is taken from the columns; they fill and count what they drop.

import { AsyncResource } from 'node:async_hooks';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { basename, dirname, join, relative } from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData, threadId } from 'node:worker_threads';
import type { Room } from '../model/batch.ts';
import { FrameKind, frameHeadBytes, type Hello } from '../model/wire.ts';
import { spent, tellBudget } from './budget.ts';
import { now, origin } from './clock.ts';
import { newToken } from './ids.ts';
import type { Options } from './options.ts';
import { hasRows, setWakers, takeBatch } from './span-buffer.ts';

const firstShipMs = 1000;
const shipEveryMs = 200;
const maxKeptBytes = 32 * 1024 * 1024;
const maxConnects = 3;
const maxSpare = 2;

const { setTimeout } = globalThis;
/** The original, taken before the patches: our own socket is not recorded. */
const connect = net.Socket.prototype.connect;

interface Kept {
  readonly number: number;
  readonly frame: Uint8Array<ArrayBuffer>;
}

export const socketPath = (dir: string): string =>
  process.platform === 'win32' ? `\\\\.\\pipe\\${basename(dir)}-c` : join(dir, 'c.sock');

export class Shipper {
  readonly token = newToken();
  private readonly options: Options;
  /** The socket is made in the context of the process's start, not of whoever wrote the first row, which it would keep. */
  private readonly own = new AsyncResource('whywait', { requireManualDestroy: true });
  private kept: Kept[] = [];
  /** Of batches that were acknowledged. */
  private readonly spare: ArrayBuffer[] = [];
  private keptBytes = 0;
  /** How many of `kept` are written to the socket that is open now. */
  private written = 0;
  private number = 0;
  private process = 0;
  private socket: net.Socket | undefined = undefined;
  private connects = 0;
  private waiting = false;
  private watching = false;
  /** The number of the last batch that was left in the file. */
  private left = 0;
  private answer: Uint8Array = new Uint8Array(0);

  constructor(options: Options) {
    this.options = options;
    setWakers(
      () => this.soon(),
      () => this.ship(),
    );
  }

  private soon(): void {
    if (this.waiting) return;
    this.waiting = true;
    const ms = Math.max(shipEveryMs, firstShipMs - now() / 1e6);
    setTimeout(() => {
      this.waiting = false;
      this.ship();
    }, ms).unref();
  }

  private ship(): void {
    const since = now();
    try {
      this.take();
      if (this.kept.length > 0) this.write();
      spent(now() - since);
      if (hasRows()) this.soon();
    } catch {
      this.close();
    }
  }

  private take(): void {
    if (this.keptBytes > maxKeptBytes) return;
    if (hasRows()) tellBudget();
    const bytes = takeBatch(this.process, this.number + 1, this.room);
    if (!bytes) return;
    this.number++;
    const frame = new Uint8Array(bytes.buffer, 0, frameHeadBytes + bytes.length);
    writeHead(frame, FrameKind.batch, bytes.length);
    this.kept.push({ number: this.number, frame });
    this.keptBytes += frame.length;
  }

  /** Behind a frame's head, in a buffer that has been shipped already: fresh pages cost more than what is written. */
  private readonly room: Room = (size) => {
    const needed = frameHeadBytes + size;
    let buffer = this.spare.pop();
    if (buffer === undefined || buffer.byteLength < needed) buffer = new ArrayBuffer(needed + (needed >> 2));
    return new Uint8Array(buffer, frameHeadBytes);
  };

  private write(): void {
    const socket = this.socket ?? this.own.runInAsyncScope(this.open, this);
    if (!socket) return;
    while (this.written < this.kept.length) {
      socket.write(this.kept[this.written].frame);
      this.written++;
    }
    if (socket.writableLength > 0 && !this.watching) {
      this.watching = true;
      this.watch();
    }
  }

  /**
   * A write that a collector which stands still does not take keeps the event loop going, though the socket does not.
   * When it is all that keeps it, the socket goes: the program ends as without us, and leaves a file.
   */
  private watch(): void {
    setTimeout(() => {
      this.watching = false;
      const { socket } = this;
      if (!socket || socket.writableLength === 0) return;
      if (oneWriteIsLeft()) this.close();
      else {
        this.watching = true;
        this.watch();
      }
    }, shipEveryMs).unref();
  }

  private open(): net.Socket | undefined {
    if (this.connects >= maxConnects) return undefined;
    this.connects++;
    const socket = new net.Socket();
    this.socket = socket;
    this.written = 0;
    this.answer = new Uint8Array(0);
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.socket === socket) this.socket = undefined;
    });
    socket.on('data', (bytes: Uint8Array) => this.read(bytes));
    Reflect.apply(connect, socket, [socketPath(this.options.dir)]);
    socket.unref();
    socket.write(this.helloFrame());
    return socket;
  }

  private close(): void {
    this.connects = maxConnects;
    this.socket?.destroy();
    this.socket = undefined;
  }

  /** welcome and ack: a head and one u32 each. */
  private read(bytes: Uint8Array): void {
    let at = 0;
    const all = this.answer.length === 0 ? bytes : Buffer.concat([this.answer, bytes]);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    while (all.length - at >= frameHeadBytes) {
      const length = view.getUint32(at, true);
      if (length !== 4) {
        this.close();
        return;
      }
      if (all.length - at < frameHeadBytes + length) break;
      const value = view.getUint32(at + frameHeadBytes, true);
      if (all[at + 4] === FrameKind.welcome) this.process = value;
      else if (all[at + 4] === FrameKind.ack) this.acknowledged(value);
      at += frameHeadBytes + length;
    }
    this.answer = all.slice(at);
  }

  private acknowledged(number: number): void {
    let done = 0;
    while (done < this.written && this.kept[done].number <= number) {
      const { frame } = this.kept[done];
      this.keptBytes -= frame.length;
      done++;
      // A write that is not over (the batch was sent twice) still reads from it.
      if (this.socket?.writableLength === 0 && this.spare.length < maxSpare) this.spare.push(frame.buffer);
    }
    this.kept.splice(0, done);
    this.written -= done;
    this.connects = 1;
  }

  /** At exit, synchronously; again when something was written since. */
  leave(): void {
    try {
      this.keptBytes = 0;
      if (this.number > 0) tellBudget();
      this.take();
      if (this.kept.length === 0 || this.number === this.left) return;
      this.left = this.number;
      const parts = [this.helloFrame(), ...this.kept.map(({ frame }) => frame)];
      writeFileSync(join(this.options.dir, `${this.token}.rest`), Buffer.concat(parts), { mode: 0o600 });
    } catch {
      // The collector has gone, and its directory with it.
    }
  }

  private helloFrame(): Uint8Array {
    const body = new TextEncoder().encode(JSON.stringify(this.hello()));
    const frame = new Uint8Array(frameHeadBytes + body.length);
    writeHead(frame, FrameKind.hello, body.length);
    frame.set(body, frameHeadBytes);
    return frame;
  }

  private hello(): Hello {
    const script = process.argv[1] ?? '';
    return {
      version: 1,
      token: this.token,
      pid: process.pid,
      ppid: process.ppid,
      thread: isMainThread ? 0 : threadId,
      runtime: `node ${process.version}`,
      service: serviceName(script),
      script: script === '' ? '' : inside(this.options.root, script),
      origin: String(origin),
    };
  }
}

interface Inner {
  _getActiveRequests?(): readonly unknown[];
  _getActiveHandles?(): readonly { fd?: number; _handle?: { reading?: boolean } | null }[];
}

/** Nothing keeps the event loop but one request: pipes of stdout and stderr are listed always, and keep nothing. */
function oneWriteIsLeft(): boolean {
  const { _getActiveRequests, _getActiveHandles } = process as Inner;
  if (!_getActiveRequests || !_getActiveHandles || _getActiveRequests().length > 1) return false;
  if (process.getActiveResourcesInfo().some((kind) => kind === 'Timeout' || kind === 'Immediate')) return false;
  return _getActiveHandles().every(({ fd, _handle }) => fd !== undefined && fd <= 2 && !(fd === 0 && _handle?.reading));
}

function writeHead(frame: Uint8Array, kind: FrameKind, length: number): void {
  new DataView(frame.buffer, frame.byteOffset).setUint32(0, length, true);
  frame[4] = kind;
  frame.fill(0, 5, frameHeadBytes);
}

function inside(root: string, file: string): string {
  const path = relative(root, file);
  return path.startsWith('..') ? file : path;
}

/** service.name: told by the environment, else the nearest package.json's name, else the script's. */
function serviceName(script: string): string {
  const told = process.env['WHYWAIT_SERVICE'] || process.env['OTEL_SERVICE_NAME'];
  if (told) return told;
  for (let dir = dirname(script || join(process.cwd(), 'x')); ; dir = dirname(dir)) {
    try {
      const file = join(dir, 'package.json');
      // Looked for, not tried: at the program's end Object.prototype may be such that an error's making ends Node.
      if (existsSync(file)) {
        const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
        if (typeof name === 'string' && name !== '') return name;
      }
    } catch {
      // None that can be read.
    }
    if (dirname(dir) === dir) break;
  }
  return script === '' ? 'node' : basename(script).replace(/\.[cm]?[jt]sx?$/, '');
}

const dataKey = 'whywait.environment';

/** Worker threads whose `env` was replaced are told all the same. */
export function environment(): NodeJS.ProcessEnv {
  if (!isMainThread && process.env['WHYWAIT_DIR'] === undefined) {
    const data = getEnvironmentData(dataKey) as unknown;
    return (data as NodeJS.ProcessEnv | undefined) ?? {};
  }
  const { WHYWAIT_DIR, WHYWAIT_ROOT, WHYWAIT_OPTIONS } = process.env;
  setEnvironmentData(dataKey, { WHYWAIT_DIR, WHYWAIT_ROOT, WHYWAIT_OPTIONS } as never);
  return process.env;
}

export const collectorIsThere = (dir: string): boolean => process.platform === 'win32' || existsSync(socketPath(dir));
