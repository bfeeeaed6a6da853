// MQTT 3.1, 3.1.1 and 5: control packets of both directions → exchanges, matched by their packet identifiers.
//
//   client  CONNECT         PUBLISH 7 (QoS 1)      PUBLISH 8 (QoS 2)        PUBREL 8           │ PUBLISH (QoS 0) │
//   server          CONNACK │               PUBACK 7                PUBREC 8         PUBCOMP 8 │                 │ PUBLISH
//           └─ connect ─────┘ └─ exchange ─────────┘ └─ exchange ──────────────────────────────┘ └ one way ──────┘ a CONSUMER
//
//   SUBSCRIBE, UNSUBSCRIBE answered by SUBACK, UNSUBACK. What the client says to a message that it received is no
//   operation. PINGREQ and DISCONNECT belong to the connection. A reason code of 128 or more (3.1.1: a return code that
//   is not 0) is an error; the server's DISCONNECT is that of all that waits for an answer.
//
// https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Recognition, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';
import { nameWithSubject, subjectPattern } from '../names/subject.ts';
import { PacketReader, varintBytes } from './packets.ts';

export const mqtt: Protocol = {
  name: 'mqtt',
  tells: true,
  recognise,
  decode: (sink) => new Mqtt(sink),
};

const Type = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** The level behind the protocol's name; 0 when it is none. */
function levelAt(byte: (at: number) => number): number {
  const name = byte(1) === 4 ? 'MQTT' : 'MQIsdp';
  if (byte(0) !== 0 || byte(1) !== name.length) return 0;
  for (let i = 0; i < name.length; i++) if (byte(2 + i) !== name.charCodeAt(i)) return 0;
  const level = byte(2 + name.length) & 127; // a bridge sets the highest bit
  return (name === 'MQTT' ? level === 4 || level === 5 : level === 3) ? level : 0;
}

/** By a CONNECT: its type, its length, the protocol's name and level, and flags whose lowest bit is 0. */
function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (client.length === 0) return server.length === 0 ? 'more' : 'no';
  if (client[0] !== 0x10) return 'no';
  let at = 1;
  while (at < 5 && at < client.length && (client[at] as number) > 127) at++;
  if (at === 5) return 'no';
  if (++at >= client.length) return 'more';
  for (const name of ['\0\x04MQTT', '\0\x06MQIsdp']) {
    let i = 0;
    while (i < name.length && at + i < client.length && client[at + i] === name.charCodeAt(i)) i++;
    if (i === name.length) {
      if (at + i + 1 >= client.length) return 'more';
      const isLevel = levelAt((n) => client[at + n] as number) > 0;
      return isLevel && ((client[at + i + 1] as number) & 1) === 0 ? 'yes' : 'no';
    }
    if (at + i === client.length) return 'more';
  }
  return 'no';
}

const mostPings = 1_000;
const mostAliases = 1_000;
/** So much of a list of topics or codes is looked at. */
const listBytes = 1024;
const propertyBytes = 512;
const mostTopics = 3;
const longestName = 250;

/** Something that the client asked for, by a packet with an identifier. */
class Asked extends Exchange {
  readonly id: number;
  /** The type of the packet that answers it; of a PUBLISH with QoS 2 the last one's. */
  readonly answer: number;
  constructor(kind: Kind, id: number, answer: number) {
    super(kind);
    this.id = id;
    this.answer = answer;
  }
}

/** What a direction is in the middle of. */
class Direction {
  id = 0;
  reason = 0;
  message: Exchange | undefined = undefined;
  readonly aliases = new Map<number, string>();
}

