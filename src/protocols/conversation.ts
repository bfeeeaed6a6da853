// One connection's bytes → its protocol, then its exchanges: asks each protocol to recognise the first bytes,
// hands them on to the decoder of the one that does, or to the turns of an unknown protocol.

import type { Decoder, HandOver, Protocol, Sink } from './decoder.ts';

/** Bytes of each direction that a protocol may ask for before it must decide. */
export const recogniseBytes = 4096;

interface Seen {
  readonly fromClient: boolean;
  readonly bytes: Uint8Array;
  readonly at: number;
}

export class Conversation implements Decoder {
  /** The recognised protocol's name; 'unknown' when none claims it; '' while undecided. */
  protocol = '';
  /** Of the recognised protocol: some of what a client says is never answered. */
  tells = false;
  private readonly sink: Sink;
  private readonly unknown: Protocol;
  private readonly protocols: readonly Protocol[];
  private candidates: Protocol[];
  private decoder: Decoder | undefined = undefined;
  private seen: Seen[] = [];
  private first: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];

  /**
   * @param protocols asked in this order
   * @param unknown decodes what none of them claims
   */
  constructor(sink: Sink, protocols: readonly Protocol[], unknown: Protocol) {
    this.sink = sink;
    this.unknown = unknown;
    this.protocols = protocols;
    this.candidates = [...protocols];
  }

  get lost(): boolean {
    return this.decoder?.lost ?? false;
  }

  get idle(): boolean {
    return this.decoder ? this.decoder.idle : this.seen.length === 0;
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.decoder) this.decoder.client(bytes, at);
    else this.consider(true, bytes, at);
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.decoder) this.decoder.server(bytes, at);
    else this.consider(false, bytes, at);
  }

  close(at: number, error: string): void {
    if (!this.decoder && this.seen.length > 0) this.decide(this.unknown);
    this.decoder?.close(at, error);
  }

  private consider(fromClient: boolean, bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) return;
    const side = fromClient ? 0 : 1;
    const before = this.first[side];
    const room = recogniseBytes - before.length;
    this.first[side] = join(before, bytes.length > room ? bytes.subarray(0, room) : bytes);
    const full = bytes.length >= room;
    const left: Protocol[] = [];
    for (const protocol of this.candidates) {
      const answer = protocol.recognise(this.first[0], this.first[1]);
      if (answer === 'yes') {
        this.decide(protocol, { fromClient, bytes, at });
        return;
      }
      if (answer === 'more' && !full) left.push(protocol);
    }
    this.candidates = left;
    if (left.length === 0) this.decide(this.unknown, { fromClient, bytes, at });
    else this.seen.push({ fromClient, bytes: bytes.slice(), at });
  }

  /** The rest of the connection is another protocol's. */
  private readonly handOver: HandOver = (to, left, at) => {
    if (to) {
      this.protocol = to.name;
      this.tells = to.tells ?? false;
      this.decoder = to.decode(this.sink);
    } else {
      this.protocol = '';
      this.tells = false;
      this.decoder = undefined;
      this.candidates = [...this.protocols];
      this.sink.tunnelled?.();
    }
    this.server(left, at);
  };

  private decide(protocol: Protocol, last?: Seen): void {
    this.protocol = protocol.name;
    this.tells = protocol.tells ?? false;
    this.decoder = protocol.decode(this.sink, this.handOver);
    const seen = this.seen;
    this.seen = [];
    this.candidates = [];
    this.first = [new Uint8Array(0), new Uint8Array(0)];
    for (const one of seen) feed(this, one);
    if (last) feed(this, last);
  }
}

function feed(decoder: Decoder, { fromClient, bytes, at }: Seen): void {
  if (fromClient) decoder.client(bytes, at);
  else decoder.server(bytes, at);
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
