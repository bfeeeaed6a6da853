// memcached's binary protocol (https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped): packets of a
// 24-byte header and a body.
//
//   0       1        2          4        5      6              8      12       16    24
//   | magic | opcode | key len  | extras | type | vbucket or   | body | opaque | cas | extras, key, value
//   | 80/81 |        | u16      | u8     | 0    | status u16   | u32  | u32    | u64 |
//
// Quiet commands (GetQ, SetQ) answer only a hit or a failure; a NoOp after them says that nothing more will come.

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Recognition, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';
import { nameWithKey } from '../names/key.ts';

interface Opcode {
  readonly name: string;
  readonly quiet: boolean;
  /** Bytes of extras in a request. */
  readonly extras: number;
  /** 0 = no key, 1 = a key, 2 = perhaps. */
  readonly key: number;
  readonly value: boolean;
}

const opcodes: (Opcode | undefined)[] = [];
const opcode = (code: number, name: string, extras: number, key: number, value = false, quiet = false) => {
  opcodes[code] = { name, extras, key, value, quiet };
};
opcode(0x00, 'get', 0, 1);
opcode(0x01, 'set', 8, 1, true);
opcode(0x02, 'add', 8, 1, true);
opcode(0x03, 'replace', 8, 1, true);
opcode(0x04, 'delete', 0, 1);
opcode(0x05, 'incr', 20, 1);
opcode(0x06, 'decr', 20, 1);
opcode(0x07, 'quit', 0, 0);
opcode(0x08, 'flush_all', 4, 0);
opcode(0x09, 'get', 0, 1, false, true);
opcode(0x0a, 'noop', 0, 0);
opcode(0x0b, 'version', 0, 0);
opcode(0x0c, 'get', 0, 1);
opcode(0x0d, 'get', 0, 1, false, true);
opcode(0x0e, 'append', 0, 1, true);
opcode(0x0f, 'prepend', 0, 1, true);
opcode(0x10, 'stats', 0, 2);
opcode(0x11, 'set', 8, 1, true, true);
opcode(0x12, 'add', 8, 1, true, true);
opcode(0x13, 'replace', 8, 1, true, true);
opcode(0x14, 'delete', 0, 1, false, true);
opcode(0x15, 'incr', 20, 1, false, true);
opcode(0x16, 'decr', 20, 1, false, true);
opcode(0x17, 'quit', 0, 0, false, true);
opcode(0x18, 'flush_all', 4, 0, false, true);
opcode(0x19, 'append', 0, 1, true, true);
opcode(0x1a, 'prepend', 0, 1, true, true);
opcode(0x1b, 'verbosity', 4, 0);
opcode(0x1c, 'touch', 4, 1);
opcode(0x1d, 'gat', 4, 1);
opcode(0x1e, 'gat', 4, 1, false, true);
opcode(0x20, 'sasl list', 0, 0);
opcode(0x21, 'sasl auth', 0, 1, true);
opcode(0x22, 'sasl step', 0, 1, true);
opcode(0x23, 'gat', 4, 1);
opcode(0x24, 'gat', 4, 1, false, true);

/** Errors by status. What only says that a key is or is not there (1, 2, 5) is an answer, as is "go on" (0x21). */
const errors: Record<number, string> = {
  3: 'VALUE_TOO_LARGE',
  4: 'INVALID_ARGUMENTS',
  6: 'NON_NUMERIC_VALUE',
  7: 'NOT_MY_VBUCKET',
  8: 'AUTH_ERROR',
  32: 'AUTH_ERROR',
  129: 'UNKNOWN_COMMAND',
  130: 'OUT_OF_MEMORY',
  131: 'NOT_SUPPORTED',
  132: 'INTERNAL_ERROR',
  133: 'BUSY',
  134: 'TEMPORARY_FAILURE',
};
const answers = new Set([0, 1, 2, 5, 0x21]);

const headBytes = 24;
const longestKey = 250;
const mostPending = 50_000;
const stats = 0x10;

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
const u32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) * 65536 + u16(bytes, at + 2);

