// Takes batches from recorders into the store.
//
//   socket ─► frames ─► hello: join ─► welcome
//                       batch: append ─► durable ─► ack
//
// What is on its way to the store is bounded: beyond that sockets are not read, no ack goes out, and the recorders
// keep, then drop and count. A connection that talks nonsense is closed and counted; the others do not notice.

import { createReadStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { FrameKind } from '../model/wire.ts';
import { type Store, StoreError } from '../store/store.ts';
import { BadFrame, type Frame, FrameReader, numberFrame } from './frames.ts';
import { parseHello } from './hello.ts';

const maxConnections = 4096;
/** Bytes on their way to the store. */
const maxPendingBytes = 64 * 1024 * 1024;
const maxPendingOfOne = 16 * 1024 * 1024;

export interface IntakeCounts {
  connections: number;
  /** Closed because of what they sent, or refused because there were too many. */
  badConnections: number;
  batches: number;
  /** Batches that were stored already. */
  repeated: number;
  spans: number;
  restFiles: number;
  /** `.rest` files that ended in the middle or held nonsense; what came before was taken. */
  badRestFiles: number;
  /** The directory of `.rest` files was gone at the end, and what processes could not ship with it. */
  lostDirectories: number;
}

export class Intake {
  readonly counts: IntakeCounts = {
    connections: 0,
    badConnections: 0,
    batches: 0,
    repeated: 0,
    spans: 0,
    restFiles: 0,
    badRestFiles: 0,
    lostDirectories: 0,
  };
  /** Why nothing can be stored any more. */
  failure: StoreError | undefined = undefined;

  readonly #store: Store;
  readonly #onStored: () => void;
  readonly #onFailure: (error: StoreError) => void;
  readonly #sockets = new Set<Socket>();
  readonly #paused = new Set<Socket>();
  #pendingBytes = 0;
  #emptied: (() => void)[] = [];

  constructor(store: Store, onStored: () => void, onFailure: (error: StoreError) => void) {
    this.#store = store;
    this.#onStored = onStored;
    this.#onFailure = onFailure;
  }

  /** Bytes on their way to the store; bounded by what it lets in, plus one frame a connection. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Serves one recorder until it leaves. */
  serve(socket: Socket): void {
    if (this.failure !== undefined || this.#sockets.size >= maxConnections) {
      if (this.failure === undefined) this.counts.badConnections++;
      socket.destroy();
      return;
    }
    this.counts.connections++;
    this.#sockets.add(socket);
    const source = new Source(this.#store);
    const close = (error: unknown) => {
      if (error instanceof StoreError) this.#fail(error);
      else if (!socket.destroyed) {
        this.counts.badConnections++;
        socket.destroy();
      }
    };
    const take = (frame: Frame) => {
      if (frame.kind === FrameKind.hello) {
        source.hello(frame.body).then((number) => answer(socket, FrameKind.welcome, number), close);
        return;
      }
      const bytes = frame.body.length;
      this.#pendingBytes += bytes;
      source.pendingBytes += bytes;
      if (this.#pendingBytes > maxPendingBytes || source.pendingBytes > maxPendingOfOne) {
        socket.pause();
        this.#paused.add(socket);
      }
      this.#append(source, frame.body)
        .then((number) => answer(socket, FrameKind.ack, number), close)
        .finally(() => {
          this.#pendingBytes -= bytes;
          source.pendingBytes -= bytes;
          this.#relieve();
        });
    };
    socket.on('data', (bytes) => {
      try {
        for (const frame of source.frames.read(bytes)) take(frame);
      } catch (error) {
        close(error);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#paused.delete(socket);
      this.#relieve();
    });
  }

  async #append(source: Source, body: Uint8Array<ArrayBuffer>): Promise<number> {
    const { number, spans, repeated } = await this.#store.append(await source.process, body);
    if (repeated) this.counts.repeated++;
    else {
      this.counts.batches++;
      this.counts.spans += spans;
      this.#onStored();
    }
    return number;
  }

  #relieve(): void {
    if (this.#pendingBytes <= maxPendingBytes / 2) {
      for (const socket of this.#paused) socket.resume();
      this.#paused.clear();
    }
    if (this.#sockets.size === 0 && this.#pendingBytes === 0) {
      for (const resolve of this.#emptied.splice(0)) resolve();
    }
  }

  #fail(error: StoreError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const socket of this.#sockets) socket.destroy();
    this.#onFailure(error);
  }

  /** Ends when every recorder has left and all it sent is stored; those still there after the grace are closed. */
  async drain(graceMs: number): Promise<void> {
    if (this.#sockets.size === 0 && this.#pendingBytes === 0) return;
    const emptied = new Promise<void>((resolve) => this.#emptied.push(resolve));
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await emptied;
    clearTimeout(timer);
  }

  /** Takes in what processes left in files when they ended, and removes the files. */
  async readRests(dir: string): Promise<void> {
    let names: string[];
    try {
      names = await readdir(dir);
    } catch {
      this.counts.lostDirectories++;
      return;
    }
    for (const name of names.filter((name) => name.endsWith('.rest')).sort()) {
      if (this.failure !== undefined) return;
      const file = join(dir, name);
      this.counts.restFiles++;
      const source = new Source(this.#store);
      try {
        for await (const bytes of createReadStream(file)) {
          for (const frame of source.frames.read(bytes as Uint8Array)) {
            if (frame.kind === FrameKind.hello) await source.hello(frame.body);
            else await this.#append(source, frame.body);
          }
        }
        if (source.frames.isAmid) throw new BadFrame('a file that ends within a frame');
        await rm(file, { force: true });
      } catch (error) {
        if (error instanceof StoreError) return this.#fail(error);
        this.counts.badRestFiles++;
        await rm(file, { force: true }).catch(() => undefined);
      }
    }
  }
}

/** Where frames of one process come from. */
class Source {
  readonly frames = new FrameReader();
  pendingBytes = 0;
  /** Its number, once it has said hello. */
  process: Promise<number> = Promise.reject(new BadFrame('a batch before the hello'));
  readonly #store: Store;
  #greeted = false;

  constructor(store: Store) {
    this.#store = store;
    this.process.catch(() => undefined);
  }

  hello(body: Uint8Array): Promise<number> {
    if (this.#greeted) throw new BadFrame('a second hello');
    this.#greeted = true;
    this.process = this.#store.join(parseHello(body));
    this.process.catch(() => undefined);
    return this.process;
  }
}

function answer(socket: Socket, kind: FrameKind, value: number): void {
  if (!socket.destroyed && socket.writable) socket.write(numberFrame(kind, value));
}
