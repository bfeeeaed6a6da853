// NATS: lines and messages of both directions → exchanges.
//
//   server  INFO          PONG │                 MSG _INBOX.x.1 … │        MSG orders.new … │
//   client       CONNECT PING │ PUB orders _INBOX.x.1 …            │ PUB … │                │ PING …
//           └─ connect ───────┘ └─ request ────────────────────────┘ one way └ a CONSUMER ──┘
//
//   PUB, HPUB          one way; a request when its reply subject is one that this client listens to: the first message
//                      there answers it. JetStream's API and its publishing work like this, too
//   MSG, HMSG          a message of its own, unless it answers a request
//   SUB, UNSUB         one way
//   PING of the client answered by PONG, in their order
//   verbose            with CONNECT's verbose each of them is answered by +OK or -ERR, in their order
//
// A message with a status (NATS/1.0 503) has it for its error. Headers and messages are not read otherwise, except that
// an answer of JetStream's API says by a number that it failed.

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Recognition, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';
import { nameWithSubject, subjectPattern } from '../names/subject.ts';
import { LineReader } from './lines.ts';
import { errorCode, opOf } from './spec.ts';

export const nats: Protocol = {
  name: 'nats',
  tells: true,
  recognise,
  decode: (sink) => new Nats(sink),
};

const greeting = 'INFO {';
const firstWord = 'CONNECT {';

/** The server speaks first; what it says could be text of another protocol, were it not for its beginning. */
function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (server.length === 0) return startsAs(client, firstWord) === 'no' ? 'no' : 'more';
  return startsAs(server, greeting);
}

function startsAs(bytes: Uint8Array, word: string): Recognition {
  for (let i = 0; i < word.length; i++) {
    if (i === bytes.length) return 'more';
    if (bytes[i] !== word.charCodeAt(i)) return 'no';
  }
  return 'yes';
}

/** Requests whose answers are waited for; of more the oldest is given up. */
const mostRequests = 10_000;
/** PING, and what +OK is waited for. */
const mostAsked = 50_000;
const mostSubscriptions = 100_000;
/** Messages that may be replied to, the latest. */
const mostReplies = 1_000;
/** 'NATS/1.0 503' */
const statusBytes = 12;
/** So much of an answer says whether it is an error: {"type":"…","error":{"code":404,"err_code":10059,… */
const apiErrorBytes = 200;

interface Subscription {
  readonly subject: string;
  readonly pattern: string;
  /** What a library listens to for the answers to its requests. */
  readonly isInbox: boolean;
  /** Messages until it ends by itself; 0 = it does not. */
  max: number;
}

class Request extends Exchange {
  /** The subject its answer comes to. */
  readonly reply: string;
  /** Of JetStream's API: its answer says whether it failed. */
  readonly isApi: boolean;
  constructor(reply: string, isApi: boolean) {
    super(Kind.client);
    this.reply = reply;
    this.isApi = isApi;
  }
}