/** True when bytes[0, 24) are the head of a request. */
function isRequest(head: Uint8Array): boolean {
  const known = opcodes[head[1] as number];
  if (head[0] !== 0x80 || !known || head[5] !== 0) return false;
  const key = u16(head, 2);
  const extras = head[4] as number;
  const body = u32(head, 8);
  if (extras !== known.extras && !(known.name === 'flush_all' && extras === 0)) return false;
  if (known.key === 0 ? key > 0 : known.key === 1 && key === 0) return false;
  return key <= longestKey && (known.value ? body >= key + extras && body < 2 ** 30 : body === key + extras);
}

/** True when bytes[0, 24) are the head of an answer. */
function isAnswer(head: Uint8Array): boolean {
  if (head[0] !== 0x81 || !opcodes[head[1] as number] || head[5] !== 0) return false;
  const status = u16(head, 6);
  if (!answers.has(status) && !errors[status]) return false;
  return u16(head, 2) + (head[4] as number) <= u32(head, 8) && (head[4] as number) <= 20 && u32(head, 8) < 2 ** 30;
}

/** 'yes' when bytes begin with a request of it. */
export function binaryRequest(bytes: Uint8Array): Recognition {
  if (bytes[0] !== 0x80 || (bytes.length > 1 && !opcodes[bytes[1] as number])) return 'no';
  if (bytes.length < headBytes) return 'more';
  return isRequest(bytes) ? 'yes' : 'no';
}

/** 'yes' when bytes begin with an answer of it: seen when joined in the middle. */
export function binaryAnswer(bytes: Uint8Array): Recognition {
  if (bytes[0] !== 0x81 || (bytes.length > 1 && !opcodes[bytes[1] as number])) return 'no';
  if (bytes.length < headBytes) return 'more';
  return isAnswer(bytes) ? 'yes' : 'no';
}

class Asked extends Exchange {
  readonly code: number;
  readonly opaque: number;
  readonly quiet: boolean;
  constructor(code: number, opaque: number, known: Opcode) {
    super(Kind.client);
    this.code = code;
    this.opaque = opaque;
    this.quiet = known.quiet;
    this.operation = known.name;
  }
}

/** Packets of one direction: the head is kept, then a little of the body (extras and key), the rest is skipped. */
class Packets {
  readonly head = new Uint8Array(headBytes);
  private headLength = 0;
  readonly body = new Uint8Array(longestKey + 24);
  bodyLength = 0;
  left = 0;
  startedAt = 0;

  get atBorder(): boolean {
    return this.headLength === 0;
  }

  restart(): void {
    this.headLength = 0;
    this.left = 0;
  }

  /** Takes bytes of the head from bytes[at]; how many. */
  readHead(bytes: Uint8Array, at: number, time: number): number {
    if (this.headLength === 0) this.startedAt = time;
    const take = Math.min(headBytes - this.headLength, bytes.length - at);
    for (let i = 0; i < take; i++) this.head[this.headLength++] = bytes[at + i] as number;
    if (this.headLength === headBytes) {
      this.left = u32(this.head, 8);
      this.bodyLength = 0;
    }
    return take;
  }

  get headIsWhole(): boolean {
    return this.headLength === headBytes;
  }

  /** Takes bytes of the body from bytes[at], keeping `keep` of them in all; how many. */
  readBody(bytes: Uint8Array, at: number, keep: number): number {
    const take = Math.min(this.left, bytes.length - at);
    const kept = Math.min(take, keep - this.bodyLength);
    for (let i = 0; i < kept; i++) this.body[this.bodyLength++] = bytes[at + i] as number;
    this.left -= take;
    return take;
  }

  next(): void {
    this.headLength = 0;
  }
}

