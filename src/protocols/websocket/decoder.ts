// WebSocket (RFC 6455), behind HTTP/1.1's 101 Switching Protocols: messages of both directions.
//
//   0       1                2
//   +-------+----------------+------------------+-----------------+---------+
//   | FIN   | MASK           | 16 or 64 bits of | mask, 32 bits:  | payload |     integers are big endian
//   | RSV   | length: 126 or | length           | of the client's |         |
//   | opcode| 127 say more   |                  | frames only     |         |
//   +-------+----------------+------------------+-----------------+---------+
//
// Nobody answers a message: what the client sends is one way (PRODUCER), what the server sends a CONSUMER of its own.
// A message is over with the frame that says FIN; pings, pongs and closes come between its frames. The client's PING is
// answered by a PONG, its CLOSE by a CLOSE. Payloads, compressed or not, are only counted.

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';

const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Pings whose pongs are waited for. */
const mostPings = 1_000;

/** The protocol of a connection that a request for `route` opened: its messages are called by it. */
export const websocketOn = (route: string): Protocol => ({
  name: 'ws',
  // What is said in it begins like anything; only HTTP knows.
  recognise: () => 'no',
  decode: (sink) => new Websocket(sink, route),
});

/** Told of a direction's frames; false = this is no WebSocket. */
interface Frames {
  /** The head is there. */
  begin(frame: FrameReader, at: number): boolean;
  /** More of the frame was seen: so many bytes, heads included. */
  count(bytes: number, at: number): void;
  /** The frame is whole. */
  end(frame: FrameReader, at: number): void;
}

class FrameReader {
  isFinal = false;
  opcode = 0;
  /** Of a CLOSE: why, 1005 when it does not say. */
  code = 0;
  /** When its first byte was seen. */
  startedAt = 0;
  private readonly frames: Frames;
  private readonly isMasked: boolean;
  private readonly head = new Uint8Array(14);
  private headLength = 0;
  private headNeeded = 2;
  private inBody = false;
  private size = 0;
  private left = 0;

  /** Bytes of the frame with its head. */
  get bytes(): number {
    return this.headNeeded + this.size;
  }

  /** @param isMasked as the client's frames are, and the server's are not */
  constructor(isMasked: boolean, frames: Frames) {
    this.isMasked = isMasked;
    this.frames = frames;
  }

  /** True between frames. */
  get atBorder(): boolean {
    return this.headLength === 0;
  }

  /** False when the bytes are no frames. */
  read(bytes: Uint8Array, at: number): boolean {
    let i = 0;
    let from = 0; // first byte not yet counted
    while (i < bytes.length) {
      if (!this.inBody) {
        if (this.headLength === 0) {
          this.startedAt = at;
          this.headNeeded = 2;
        }
        this.head[this.headLength++] = bytes[i++] as number;
        if (this.headLength === 2 && !this.begins()) return false;
        if (this.headLength < this.headNeeded) continue;
        this.readSize();
        if (this.size > Number.MAX_SAFE_INTEGER || !this.frames.begin(this, at)) return false;
        // The head of a frame may have come in chunks before.
        this.frames.count(this.headLength, at);
        from = i;
        this.inBody = true;
        this.left = this.size;
        this.code = 0;
      }
      const take = Math.min(this.left, bytes.length - i);
      if (this.opcode === Opcode.close) this.readCode(bytes, i, take);
      i += take;
      this.left -= take;
      if (i > from) this.frames.count(i - from, at);
      from = i;
      if (this.left > 0) continue;
      if (this.opcode === Opcode.close && this.size < 2) this.code = 1005;
      this.inBody = false;
      this.headLength = 0;
      this.frames.end(this, at);
    }
    return true;
  }

  /** Reads the first two bytes of a head; false when they are none. */
  private begins(): boolean {
    const first = this.head[0] as number;
    const second = this.head[1] as number;
    this.isFinal = first > 127;
    this.opcode = first & 15;
    const length = second & 127;
    const isControl = this.opcode > 7;
    if ((first & 0x30) !== 0 || this.opcode > Opcode.pong || (this.opcode > Opcode.binary && !isControl)) return false;
    if (isControl && (!this.isFinal || length > 125)) return false;
    if (second > 127 !== this.isMasked) return false;
    this.headNeeded = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (this.isMasked ? 4 : 0);
    return true;
  }

  private readSize(): void {
    const length = (this.head[1] as number) & 127;
    this.size = length;
    const bytes = length === 126 ? 2 : length === 127 ? 8 : 0;
    if (bytes === 0) return;
    this.size = 0;
    for (let i = 2; i < 2 + bytes; i++) this.size = this.size * 256 + (this.head[i] as number);
  }

  /** The first two bytes of a CLOSE's payload. */
  private readCode(bytes: Uint8Array, from: number, take: number): void {
    for (let i = 0; i < take; i++) {
      const at = this.size - this.left + i;
      if (at > 1) return;
      const mask = this.isMasked ? (this.head[this.headLength - 4 + at] as number) : 0;
      this.code = this.code * 256 + ((bytes[from + i] as number) ^ mask);
    }
  }
}

