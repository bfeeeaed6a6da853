// AMQP 0-9-1 (RabbitMQ): frames of both directions → exchanges. Channels are conversations of their own.
//
//   client   queue.declare │            │ publish header body │ publish …     │             │            ack
//   server               declare-ok │ …                                     ack 2 multiple │ deliver header body │
//            └─ exchange ───────────┘   └─ one way, or with confirms: both answered ───────┘ └─ a CONSUMER ──────┘
//
//   methods with an answer     in their order, on each channel. An answer is whole with its method's frame, that of
//                              basic.get with the message's last body frame
//   basic.publish              over when sent; behind confirm.select answered by the server's ack or nack of its
//                              delivery tag, which counts the channel's messages from 1 (multiple: and of all before)
//   basic.deliver              a message of its own, named by the queue that was consumed; whole with its last body frame
//   ack, nack, reject          one way
//   channel.close, connection.close by the server, with a reply code: what waits for an answer there fails with the code
//
// From the protocol header to connection.open-ok it is `connect`; the namespace is the virtual host. Heartbeats are
// nothing. Of a body only the length is looked at.

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Recognition, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';
import { nameWithSubject } from '../names/subject.ts';
import { FrameReader } from './frames.ts';
import { FrameType, Method, type Request, requests } from './spec.ts';

export const amqp: Protocol = {
  name: 'amqp',
  tells: true,
  recognise,
  decode: (sink) => new Amqp(sink),
};

/** What a client says first: the protocol's name and version. */
const header = Uint8Array.of(65, 77, 81, 80, 0, 0, 9, 1);

function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (client.length === 0) return server.length === 0 ? 'more' : 'no';
  for (let i = 0; i < header.length; i++) {
    if (i === client.length) return 'more';
    if (client[i] !== header[i]) return 'no';
  }
  return 'yes';
}

/** Requests in flight on a connection; more than that is no client. */
const mostWaiting = 10_000;
/** Publishings whose confirmation is waited for; those beyond are taken for one way. */
const mostUnconfirmed = 50_000;
const mostChannels = 65_536;
/** Consumers of a connection whose queues are known. */
const mostConsumers = 10_000;

/** A method that the server is to answer. */
class Asked extends Exchange {
  readonly request: Request;
  /** Of consume: the name of the messages to come. */
  delivers = '';
  constructor(request: Request) {
    super(Kind.client);
    this.request = request;
  }
}

/** A message on its way: behind the method comes a header with the body's length, then the body in frames. */
class Content {
  readonly exchange: Exchange;
  /** Bytes of the body still to come; -1 = the header is. */
  left = -1;
  constructor(exchange: Exchange) {
    this.exchange = exchange;
  }
}

class Channel {
  readonly asked: InFlight<Asked>;
  sending: Content | undefined = undefined;
  receiving: Content | undefined = undefined;
  /** Behind confirm.select: the delivery tag of the next publishing, else 0. */
  nextTag = 0;
  /** Not yet confirmed, by their tags, which grow. */
  readonly unconfirmed = new Map<number, Exchange>();
  /** By the consumers' tags, how what is delivered is called. */
  readonly consumers = new Map<string, string>();

  constructor(sink: Sink) {
    this.asked = new InFlight(sink);
  }
}

