// For tests and benchmarks: a recorder as the collector sees it, over a real socket.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { FrameKind, frameHeadBytes, type Hello } from '../model/wire.ts';
import { socketPath } from './listen.ts';

export function frame(kind: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length, true);
  bytes[4] = kind;
  bytes.set(body, frameHeadBytes);
  return bytes;
}

export const helloFrame = (hello: Hello): Uint8Array =>
  frame(FrameKind.hello, new TextEncoder().encode(JSON.stringify(hello)));

export class TestRecorder {
  readonly socket: Socket;
  /** Number of the process, 0 until welcome. */
  process = 0;
  /** The highest number acknowledged. */
  acknowledged = 0;
  readonly #hello: Hello;
  #bytes = Buffer.alloc(0);
  #wakers: (() => void)[] = [];

  constructor(dir: string, hello: Hello) {
    this.#hello = hello;
    this.socket = connect(socketPath(dir, 'c'));
    this.socket.on('data', (bytes) => this.#read(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#wake());
  }

  hello(): this {
    this.socket.write(helloFrame(this.#hello));
    return this;
  }

  send(batch: Uint8Array): boolean {
    return this.socket.write(frame(FrameKind.batch, batch));
  }

  async drained(): Promise<void> {
    if (this.socket.writableNeedDrain) await once(this.socket, 'drain');
  }

  /** Ends when that batch is acknowledged. */
  async acked(number: number): Promise<void> {
    while (this.acknowledged < number) {
      if (this.socket.destroyed) throw new Error(`closed; acknowledged ${this.acknowledged} of ${number}`);
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close');
  }

  async leave(): Promise<void> {
    this.socket.end();
    await this.closed();
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= frameHeadBytes + 4) {
      const value = this.#bytes.readUInt32LE(frameHeadBytes);
      if (this.#bytes[4] === FrameKind.welcome) this.process = value;
      else this.acknowledged = value;
      this.#bytes = this.#bytes.subarray(frameHeadBytes + 4);
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}