class Nats implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly asking: LineReader;
  private readonly answering: LineReader;
  private connect: Exchange | undefined = undefined;
  private greetedAt = Number.NaN;
  private greetingBytes = 0;
  /** The PING that the client says with CONNECT was seen. */
  private pinged = false;
  private readonly pings: InFlight<Exchange>;
  private verbose = false;
  /** With verbose: what is to be answered by +OK; undefined = what is answered otherwise, too. */
  private oks: (Exchange | undefined)[] = [];
  /** By their reply subjects, in the order of asking. */
  private readonly requests = new Map<string, Request>();
  private readonly subscriptions = new Map<string, Subscription>();
  /** Subjects, and beginnings of subjects, that are subscribed to, and how often. */
  private readonly heard = new Map<string, number>();
  /** What a reply subject's message was called. */
  private readonly replies = new Map<string, string>();
  private sending: Exchange | undefined = undefined;
  private sendingBytes = 0;
  private receiving: Exchange | undefined = undefined;
  private receivingStatus = false;
  private receivingLine = 0;
  private receivingBytes = 0;
  private startedAt = 0;
  private messageName = '';
  private clientQuiet = false;

  constructor(sink: Sink) {
    this.sink = sink;
    this.pings = new InFlight(sink);
    this.asking = new LineReader({
      line: (line, at) => this.sent(line, at),
      head: () => {},
      message: (at) => this.published(at),
    });
    this.answering = new LineReader({
      line: (line, at) => this.received(line, at),
      head: (bytes, from, to, at) => this.headed(bytes, from, to, at),
      message: (at) => this.delivered(at),
    });
  }

  get idle(): boolean {
    return (
      !this.lost &&
      !this.clientQuiet &&
      this.connect === undefined &&
      this.requests.size === 0 &&
      this.pings.length === 0 &&
      this.oks.length === 0 &&
      this.asking.atBorder &&
      this.answering.atBorder
    );
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost || this.clientQuiet || this.asking.read(bytes, at)) return;
    // The server will say what it thinks of that.
    this.clientQuiet = true;
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost || this.answering.read(bytes, at)) return;
    this.lost = true;
    this.closeAll('');
  }

  close(_at: number, error: string): void {
    this.closeAll(error || 'closed');
  }

  // ------------------------------------------------------------------------------------------------- client

  private sent(line: LineReader, at: number): boolean {
    const op = opOf(line.bytes, line.from(0), line.to(0));
    if (op !== 'PING' && this.connect && !this.pinged && !this.verbose) this.connected(true);
    switch (op) {
      case 'CONNECT':
        this.opens(line, at);
        return true;
      case 'PUB':
        return this.publish(line, at, line.words === 4, line.words, 3);
      case 'HPUB':
        return this.publish(line, at, line.words === 5, line.words, 4);
      case 'SUB':
        return this.subscribe(line, at);
      case 'UNSUB':
        this.unsubscribe(line, at);
        return true;
      case 'PING':
        if (this.connect && !this.pinged && !this.verbose) {
          this.pinged = true;
          this.connect.bytesOut += line.lineBytes;
          this.connect.lastOut = at;
        } else if (this.pings.length < mostAsked) {
          const ping = this.ask('ping', line, at);
          ping.setup = this.connect !== undefined;
          this.sink.opened(ping);
          this.pings.add(ping);
        } else return false;
        return true;
      case 'PONG':
        return true;
      default:
        return false;
    }
  }

  private ask(operation: string, line: LineReader, at: number): Exchange {
    const exchange = new Exchange(Kind.client);
    exchange.operation = operation;
    countOut(exchange, line, at);
    return exchange;
  }

  /** One way, unless the server says +OK to everything. */
  private expectOk(exchange: Exchange): void {
    exchange.oneWay = !this.verbose || this.oks.length >= mostAsked;
    if (!exchange.oneWay) this.oks.push(exchange);
  }

  private tell(exchange: Exchange): void {
    this.expectOk(exchange);
    this.sink.opened(exchange);
    if (exchange.oneWay) this.sink.closed(exchange);
  }

  private opens(line: LineReader, at: number): void {
    if (this.connect) this.connected(true);
    const connect = this.ask('connect', line, at);
    connect.setup = true;
    if (!Number.isNaN(this.greetedAt)) {
      connect.firstIn = this.greetedAt;
      connect.lastIn = this.greetedAt;
      connect.bytesIn = this.greetingBytes;
      this.greetedAt = Number.NaN;
    }
    this.verbose = /"verbose"\s*:\s*true/.test(line.rest(1));
    this.pinged = false;
    this.connect = connect;
    if (this.verbose) this.oks.push(connect);
    this.sink.opened(connect);
  }

  private connected(isOneWay: boolean): void {
    const { connect } = this;
    this.connect = undefined;
    if (connect === undefined) return;
    if (this.oks.length > 0) this.oks = this.oks.filter((exchange) => exchange !== connect);
    connect.oneWay = isOneWay;
    this.sink.closed(connect);
  }

  /** PUB subject [reply] size, HPUB subject [reply] size-of-headers size */
  private publish(line: LineReader, at: number, hasReply: boolean, words: number, atLeast: number): boolean {
    if (words < atLeast || words > atLeast + 1 || !this.asking.expect(line.number(words - 1), 0)) return false;
    const { bytes } = line;
    const from = line.from(1);
    const to = line.to(1);
    const reply = hasReply && this.heard.size > 0 ? line.word(2) : '';
    const isAck = startsWith(bytes, from, to, '$JS.ACK.');
    let exchange: Exchange;
    if (reply !== '' && this.hears(reply)) {
      const request = new Request(reply, startsWith(bytes, from, to, '$JS.API.'));
      request.operation = isAck ? ackName(line.word(1)) : nameWithSubject('request', bytes, from, to);
      request.idle = startsWith(bytes, from, to, '$JS.API.CONSUMER.MSG.NEXT.');
      this.giveUp(reply);
      if (this.requests.size >= mostRequests) for (const oldest of this.requests.keys()) if (this.giveUp(oldest)) break;
      this.requests.set(reply, request);
      if (this.verbose) this.oks.push(undefined);
      exchange = request;
    } else {
      exchange = new Exchange(Kind.producer);
      const message = this.replies.size > 0 ? this.replies.get(line.word(1)) : undefined;
      if (message !== undefined) exchange.operation = `reply ${message}`;
      else if (isAck) exchange.operation = ackName(line.word(1));
      else if (startsWith(bytes, from, to, inbox)) exchange.operation = 'publish _INBOX.?';
      else exchange.operation = nameWithSubject('publish', bytes, from, to);
      this.expectOk(exchange);
    }
    countOut(exchange, line, at);
    this.sending = exchange;
    this.sendingBytes = line.number(words - 1) + 2;
    this.sink.opened(exchange);
    return true;
  }

  private published(at: number): void {
    const { sending } = this;
    this.sending = undefined;
    if (sending === undefined) return;
    sending.lastOut = at;
    sending.bytesOut += this.sendingBytes;
    if (sending.oneWay) this.sink.closed(sending);
  }

  /** Answered never, or not any more. */
  private giveUp(reply: string): boolean {
    const request = this.requests.get(reply);
    if (request === undefined || request === this.sending) return false;
    this.requests.delete(reply);
    if (request === this.receiving) return true;
    request.error = request.idle ? '' : 'unanswered';
    this.sink.closed(request);
    return true;
  }

  /** SUB subject [queue group] sid */
  private subscribe(line: LineReader, at: number): boolean {
    if (line.words !== 3 && line.words !== 4) return false;
    const from = line.from(1);
    const to = line.to(1);
    const isInbox = startsWith(line.bytes, from, to, inbox);
    const pattern = isInbox ? '_INBOX.?' : subjectPattern(line.bytes, from, to);
    const exchange = this.ask(`subscribe ${pattern}`, line, at);
    exchange.setup = isInbox;
    const subject = line.word(1);
    const sid = line.word(line.words - 1);
    if (this.subscriptions.size < mostSubscriptions && !this.subscriptions.has(sid)) {
      this.subscriptions.set(sid, { subject, pattern, isInbox, max: 0 });
      this.listen(subject, 1);
    }
    this.tell(exchange);
    return true;
  }

  /** UNSUB sid [messages until then] */
  private unsubscribe(line: LineReader, at: number): void {
    const sid = line.word(1);
    const subscription = this.subscriptions.get(sid);
    const exchange = this.ask(subscription ? `unsubscribe ${subscription.pattern}` : 'unsubscribe', line, at);
    exchange.setup = subscription?.isInbox ?? false;
    const max = line.number(2);
    if (subscription && max > 0) subscription.max = max;
    else if (subscription) this.forget(sid, subscription);
    this.tell(exchange);
  }

  private forget(sid: string, { subject }: Subscription): void {
    this.subscriptions.delete(sid);
    this.listen(subject, -1);
    // Whoever asked does not wait any more.
    this.giveUp(subject);
  }

  /** Counts a subject, or what stands before its wildcard. */
  private listen(subject: string, by: number): void {
    const wildcard = /^(.*?)[*>](\.|$)/.exec(subject);
    const heard = wildcard ? (wildcard[1] as string) : subject;
    const count = (this.heard.get(heard) ?? 0) + by;
    if (count > 0) this.heard.set(heard, count);
    else this.heard.delete(heard);
  }

  /** The client listens to this subject. */
  private hears(subject: string): boolean {
    const { heard } = this;
    if (heard.has(subject)) return true;
    for (let dot = subject.lastIndexOf('.'); dot > 0; dot = subject.lastIndexOf('.', dot - 1))
      if (heard.has(subject.slice(0, dot + 1))) return true;
    return false;
  }

  // ------------------------------------------------------------------------------------------------- server

  private received(line: LineReader, at: number): boolean {
    switch (opOf(line.bytes, line.from(0), line.to(0))) {
      case 'INFO':
        if (Number.isNaN(this.greetedAt)) this.greetedAt = line.startedAt;
        this.greetingBytes = line.lineBytes;
        return true;
      case 'MSG':
        return this.deliver(line, at, line.words === 5, 4, 0);
      case 'HMSG':
        return this.deliver(line, at, line.words === 6, 5, statusBytes);
      case 'PING':
        return true;
      case 'PONG': {
        if (this.connect && this.pinged) {
          countIn(this.connect, line, at);
          this.connected(false);
        } else if (this.pings.first) {
          countIn(this.pings.first, line, at);
          this.pings.closeFirst();
        }
        return true;
      }
      case '+OK':
        this.ok(line, at, '');
        return true;
      case '-ERR':
        this.failed(line, at);
        return true;
      default:
        return false;
    }
  }

  /** +OK, or -ERR in its place. */
  private ok(line: LineReader, at: number, error: string): boolean {
    if (this.oks.length === 0) return false;
    const exchange = this.oks.shift();
    if (exchange === undefined) return false;
    // Answered before it was sent in full.
    if (exchange === this.sending) exchange.oneWay = true;
    if (exchange.oneWay) return false;
    countIn(exchange, line, at);
    exchange.error = error;
    if (exchange === this.connect) this.connected(false);
    else this.sink.closed(exchange);
    return true;
  }

  private failed(line: LineReader, at: number): void {
    const text = line.rest(1).replace(/^'/, '');
    const error = errorCode(text);
    if (this.verbose && this.ok(line, at, error)) return;
    if (this.connect) {
      countIn(this.connect, line, at);
      this.connect.error = error;
      this.connected(false);
      return;
    }
    const subject = /^Permissions Violation for Publish to "([^"]{1,250})/i.exec(text)?.[1];
    const request = subject === undefined ? undefined : this.requestTo(subject);
    if (request) {
      countIn(request, line, at);
      request.error = error;
      this.requests.delete(request.reply);
      this.sink.closed(request);
      return;
    }
    const told = new Exchange(Kind.consumer);
    told.operation = '-ERR';
    told.oneWay = true;
    told.error = error;
    countIn(told, line, at);
    this.sink.opened(told);
    this.sink.closed(told);
  }

  private requestTo(subject: string): Request | undefined {
    const bytes = Uint8Array.from(subject, (letter) => letter.charCodeAt(0) & 255);
    const operation = nameWithSubject('request', bytes, 0, bytes.length);
    for (const request of this.requests.values())
      if (request.operation === operation && request !== this.sending && request !== this.receiving) return request;
    return undefined;
  }

  /** MSG subject sid [reply] size, HMSG subject sid [reply] size-of-headers size */
  private deliver(line: LineReader, at: number, hasReply: boolean, atLeast: number, wanted: number): boolean {
    const { words } = line;
    if (words < atLeast || words > atLeast + 1) return false;
    const size = line.number(words - 1);
    const sid = line.word(2);
    const subscription = this.subscriptions.get(sid);
    let request: Request | undefined;
    if (this.requests.size > 0) {
      // A message of a stream keeps its own subject, wherever it is sent to.
      request = this.requests.get(line.word(1));
      if (request === undefined && subscription) request = this.requests.get(subscription.subject);
      if (request === this.sending) request = undefined;
    }
    this.receiving = request;
    this.receivingStatus = wanted > 0;
    this.receivingLine = line.lineBytes;
    this.receivingBytes = size + 2;
    this.startedAt = line.startedAt;
    if (!request) {
      const { bytes } = line;
      const isInbox = startsWith(bytes, line.from(1), line.to(1), inbox);
      this.messageName = isInbox ? 'message _INBOX.?' : nameWithSubject('message', bytes, line.from(1), line.to(1));
      if (hasReply && !startsWith(bytes, line.from(3), line.to(3), '$JS.ACK.'))
        this.mayReply(line.word(3), this.messageName.slice('message '.length));
    }
    if (subscription && subscription.max > 0 && --subscription.max === 0) {
      this.subscriptions.delete(sid);
      this.listen(subscription.subject, -1);
    }
    if (!this.answering.expect(size, request?.isApi ? apiErrorBytes : wanted)) return false;
    if (!this.receivingStatus && !request) this.push(at);
    return true;
  }

  private mayReply(subject: string, message: string): void {
    if (this.replies.size >= mostReplies) {
      for (const oldest of this.replies.keys()) {
        this.replies.delete(oldest);
        break;
      }
    }
    this.replies.set(subject, message);
  }

  /** A message that was not asked for now. */
  private push(at: number): void {
    const message = new Exchange(Kind.consumer);
    message.operation = this.messageName;
    message.oneWay = true;
    message.rows = 1;
    message.firstIn = this.startedAt;
    message.lastIn = at;
    message.bytesIn = this.receivingLine;
    this.receiving = message;
    this.sink.opened(message);
  }

  /** The beginning of a message: the status behind NATS/1.0, or an answer of JetStream's API. */
  private headed(bytes: Uint8Array, from: number, to: number, at: number): void {
    const { receiving } = this;
    let status = 0;
    if (this.receivingStatus && to - from >= statusBytes && bytes[from + 8] === 32) {
      for (let i = from + 9; i < from + statusBytes; i++) status = status * 10 + (bytes[i] as number) - 48;
      if (status < 100 || status > 999) status = 0;
    }
    if (receiving instanceof Request) {
      // The end of a time in which there was no message is none of an error.
      if (status >= 400 && !(receiving.idle && status < 500)) receiving.error = String(status);
      if (status >= 400) receiving.rows = 0;
      if (status === 100)
        this.receiving = undefined; // a heartbeat: the answer is still to come
      else if (receiving.isApi && status === 0) receiving.error = apiError(bytes, from, to);
    } else if (status === 0) this.push(at);
  }

  private delivered(at: number): void {
    const { receiving } = this;
    this.receiving = undefined;
    if (receiving === undefined) return; // a status only
    receiving.lastIn = at;
    receiving.bytesIn += this.receivingBytes;
    if (receiving instanceof Request) {
      receiving.firstIn = this.startedAt;
      receiving.bytesIn += this.receivingLine;
      if (receiving.rows < 0) receiving.rows = 1;
      if (this.requests.get(receiving.reply) === receiving) this.requests.delete(receiving.reply);
    }
    this.sink.closed(receiving);
  }

  private closeAll(error: string): void {
    const { sending, receiving } = this;
    this.sending = undefined;
    this.receiving = undefined;
    const { oks } = this;
    this.oks = [];
    for (const exchange of oks) {
      if (exchange === undefined || exchange === this.connect) continue;
      exchange.error = error;
      this.sink.closed(exchange);
    }
    if (sending?.oneWay) {
      sending.error = error;
      this.sink.closed(sending);
    }
    if (this.connect) {
      this.connect.error = error;
      this.connected(false);
    }
    this.pings.closeAll(error, error);
    if (receiving && !(receiving instanceof Request && this.requests.get(receiving.reply) === receiving))
      this.sink.closed(receiving);
    for (const request of this.requests.values()) {
      if (request.error === '' && !request.idle) request.error = error;
      this.sink.closed(request);
    }
    this.requests.clear();
  }
}