class Amqp implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly requests: FrameReader;
  private readonly answers: FrameReader;
  private readonly channels = new Map<number, Channel>();
  /** Bytes of the header seen; all of it when joined in the middle. */
  private greeted = 0;
  private connect: Exchange | undefined = undefined;
  /** Requests in flight, and messages on their way. */
  private waiting = 0;
  private unconfirmed = 0;
  private consumers = 0;
  private namespace = '';

  constructor(sink: Sink) {
    this.sink = sink;
    this.requests = new FrameReader((frame, at) => this.sent(frame, at));
    this.answers = new FrameReader((frame, at) => this.received(frame, at));
  }

  get idle(): boolean {
    return (
      !this.lost &&
      this.waiting === 0 &&
      this.unconfirmed === 0 &&
      this.connect === undefined &&
      (this.greeted === 0 || this.greeted === header.length) &&
      this.requests.atBorder &&
      this.answers.atBorder
    );
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost) return;
    let i = 0;
    if (this.greeted < header.length) {
      if (this.greeted === 0 && bytes[0] !== header[0]) this.greeted = header.length;
      i = this.greet(bytes, at);
    }
    if (i < 0 || !this.requests.read(bytes, i, at)) this.lose();
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost || this.answers.read(bytes, 0, at)) return;
    this.lose();
  }

  close(_at: number, error: string): void {
    this.closeAll(error || 'closed');
  }

  /** Reads what is left of the header; how many bytes, or -1 when it is none. */
  private greet(bytes: Uint8Array, at: number): number {
    let i = 0;
    while (this.greeted < header.length && i < bytes.length) {
      if (bytes[i++] !== header[this.greeted++]) return -1;
      if (this.greeted === 1) {
        this.connect = new Exchange(Kind.client);
        this.connect.operation = 'connect';
        this.connect.setup = true;
        this.connect.firstOut = at;
        this.sink.opened(this.connect);
      }
      if (this.connect) {
        this.connect.bytesOut++;
        this.connect.lastOut = at;
      }
    }
    return i;
  }

  private channel(number: number): Channel {
    let channel = this.channels.get(number);
    if (channel === undefined) {
      channel = new Channel(this.sink);
      if (this.channels.size < mostChannels) this.channels.set(number, channel);
    }
    return channel;
  }

  // ------------------------------------------------------------------------------------------------- client

  private sent(frame: FrameReader, at: number): boolean {
    if (frame.type === FrameType.heartbeat) return true;
    if (frame.type !== FrameType.method) {
      const channel = this.channels.get(frame.channel);
      const content = channel?.sending;
      if (channel === undefined || content === undefined) return true;
      countOut(content.exchange, frame, at);
      if (!isWhole(content, frame)) return true;
      channel.sending = undefined;
      this.waiting--;
      if (content.exchange.oneWay) this.sink.closed(content.exchange);
      return true;
    }
    const before = this.channels.get(frame.channel);
    // Nothing comes between a message's frames: this one was cut short.
    if (before?.sending) this.endSending(before);
    const id = frame.uint(4);
    switch (id) {
      case Method.connectionStartOk:
      case Method.connectionSecureOk:
      case Method.connectionTuneOk:
      case Method.connectionOpen:
        if (this.connect) countOut(this.connect, frame, at);
        if (id === Method.connectionOpen) this.namespace = virtualHost(frame);
        return true;
      case Method.publish:
        this.publish(frame, at);
        return true;
      case Method.channelCloseOk:
        this.closeChannel(frame.channel, 'closed');
        return true;
    }
    const request = requests.get(id);
    if (request === undefined) return true;
    if (this.waiting >= mostWaiting) return false;
    // The channel is new, whatever was left of an older one of this number.
    if (id === Method.channelOpen) this.closeChannel(frame.channel, 'closed');
    this.ask(request, id, frame, at);
    return true;
  }

  private ask(request: Request, id: number, frame: FrameReader, at: number): void {
    const channel = this.channel(frame.channel);
    const asked = new Asked(request);
    asked.operation = request.name;
    asked.namespace = this.namespace;
    asked.setup = id === Method.connectionClose;
    asked.firstOut = frame.startedAt;
    asked.oneWay = request.answer === 0;
    frame.skip(request.reserved);
    for (let i = 0; i < request.names; i++) {
      frame.name();
      if (i < request.shown)
        asked.operation = nameWithSubject(asked.operation, frame.bytes, frame.nameFrom, frame.nameTo);
      if (id === Method.consume && i === 0)
        asked.delivers = nameWithSubject('deliver', frame.bytes, frame.nameFrom, frame.nameTo);
    }
    if (request.noWait >= 0 && (frame.uint(1) >> request.noWait) & 1) {
      asked.oneWay = true;
      if (id === Method.consume) this.consume(channel, frame.nameText, asked.delivers);
      if (id === Method.cancel) this.cancel(channel, frame.nameText);
    }
    if (id === Method.confirmSelect && channel.nextTag === 0) channel.nextTag = 1;
    countOut(asked, frame, at);
    this.sink.opened(asked);
    if (asked.oneWay) this.sink.closed(asked);
    else {
      channel.asked.add(asked);
      this.waiting++;
    }
  }

  private publish(frame: FrameReader, at: number): void {
    const channel = this.channel(frame.channel);
    const message = new Exchange(Kind.producer);
    message.namespace = this.namespace;
    message.firstOut = frame.startedAt;
    frame.skip(2);
    frame.name();
    const toExchange = nameWithSubject('publish', frame.bytes, frame.nameFrom, frame.nameTo);
    frame.name();
    message.operation = nameWithSubject(toExchange, frame.bytes, frame.nameFrom, frame.nameTo);
    countOut(message, frame, at);
    message.oneWay = channel.nextTag === 0 || this.unconfirmed >= mostUnconfirmed;
    if (channel.nextTag > 0) {
      const tag = channel.nextTag++;
      if (!message.oneWay) {
        channel.unconfirmed.set(tag, message);
        this.unconfirmed++;
      }
    }
    this.sink.opened(message);
    channel.sending = new Content(message);
    this.waiting++;
  }

  // ------------------------------------------------------------------------------------------------- server

  private received(frame: FrameReader, at: number): boolean {
    if (frame.type === FrameType.heartbeat) return true;
    if (frame.type !== FrameType.method) {
      const channel = this.channels.get(frame.channel);
      const content = channel?.receiving;
      if (channel === undefined || content === undefined) return true;
      countIn(content.exchange, frame, at);
      if (!isWhole(content, frame)) return true;
      channel.receiving = undefined;
      this.waiting--;
      if (content.exchange === channel.asked.first) this.closeAsked(channel);
      else this.sink.closed(content.exchange);
      return true;
    }
    const channel = this.channels.get(frame.channel);
    if (channel?.receiving) this.endReceiving(channel);
    const id = frame.uint(4);
    switch (id) {
      case Method.connectionStart:
      case Method.connectionSecure:
      case Method.connectionTune:
      case Method.connectionOpenOk:
        if (this.connect === undefined) return true;
        countIn(this.connect, frame, at);
        if (id === Method.connectionOpenOk) this.connected();
        return true;
      case Method.connectionClose:
        this.closedByServer('connection.close', frame, at);
        return true;
      case Method.channelClose:
        this.closedByServer('channel.close', frame, at);
        return true;
      case Method.deliver:
      case Method.return:
        this.push(id, frame, at);
        return true;
      case Method.ack:
      case Method.nack:
        this.confirm(id, frame, at);
        return true;
      case Method.cancel:
        // The queue is gone.
        frame.name();
        this.cancel(this.channel(frame.channel), frame.nameText);
        return true;
    }
    const asked = channel?.asked.first;
    if (channel === undefined || asked === undefined) return true;
    if (id !== asked.request.answer && !(id === Method.getEmpty && asked.request.answer === Method.getOk)) return true;
    countIn(asked, frame, at);
    switch (id) {
      case Method.getOk:
        asked.rows = 1;
        this.receive(channel, asked);
        return true;
      case Method.getEmpty:
        asked.rows = 0;
        break;
      case Method.queuePurgeOk:
      case Method.queueDeleteOk:
        asked.rows = frame.uint(4) | 0;
        if (asked.rows < 0) asked.rows = -1;
        break;
      case Method.consumeOk:
        frame.name();
        this.consume(channel, frame.nameText, asked.delivers);
        break;
      case Method.cancelOk:
        frame.name();
        this.cancel(channel, frame.nameText);
    }
    this.closeAsked(channel);
    if (id === Method.channelCloseOk) this.closeChannel(frame.channel, 'closed');
    return true;
  }

  private connected(): void {
    const { connect } = this;
    if (connect === undefined) return;
    this.connect = undefined;
    connect.namespace = this.namespace;
    this.sink.closed(connect);
  }

  private closeAsked(channel: Channel): void {
    this.waiting--;
    channel.asked.closeFirst();
  }

  private receive(channel: Channel, exchange: Exchange): void {
    channel.receiving = new Content(exchange);
    this.waiting++;
  }

  /** A message that was not asked for now: delivered to a consumer, or returned because no queue takes it. */
  private push(id: number, frame: FrameReader, at: number): void {
    const channel = this.channel(frame.channel);
    const message = new Exchange(Kind.consumer);
    message.namespace = this.namespace;
    message.oneWay = true;
    message.rows = 1;
    message.firstIn = frame.startedAt;
    if (id === Method.deliver) {
      frame.name();
      message.operation = channel.consumers.get(frame.nameText) ?? '';
      frame.skip(9); // delivery tag, redelivered
    } else {
      message.error = replyCode(frame.uint(2));
      frame.name(); // the reply's text
    }
    if (message.operation === '') {
      frame.name();
      const name = id === Method.deliver ? 'deliver' : 'return';
      const fromExchange = nameWithSubject(name, frame.bytes, frame.nameFrom, frame.nameTo);
      frame.name();
      message.operation = nameWithSubject(fromExchange, frame.bytes, frame.nameFrom, frame.nameTo);
    }
    countIn(message, frame, at);
    this.sink.opened(message);
    this.receive(channel, message);
  }

  /** The server has taken messages over, or could not. */
  private confirm(id: number, frame: FrameReader, at: number): void {
    const channel = this.channels.get(frame.channel);
    if (channel === undefined) return;
    const tag = frame.uint(8);
    const isMultiple = (frame.uint(1) & 1) === 1;
    const error = id === Method.nack ? 'nack' : '';
    if (!isMultiple) {
      const message = channel.unconfirmed.get(tag);
      if (message === undefined || message === channel.sending?.exchange) return;
      countIn(message, frame, at);
      this.confirmed(channel, tag, message, error);
      return;
    }
    let isFirst = true;
    for (const [number, message] of channel.unconfirmed) {
      if ((number > tag && tag > 0) || message === channel.sending?.exchange) break;
      // The one frame that answers them all is counted once.
      if (isFirst) countIn(message, frame, at);
      else {
        message.firstIn = frame.startedAt;
        message.lastIn = at;
      }
      isFirst = false;
      this.confirmed(channel, number, message, error);
    }
  }

  private confirmed(channel: Channel, tag: number, message: Exchange, error: string): void {
    channel.unconfirmed.delete(tag);
    this.unconfirmed--;
    if (error !== '') message.error = error;
    this.sink.closed(message);
  }

  private consume(channel: Channel, tag: string, delivers: string): void {
    if (this.consumers >= mostConsumers || channel.consumers.has(tag)) return;
    this.consumers++;
    channel.consumers.set(tag, delivers);
  }

  private cancel(channel: Channel, tag: string): void {
    if (channel.consumers.delete(tag)) this.consumers--;
  }

  // ------------------------------------------------------------------------------------------------- ends

  /** The server closes a channel or the connection, and says why: all that waits for an answer there gets none. */
  private closedByServer(name: string, frame: FrameReader, at: number): void {
    const error = replyCode(frame.uint(2));
    const { connect } = this;
    let waited = false;
    if (name === 'connection.close') {
      waited = connect !== undefined;
      if (connect) {
        countIn(connect, frame, at);
        connect.error = error;
        this.connected();
      }
      for (const number of [...this.channels.keys()]) waited = this.closeChannel(number, error, frame, at) || waited;
    } else waited = this.closeChannel(frame.channel, error, frame, at);
    if (waited || error === '') return;
    // What it was for has been over since it was sent.
    const told = new Exchange(Kind.consumer);
    told.operation = name;
    told.namespace = this.namespace;
    told.oneWay = true;
    told.error = error;
    told.firstIn = frame.startedAt;
    countIn(told, frame, at);
    this.sink.opened(told);
    this.sink.closed(told);
  }

  /** Closes what a channel has open; true if anything waited for an answer, which `frame` is. */
  private closeChannel(number: number, error: string, frame?: FrameReader, at = 0): boolean {
    const channel = this.channels.get(number);
    if (channel === undefined) return false;
    this.channels.delete(number);
    this.consumers -= channel.consumers.size;
    let answer = frame;
    const answerWith = (exchange: Exchange): void => {
      if (answer) countIn(exchange, answer, at);
      answer = undefined;
    };
    const { sending, receiving, asked, unconfirmed } = channel;
    const waited = asked.length > 0 || unconfirmed.size > 0 || sending !== undefined;
    if (receiving) {
      this.waiting--;
      if (receiving.exchange !== asked.first) this.sink.closed(receiving.exchange);
    }
    if (asked.first) answerWith(asked.first);
    this.waiting -= asked.length;
    asked.closeAll(error, error);
    this.unconfirmed -= unconfirmed.size;
    for (const message of unconfirmed.values()) {
      if (message === sending?.exchange) continue;
      answerWith(message);
      message.error = error;
      this.sink.closed(message);
    }
    if (sending) {
      this.waiting--;
      answerWith(sending.exchange);
      sending.exchange.error = error;
      this.sink.closed(sending.exchange);
    }
    return waited;
  }

  /** A message that the client did not send in full. */
  private endSending(channel: Channel): void {
    const { exchange } = channel.sending as Content;
    channel.sending = undefined;
    this.waiting--;
    if (!exchange.oneWay) {
      for (const [tag, message] of channel.unconfirmed) if (message === exchange) channel.unconfirmed.delete(tag);
      this.unconfirmed--;
    }
    exchange.error = 'closed';
    this.sink.closed(exchange);
  }

  /** A message that the server did not send in full. */
  private endReceiving(channel: Channel): void {
    const { exchange } = channel.receiving as Content;
    channel.receiving = undefined;
    this.waiting--;
    if (exchange === channel.asked.first) this.closeAsked(channel);
    else this.sink.closed(exchange);
  }

  private closeAll(error: string): void {
    const { connect } = this;
    if (connect) {
      connect.error = error;
      this.connected();
    }
    for (const number of [...this.channels.keys()]) this.closeChannel(number, error);
  }

  private lose(): void {
    this.lost = true;
    this.closeAll('');
  }
}

function countOut(exchange: Exchange, frame: FrameReader, at: number): void {
  exchange.bytesOut += frame.size + 8;
  exchange.lastOut = at;
}

function countIn(exchange: Exchange, frame: FrameReader, at: number): void {
  if (Number.isNaN(exchange.firstIn)) exchange.firstIn = frame.startedAt;
  exchange.bytesIn += frame.size + 8;
  exchange.lastIn = at;
}

/** Counts a header's or a body's frame; true when it was the message's last. */
function isWhole(content: Content, frame: FrameReader): boolean {
  if (frame.type === FrameType.header) {
    frame.skip(4); // class, weight
    content.left = frame.uint(8);
  } else content.left -= frame.size;
  return content.left === 0 || (content.left < 0 && frame.type === FrameType.body);
}

/** As an error: '404'; 200 is none. */
const replyCode = (code: number): string => (code === 200 || code === 0 ? '' : String(code));

/** The virtual host that is opened; '' for the usual one, and for one whose name is no word of a program. */
function virtualHost(frame: FrameReader): string {
  frame.name();
  const name = frame.nameText;
  return name === '/' || !/^[\w./-]{1,100}$/.test(name) ? '' : name.replace(/^\//, '');
}