export class Binary implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly flight: InFlight<Asked>;
  private readonly out = new Packets();
  private readonly in = new Packets();
  private asking: Asked | undefined = undefined;
  private answering: Asked | undefined = undefined;
  private asked = false;
  private clientQuiet = false;
  private serverQuiet = false;

  constructor(sink: Sink) {
    this.sink = sink;
    this.flight = new InFlight(sink);
  }

  get idle(): boolean {
    return !this.lost && this.flight.length === 0 && this.out.atBorder && this.in.atBorder;
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost || this.clientQuiet) return;
    const { out } = this;
    let i = 0;
    while (i < bytes.length) {
      if (!out.headIsWhole) {
        i += out.readHead(bytes, i, at);
        if (!out.headIsWhole) return;
        if (!isRequest(out.head) || this.flight.length >= mostPending) {
          if (this.asked) this.lose();
          // Joined in the middle of a packet: the next one begins after an answer.
          else this.clientQuiet = true;
          out.restart();
          return;
        }
        this.open(at);
      }
      const keep = u16(out.head, 2) + (out.head[4] as number);
      const take = out.readBody(bytes, i, keep);
      i += take;
      const { asking } = this;
      if (asking) {
        asking.bytesOut += take;
        asking.lastOut = at;
      }
      if (out.left === 0) this.sent();
    }
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost || this.serverQuiet) return;
    const packets = this.in;
    let i = 0;
    while (i < bytes.length) {
      if (!packets.headIsWhole) {
        i += packets.readHead(bytes, i, at);
        if (!packets.headIsWhole) return;
        if (!isAnswer(packets.head)) {
          if (this.flight.length > 0) this.lose();
          // Joined in the middle of a packet: the next one begins after the next request.
          else this.serverQuiet = true;
          packets.restart();
          return;
        }
        this.answer(at);
      }
      const take = packets.readBody(bytes, i, 0);
      i += take;
      const { answering } = this;
      if (answering) {
        answering.bytesIn += take;
        answering.lastIn = at;
      }
      if (packets.left === 0) this.answered();
    }
  }

  close(_at: number, error: string): void {
    this.closeAll(error || 'closed');
  }

  private closeAll(error: string): void {
    for (let first = this.flight.first; first; first = this.flight.first) {
      if (first.error === '' && !first.oneWay) first.error = error;
      this.flight.closeFirst();
    }
    this.asking = undefined;
    this.answering = undefined;
  }

  private lose(): void {
    this.lost = true;
    this.closeAll('');
  }

  private open(at: number): void {
    const { head, startedAt } = this.out;
    const code = head[1] as number;
    const known = opcodes[code] as Opcode;
    this.asked = true;
    if (this.serverQuiet) {
      this.serverQuiet = false;
      this.in.restart();
    }
    const asked = new Asked(code, u32(head, 12), known);
    asked.firstOut = startedAt;
    asked.lastOut = at;
    asked.bytesOut = headBytes;
    asked.setup = code >= 0x20 && code <= 0x22;
    asked.oneWay = known.name === 'quit' && known.quiet;
    if (known.name === 'get' || known.name === 'gat') asked.rows = 0;
    this.asking = asked;
    this.flight.add(asked);
    this.sink.opened(asked);
  }

  private sent(): void {
    const { out, asking } = this;
    out.next();
    this.asking = undefined;
    if (!asking) return;
    const extras = out.head[4] as number;
    const key = u16(out.head, 2);
    if (key > 0 && !asking.setup && asking.code !== stats)
      asking.operation = nameWithKey(asking.operation, out.body, extras, extras + key);
  }

  private answer(at: number): void {
    const { head, startedAt } = this.in;
    const code = head[1] as number;
    const opaque = u32(head, 12);
    // Quiet ones before the one that is answered had nothing to say.
    let place = 0;
    for (let one = this.flight.first; one; one = this.flight.at(++place)) {
      if (one.code === code && one.opaque === opaque) break;
      if (!one.quiet) {
        place = -1;
        break;
      }
    }
    this.answering = undefined;
    if (place < 0 || place >= this.flight.length) return;
    for (; place > 0; place--) this.flight.closeFirst();
    const first = this.flight.first as Asked;
    if (Number.isNaN(first.firstIn)) first.firstIn = startedAt;
    first.lastIn = at;
    first.bytesIn += headBytes;
    const status = u16(head, 6);
    first.error = errors[status] ?? '';
    if (first.rows >= 0 && status === 0) first.rows = 1;
    this.answering = first;
  }

  private answered(): void {
    const { answering, in: packets } = this;
    packets.next();
    this.answering = undefined;
    if (answering) {
      // Statistics come as packets until an empty one.
      if (answering.code === stats && answering.error === '' && u32(packets.head, 8) > 0) return;
      if (answering === this.asking) this.asking = undefined;
      this.flight.closeFirst();
    } else if (this.clientQuiet) {
      // What was joined in the middle is answered now.
      this.clientQuiet = false;
      this.out.restart();
    }
  }
}