class Mqtt implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly requests: PacketReader;
  private readonly answers: PacketReader;
  private readonly out = new Direction();
  private readonly in = new Direction();
  private connect: Exchange | undefined = undefined;
  private readonly asked = new Map<number, Asked>();
  private readonly pings: InFlight<Exchange>;
  private level = 4;

  constructor(sink: Sink) {
    this.sink = sink;
    this.pings = new InFlight(sink);
    this.requests = new PacketReader({
      begin: (packet, at) => this.asking(packet, at),
      end: (packet, at) => this.sent(packet, at),
    });
    this.answers = new PacketReader({
      begin: (packet, at) => this.answering(packet, at),
      end: (packet, at) => this.received(packet, at),
    });
  }

  get idle(): boolean {
    return (
      !this.lost &&
      this.connect === undefined &&
      this.asked.size === 0 &&
      this.pings.length === 0 &&
      this.requests.atBorder &&
      this.answers.atBorder
    );
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost || this.requests.read(bytes, at)) return;
    this.lose();
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost || this.answers.read(bytes, at)) return;
    this.lose();
  }

  close(_at: number, error: string): void {
    this.closeAll(error || 'closed');
  }

  // ------------------------------------------------------------------------------------------------- client

  private asking(packet: PacketReader, at: number): number {
    const { out } = this;
    switch (packet.type) {
      case Type.connect: {
        if (packet.length < Math.min(9, packet.size)) return 9;
        const level = levelAt((n) => packet.u8(n));
        if (level === 0) return -1;
        this.level = level;
        this.connected();
        this.connect = this.open('connect', packet, at);
        return 0;
      }
      case Type.publish: {
        const needed = this.publishBytes(packet);
        if (needed > packet.length && packet.length < packet.size) return needed;
        return this.publish(packet, at) ? 0 : -1;
      }
      case Type.puback:
      case Type.pubrec:
      case Type.pubrel:
      case Type.pubcomp:
        out.id = packet.u16(0);
        return 0;
      case Type.subscribe:
      case Type.unsubscribe: {
        if (packet.length < Math.min(listBytes, packet.size)) return listBytes;
        const isSubscribe = packet.type === Type.subscribe;
        const name = this.topics(packet, isSubscribe);
        const asked = this.ask(Kind.client, packet.u16(0), isSubscribe ? Type.suback : Type.unsuback);
        asked.operation = `${isSubscribe ? 'subscribe' : 'unsubscribe'} ${name}`.slice(0, longestName);
        this.begin(asked, packet, at);
        out.message = asked;
        return 0;
      }
      case Type.pingreq:
      case Type.disconnect:
      case Type.auth:
        return 0;
      default:
        return -1;
    }
  }

  private open(operation: string, packet: PacketReader, at: number): Exchange {
    const exchange = new Exchange(Kind.client);
    exchange.operation = operation;
    exchange.setup = true;
    this.begin(exchange, packet, at);
    return exchange;
  }

  private begin(exchange: Exchange, packet: PacketReader, at: number): void {
    exchange.firstOut = packet.startedAt;
    exchange.lastOut = at;
    this.sink.opened(exchange);
  }

  private ask(kind: Kind, id: number, answer: number): Asked {
    const before = this.asked.get(id);
    // The identifier is used anew: nobody waits for its answer any more.
    if (before) this.over(before, 'unanswered');
    const asked = new Asked(kind, id, answer);
    this.asked.set(id, asked);
    return asked;
  }

  private over(asked: Asked, error: string): void {
    this.asked.delete(asked.id);
    if (this.out.message === asked) this.out.message = undefined;
    if (error !== '') asked.error = error;
    this.sink.closed(asked);
  }

  private publish(packet: PacketReader, at: number): boolean {
    const qos = (packet.flags >> 1) & 3;
    if (qos === 3) return false;
    const name = this.topic('publish', packet, this.out);
    if (qos === 0) {
      const message = new Exchange(Kind.producer);
      message.oneWay = true;
      message.operation = name;
      this.begin(message, packet, at);
      this.out.message = message;
      return true;
    }
    const id = packet.u16(2 + packet.u16(0));
    const answer = qos === 1 ? Type.puback : Type.pubcomp;
    const before = this.asked.get(id);
    // Said once more, as it has not been answered yet.
    if ((packet.flags & 8) !== 0 && before?.answer === answer) {
      this.out.message = before;
      return true;
    }
    const message = this.ask(Kind.producer, id, answer);
    message.operation = name;
    this.begin(message, packet, at);
    this.out.message = message;
    return true;
  }

  private sent(packet: PacketReader, at: number): void {
    const { out } = this;
    const { message } = out;
    out.message = undefined;
    switch (packet.type) {
      case Type.connect:
        if (this.connect) countOut(this.connect, packet, at);
        return;
      case Type.publish:
      case Type.subscribe:
      case Type.unsubscribe:
        if (message === undefined) return;
        countOut(message, packet, at);
        if (message.oneWay) this.sink.closed(message);
        return;
      case Type.pubrel: {
        const asked = this.asked.get(out.id);
        if (asked?.answer === Type.pubcomp) countOut(asked, packet, at);
        return;
      }
      case Type.pingreq: {
        if (this.pings.length >= mostPings) return;
        const ping = this.open('ping', packet, at);
        countOut(ping, packet, at);
        this.pings.add(ping);
        return;
      }
      case Type.disconnect: {
        const disconnect = this.open('disconnect', packet, at);
        disconnect.oneWay = true;
        countOut(disconnect, packet, at);
        this.sink.closed(disconnect);
        return;
      }
      case Type.auth:
        if (this.connect) countOut(this.connect, packet, at);
    }
  }

  // ------------------------------------------------------------------------------------------------- server

  private answering(packet: PacketReader, at: number): number {
    const received = this.in;
    switch (packet.type) {
      case Type.connack:
        received.reason = packet.u8(1);
        return 0;
      case Type.publish: {
        const needed = this.publishBytes(packet);
        if (needed > packet.length && packet.length < packet.size) return needed;
        this.push(this.topic('message', packet, received), packet, at);
        return 0;
      }
      case Type.puback:
      case Type.pubrec:
      case Type.pubrel:
      case Type.pubcomp:
        if (packet.length < Math.min(3, packet.size)) return 3;
        received.id = packet.u16(0);
        received.reason = packet.u8(2);
        return 0;
      case Type.suback:
      case Type.unsuback:
        if (packet.length < Math.min(listBytes, packet.size)) return listBytes;
        received.id = packet.u16(0);
        received.reason = this.firstFailure(packet);
        return 0;
      case Type.disconnect:
        received.reason = packet.u8(0);
        return 0;
      case Type.pingresp:
      case Type.auth:
        return 0;
      default:
        return -1;
    }
  }

  /** A message that was not asked for now. */
  private push(operation: string, packet: PacketReader, at: number): void {
    const message = new Exchange(Kind.consumer);
    message.operation = operation;
    message.oneWay = true;
    message.firstIn = packet.startedAt;
    message.lastIn = at;
    this.in.message = message;
    this.sink.opened(message);
  }

  private received(packet: PacketReader, at: number): void {
    const { id, reason, message } = this.in;
    const error = reason > 127 ? String(reason) : '';
    switch (packet.type) {
      case Type.connack:
        if (this.connect === undefined) return;
        countIn(this.connect, packet, at);
        this.connect.error = reason > 0 ? String(reason) : '';
        this.connected();
        return;
      case Type.publish:
        this.in.message = undefined;
        if (message === undefined) return;
        message.rows = 1;
        countIn(message, packet, at);
        this.sink.closed(message);
        return;
      case Type.pubrec: {
        const asked = this.asked.get(id);
        if (asked?.answer !== Type.pubcomp) return;
        countIn(asked, packet, at);
        if (error !== '') this.over(asked, error);
        return;
      }
      case Type.puback:
      case Type.pubcomp:
      case Type.suback:
      case Type.unsuback: {
        const asked = this.asked.get(id);
        if (asked?.answer !== packet.type) return;
        countIn(asked, packet, at);
        this.over(asked, error);
        return;
      }
      case Type.pingresp: {
        const ping = this.pings.first;
        if (ping === undefined) return;
        countIn(ping, packet, at);
        this.pings.closeFirst();
        return;
      }
      case Type.auth:
        if (this.connect) countIn(this.connect, packet, at);
        return;
      case Type.disconnect:
        this.disconnected(packet, at, error);
    }
  }

  /** The server ends the connection and says why. */
  private disconnected(packet: PacketReader, at: number, error: string): void {
    if (error === '') return;
    if (this.connect) {
      countIn(this.connect, packet, at);
      this.connect.error = error;
      this.connected();
      return;
    }
    if (this.asked.size === 0) {
      this.push('disconnect', packet, at);
      const { message } = this.in;
      this.in.message = undefined;
      if (message === undefined) return;
      countIn(message, packet, at);
      message.error = error;
      this.sink.closed(message);
      return;
    }
    let isFirst = true;
    for (const asked of this.asked.values()) {
      if (isFirst) countIn(asked, packet, at);
      isFirst = false;
      this.over(asked, error);
    }
  }

  private connected(): void {
    const { connect } = this;
    this.connect = undefined;
    if (connect) this.sink.closed(connect);
  }

  private closeAll(error: string): void {
    const { out } = this;
    if (this.connect) {
      this.connect.error = error;
      this.connected();
    }
    if (out.message?.oneWay) {
      out.message.error = error;
      this.sink.closed(out.message);
    }
    out.message = undefined;
    for (const asked of this.asked.values()) this.over(asked, error);
    this.pings.closeAll(error, error);
    if (this.in.message) this.sink.closed(this.in.message);
    this.in.message = undefined;
  }

  private lose(): void {
    this.lost = true;
    this.closeAll('');
  }

  // ------------------------------------------------------------------------------------------------- fields

  /** How much of a PUBLISH is needed: topic, packet identifier, properties. */
  private publishBytes(packet: PacketReader): number {
    const properties = 2 + packet.u16(0) + (packet.flags & 6 ? 2 : 0);
    if (this.level < 5) return properties;
    if (packet.length < Math.min(properties + 4, packet.size)) return properties + 4;
    const length = packet.varint(properties);
    return properties + 1 + Math.max(0, Math.min(length, propertyBytes) + varintBytes(length) - 1);
  }

  /** What a message is called; with MQTT 5 a topic may be told by a number once it was said in full. */
  private topic(name: string, packet: PacketReader, { aliases }: Direction): string {
    const length = packet.u16(0);
    const from = packet.from + 2;
    const full = nameWithSubject(name, packet.bytes, from, Math.min(from + length, packet.from + packet.length));
    if (this.level < 5) return full;
    const alias = topicAlias(packet, 2 + length + (packet.flags & 6 ? 2 : 0));
    if (alias === 0) return full;
    if (length === 0) return aliases.get(alias) ?? full;
    if (aliases.size < mostAliases || aliases.has(alias)) aliases.set(alias, full);
    return full;
  }

  /** Behind the identifier and, with MQTT 5, the properties. */
  private listAt(packet: PacketReader): number {
    if (this.level < 5) return 2;
    const length = packet.varint(2);
    return length < 0 ? packet.length : 2 + varintBytes(length) + length;
  }

  private topics(packet: PacketReader, hasOptions: boolean): string {
    const names: string[] = [];
    let at = this.listAt(packet);
    while (at + 2 < packet.length) {
      if (names.length === mostTopics) {
        names.push('…');
        break;
      }
      const from = at + 2;
      at = from + packet.u16(at);
      const start = packet.from;
      names.push(subjectPattern(packet.bytes, start + from, start + Math.min(at, packet.length)) || '?');
      if (hasOptions) at++;
    }
    return names.join(', ') || '?';
  }

  /** Of SUBACK's codes the first that is an error; 0 when there is none. */
  private firstFailure(packet: PacketReader): number {
    for (let at = this.listAt(packet); at < packet.length; at++) if (packet.u8(at) > 127) return packet.u8(at);
    return 0;
  }
}