class Websocket implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly names: { readonly send: string; readonly message: string };
  private readonly sent: FrameReader;
  private readonly received: FrameReader;
  private readonly pings: InFlight<Exchange>;
  /** The message, and the frame, that each side is in the middle of. */
  private sending: Exchange | undefined = undefined;
  private sendingFrame: Exchange | undefined = undefined;
  private receiving: Exchange | undefined = undefined;
  private receivingFrame: Exchange | undefined = undefined;
  /** The client's CLOSE, until it is answered. */
  private closing: Exchange | undefined = undefined;
  private isClosed = false;

  constructor(sink: Sink, route: string) {
    this.sink = sink;
    this.names = { send: `send ${route}`.trimEnd(), message: `message ${route}`.trimEnd() };
    this.pings = new InFlight(sink);
    this.sent = new FrameReader(true, {
      begin: (frame, at) => this.sends(frame, at),
      count: (bytes, at) => countOut(this.sendingFrame, bytes, at),
      end: (frame) => this.hasSent(frame),
    });
    this.received = new FrameReader(false, {
      begin: (frame, at) => this.receives(frame, at),
      count: (bytes, at) => countIn(this.receivingFrame, bytes, at),
      end: (frame, at) => this.hasReceived(frame, at),
    });
  }

  get idle(): boolean {
    return (
      !this.lost &&
      this.sending === undefined &&
      this.receiving === undefined &&
      this.closing === undefined &&
      this.pings.length === 0 &&
      this.sent.atBorder &&
      this.received.atBorder
    );
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost || this.sent.read(bytes, at)) return;
    this.lose();
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost || this.received.read(bytes, at)) return;
    this.lose();
  }

  close(_at: number, error: string): void {
    this.closeAll(error || 'closed');
  }

  private sends(frame: FrameReader, at: number): boolean {
    switch (frame.opcode) {
      case Opcode.continuation:
        this.sendingFrame = this.sending;
        return this.sending !== undefined;
      case Opcode.text:
      case Opcode.binary:
        if (this.sending) return false;
        this.sending = this.asks(this.names.send, Kind.producer, frame, at);
        this.sending.oneWay = true;
        break;
      case Opcode.ping:
        if (this.pings.length >= mostPings) return true;
        this.sendingFrame = this.asks('ping', Kind.client, frame, at);
        this.pings.add(this.sendingFrame);
        this.sink.opened(this.sendingFrame);
        return true;
      case Opcode.close:
        // The server's own is answered by it.
        if (this.isClosed || this.closing) return true;
        this.closing = this.asks('close', Kind.client, frame, at);
        this.closing.setup = true;
        this.sendingFrame = this.closing;
        this.sink.opened(this.closing);
        return true;
      default:
        return true;
    }
    this.sendingFrame = this.sending;
    this.sink.opened(this.sending);
    return true;
  }

  private asks(operation: string, kind: Kind, frame: FrameReader, at: number): Exchange {
    const exchange = new Exchange(kind);
    exchange.operation = operation;
    exchange.firstOut = frame.startedAt;
    exchange.lastOut = at;
    return exchange;
  }

  private hasSent(frame: FrameReader): void {
    this.sendingFrame = undefined;
    const { sending } = this;
    if (sending === undefined || frame.opcode > Opcode.binary || !frame.isFinal) return;
    this.sending = undefined;
    this.sink.closed(sending);
  }

  private receives(frame: FrameReader, at: number): boolean {
    switch (frame.opcode) {
      case Opcode.continuation:
        this.receivingFrame = this.receiving;
        return this.receiving !== undefined;
      case Opcode.text:
      case Opcode.binary:
        if (this.receiving) return false;
        this.receiving = this.told(this.names.message, frame, at);
        this.receiving.rows = 1;
        this.receivingFrame = this.receiving;
        return true;
      case Opcode.pong:
        // It may answer several pings; what it answers first is told how long the answer took.
        this.receivingFrame = this.pings.first;
        if (this.receivingFrame) this.receivingFrame.firstIn = frame.startedAt;
        return true;
      case Opcode.close:
        this.receivingFrame = this.closing;
        if (this.closing) this.closing.firstIn = frame.startedAt;
        return true;
      default:
        return true;
    }
  }

  private told(operation: string, frame: FrameReader, at: number): Exchange {
    const exchange = new Exchange(Kind.consumer);
    exchange.operation = operation;
    exchange.oneWay = true;
    exchange.firstIn = frame.startedAt;
    exchange.lastIn = at;
    this.sink.opened(exchange);
    return exchange;
  }

  private hasReceived(frame: FrameReader, at: number): void {
    const whole = this.receivingFrame;
    this.receivingFrame = undefined;
    switch (frame.opcode) {
      case Opcode.ping:
        return;
      case Opcode.pong:
        if (whole && this.pings.first === whole) this.pings.closeFirst();
        return;
      case Opcode.close: {
        this.isClosed = true;
        // 1000: done, 1001: going away, 1005: it does not say.
        const error = frame.code === 1000 || frame.code === 1001 || frame.code === 1005 ? '' : String(frame.code);
        const { closing } = this;
        this.closing = undefined;
        if (closing) this.sink.closed(closing);
        else if (error !== '') {
          const close = this.told('close', frame, at);
          close.error = error;
          close.bytesIn = frame.bytes;
          this.sink.closed(close);
        }
        return;
      }
      default:
        if (this.receiving === undefined || !frame.isFinal) return;
        this.receiving = undefined;
        if (whole) this.sink.closed(whole);
    }
  }

  private closeAll(error: string): void {
    const { sending, receiving, closing } = this;
    this.sending = undefined;
    this.receiving = undefined;
    this.closing = undefined;
    if (sending) {
      sending.error = error;
      this.sink.closed(sending);
    }
    if (receiving) this.sink.closed(receiving);
    this.pings.closeAll(error, error);
    if (closing) this.sink.closed(closing);
  }

  private lose(): void {
    this.lost = true;
    this.closeAll('');
  }
}

function countOut(exchange: Exchange | undefined, bytes: number, at: number): void {
  if (exchange === undefined) return;
  exchange.bytesOut += bytes;
  exchange.lastOut = at;
}

function countIn(exchange: Exchange | undefined, bytes: number, at: number): void {
  if (exchange === undefined) return;
  exchange.bytesIn += bytes;
  exchange.lastIn = at;
}
