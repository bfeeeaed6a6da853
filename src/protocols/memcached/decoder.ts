// memcached: the text protocol with meta commands, or the binary one; a connection speaks one of them.
// Operation = command and the pattern of its (first) key; a miss is no error; rows = values found.

import type { Decoder, Protocol, Recognition, Sink } from '../decoder.ts';
import { Binary, binaryAnswer, binaryRequest } from './binary.ts';
import { Text, textAnswer, textRequest } from './text.ts';

export const memcached: Protocol = {
  name: 'memcached',
  recognise,
  decode: (sink) => new Memcached(sink),
};

function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (client.length > 0) return client[0] === 0x80 ? binaryRequest(client) : textRequest(client);
  if (server.length === 0) return 'more';
  return server[0] === 0x81 ? binaryAnswer(server) : textAnswer(server);
}

class Memcached implements Decoder {
  private readonly sink: Sink;
  /** Decided by the first byte of either side. */
  private speaks: Decoder | undefined = undefined;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  get lost(): boolean {
    return this.speaks?.lost ?? false;
  }

  get idle(): boolean {
    return this.speaks?.idle ?? true;
  }

  client(bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) return;
    this.speaks ??= bytes[0] === 0x80 ? new Binary(this.sink) : new Text(this.sink);
    this.speaks.client(bytes, at);
  }

  server(bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) return;
    this.speaks ??= bytes[0] === 0x81 ? new Binary(this.sink) : new Text(this.sink);
    this.speaks.server(bytes, at);
  }

  close(at: number, error: string): void {
    this.speaks?.close(at, error);
  }
}