/** The property Topic Alias of a PUBLISH whose properties stand at `at`; 0 when there is none. */
function topicAlias(packet: PacketReader, at: number): number {
  const length = packet.varint(at);
  if (length <= 0) return 0;
  let i = at + varintBytes(length);
  const end = Math.min(i + length, packet.length);
  while (i < end) {
    switch (packet.u8(i)) {
      case 0x01: // payload format
        i += 2;
        break;
      case 0x02: // expiry
        i += 5;
        break;
      case 0x0b: // subscription
        i += 1 + varintBytes(Math.max(0, packet.varint(i + 1)));
        break;
      case 0x23:
        return packet.u16(i + 1);
      case 0x03: // content type
      case 0x08: // response topic
      case 0x09: // correlation data
        i += 3 + packet.u16(i + 1);
        break;
      case 0x26: {
        // a name and a value of the user's
        const value = i + 3 + packet.u16(i + 1);
        i = value + 2 + packet.u16(value);
        break;
      }
      default:
        return 0;
    }
  }
  return 0;
}

function countOut(exchange: Exchange, packet: PacketReader, at: number): void {
  exchange.bytesOut += packet.headBytes + packet.size;
  exchange.lastOut = at;
}

function countIn(exchange: Exchange, packet: PacketReader, at: number): void {
  if (Number.isNaN(exchange.firstIn)) exchange.firstIn = packet.startedAt;
  exchange.bytesIn += packet.headBytes + packet.size;
  exchange.lastIn = at;
}