const inbox = '_INBOX.';

/** "$JS.ACK.orders.worker.1.7.3.…", or with a domain and an account before the stream → "ack orders.worker". */
function ackName(subject: string): string {
  const tokens = subject.split('.');
  const [stream = '', consumer = ''] = tokens.slice(tokens.length > 9 ? 4 : 2);
  const bytes = Uint8Array.from(`${stream}.${consumer}`, (letter) => letter.charCodeAt(0) & 255);
  return nameWithSubject('ack', bytes, 0, bytes.length);
}

/** err_code of an answer {"type":"…","error":{"code":404,"err_code":10059,…; '' when it is none of an error. */
function apiError(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
  const found = /^\s*\{(?:"type":"[\w.]*",)?"error":\{"code":(\d{1,5})(?:,"err_code":(\d{1,7}))?/.exec(text);
  return found?.[2] ?? found?.[1] ?? '';
}

function startsWith(bytes: Uint8Array, from: number, to: number, word: string): boolean {
  if (to - from < word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[from + i] !== word.charCodeAt(i)) return false;
  return true;
}

function countOut(exchange: Exchange, line: LineReader, at: number): void {
  if (Number.isNaN(exchange.firstOut)) exchange.firstOut = line.startedAt;
  exchange.bytesOut += line.lineBytes;
  exchange.lastOut = at;
}

function countIn(exchange: Exchange, line: LineReader, at: number): void {
  if (Number.isNaN(exchange.firstIn)) exchange.firstIn = line.startedAt;
  exchange.bytesIn += line.lineBytes;
  exchange.lastIn = at;
}
