// Redis, Valkey and the like: RESP2 and RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
// Answers come in the order of the commands, whatever their pipelining; what is pushed comes between them:
//
//   client  SUBSCRIBE news            GET a   GET b
//   server            subscribe news 1           b's … no: a's answer, b's answer      message news …
//                                                                                     └ a CONSUMER of its own
//
// Operation = command (and subcommand) and the pattern of its first key. Commands of a transaction end at +QUEUED;
// those that were sent in one go with EXEC or DISCARD are within that.

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Recognition, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';
import { keyPattern, nameWithKey } from '../names/key.ts';
import { isCommand, isSubcommand, type Spec, specAt, specOf } from './commands.ts';
import { ReplyReader, Type } from './replies.ts';
import { mostWords, RequestReader } from './requests.ts';

export const redis: Protocol = {
  name: 'redis',
  recognise,
  decode: (sink) => new Redis(sink),
};

/** Commands in flight that are reported one by one; of more only the number is kept. */
const mostPending = 50_000;

function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (client.length > 0) {
    const asked = arrayOf(client);
    return asked === 'inline' ? inline(client, server) : asked;
  }
  if (server.length === 0) return 'more';
  // A server does not speak first; joined in the middle it may seem to.
  const type = server[0];
  return type === Type.array || type === Type.string || type === Type.push || type === Type.map ? 'more' : 'no';
}

/** 'yes' when bytes begin with *n CRLF $n CRLF and a word. */
function arrayOf(bytes: Uint8Array): Recognition | 'inline' {
  if (bytes[0] !== 42) return 'inline';
  let at = numberEnd(bytes, 1);
  if (at <= 0) return at === 0 ? 'more' : 'no';
  if (at === bytes.length) return 'more';
  if (bytes[at] !== 36) return 'no';
  const lengthAt = at + 1;
  at = numberEnd(bytes, lengthAt);
  if (at <= 0) return at === 0 ? 'more' : 'no';
  let length = 0;
  for (let i = lengthAt; bytes[i] !== 13; i++) length = length * 10 + (bytes[i] as number) - 48;
  if (length === 0 || length > 32) return 'no';
  for (let i = 0; i < length; i++) {
    if (at + i === bytes.length) return 'more';
    const byte = bytes[at + i] as number;
    const letter = byte | 32;
    if (letter < 97 || letter > 122)
      if (i === 0 || !((byte >= 48 && byte <= 57) || byte === 45 || byte === 46 || byte === 95)) return 'no';
  }
  return 'yes';
}

/** Offset after digits and CRLF; 0 when there may be more, -1 when it is something else. */
function numberEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) at++;
  if (at - from > 9) return -1;
  if (at === bytes.length) return 0;
  if (at === from || bytes[at] !== 13) return -1;
  if (at + 1 === bytes.length) return 0;
  return bytes[at + 1] === 10 ? at + 2 : -1;
}

/** An inline command is text that could be of another protocol, until it is answered as Redis does. */
function inline(client: Uint8Array, server: Uint8Array): Recognition {
  let word = '';
  let at = 0;
  for (; at < client.length && at < 20; at++) {
    const byte = client[at] as number;
    if (byte < 65 || byte > 90) break;
    word += String.fromCharCode(byte);
  }
  if (at === client.length) return at < 20 ? 'more' : 'no';
  const next = client[at];
  if (!isCommand(word) || (next !== 32 && next !== 13 && next !== 10)) return 'no';
  if (server.length === 0) return 'more';
  const type = server[0];
  if (type === Type.simple) {
    const pong = '+PONG\r';
    for (let i = 0; i < pong.length; i++) {
      if (i === server.length) return 'more';
      if (server[i] !== pong.charCodeAt(i)) return 'no';
    }
    return 'yes';
  }
  if (type !== Type.string && type !== Type.array && type !== Type.integer) return 'no';
  const end = numberEnd(server, 1);
  return end > 0 ? 'yes' : end === 0 ? 'more' : 'no';
}

class Command extends Exchange {
  readonly spec: Spec;
  /** Answers still to come: one for each channel of SUBSCRIBE. */
  answers = 1;
  /** The database before a SELECT. */
  before = '';
  constructor(spec: Spec) {
    super(Kind.client);
    this.spec = spec;
    this.operation = spec.name;
  }
}

class Redis implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly requests: RequestReader;
  private readonly replies: ReplyReader;
  private readonly flight: InFlight<Command>;
  /** Commands in flight after those that are only counted. */
  private uncounted = 0;
  private counts = false;
  private asking: Command | undefined = undefined;
  private answering: Exchange | undefined = undefined;
  /** The value being read answers no command: it was pushed. */
  private pushed = false;
  /** The value confirms a subscription or its end: its first element. */
  private confirms = '';
  private beganAt = 0;
  private held = 0;
  private asked = false;
  /** A command of the user's was seen: what follows does not open the connection. */
  private opened = false;
  private database = '';
  /** CLIENT REPLY OFF, or SKIP for one command more. */
  private silent = false;
  private skips = 0;
  private resp3 = false;
  /** Subscriptions, by what the server last said. */
  private channels = 0;
  private patterns = 0;
  private shards = 0;
  private clientQuiet = false;
  private serverQuiet = false;
  private over = false;

  constructor(sink: Sink) {
    this.sink = sink;
    this.flight = new InFlight(sink);
    this.requests = new RequestReader({
      named: (startedAt) => this.named(startedAt),
      count: (bytes, at) => {
        const { asking } = this;
        if (!asking) return;
        asking.bytesOut += bytes;
        asking.lastOut = at;
      },
      ended: () => this.commanded(),
    });
    this.replies = new ReplyReader({
      began: (at) => this.began(at),
      word: (push, word) => this.word(push, word),
      second: (bytes, length) => {
        const { answering } = this;
        if (this.pushed && answering?.operation.endsWith('message'))
          answering.operation = `${answering.operation} ${keyPattern(bytes, 0, length)}`;
      },
      count: (bytes, at) => this.count(bytes, at),
      ended: (at) => this.replied(at),
    });
  }

  get idle(): boolean {
    return (
      !this.lost &&
      !this.over &&
      this.flight.length === 0 &&
      this.uncounted === 0 &&
      this.requests.atBorder &&
      this.replies.atBorder
    );
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost || this.over || this.clientQuiet) return;
    if (this.requests.read(bytes, at)) return;
    if (this.asked) this.lose();
    // Joined in the middle of a command: the next one begins after its answer.
    else this.clientQuiet = true;
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost || this.over || this.serverQuiet) return;
    if (this.replies.read(bytes, at)) return;
    if (this.flight.length > 0 || this.pushed) this.lose();
    // Joined in the middle of an answer: the next one begins after the next command.
    else this.serverQuiet = true;
  }

  close(_at: number, error: string): void {
    this.closeAll(error, error || 'closed');
  }

  private closeAll(error: string, unanswered: string): void {
    if (this.pushed && this.answering) this.sink.closed(this.answering);
    this.answering = undefined;
    this.pushed = false;
    this.flight.closeAll(unanswered, error);
    // A command that was cut short and expects no answer.
    if (this.asking?.oneWay) this.sink.closed(this.asking);
    this.asking = undefined;
  }

  private named(startedAt: number): number {
    const { requests } = this;
    const spec = specAt(requests.kept, requests.to(0)) ?? specOf(requests.wordAt(0));
    this.asked = true;
    if (this.serverQuiet) {
      this.serverQuiet = false;
      this.replies.restart();
    }
    this.counts = this.uncounted > 0 || this.flight.length >= mostPending;
    if (this.counts) return 1;
    const command = new Command(spec);
    command.firstOut = startedAt;
    command.lastOut = startedAt;
    command.idle = spec.blocks;
    command.namespace = this.database;
    command.setup = spec.setup === 'always' || (spec.setup === 'first' && !this.opened);
    if (!command.setup) this.opened = true;
    this.asking = command;
    if (this.silent || this.skips > 0) command.oneWay = true;
    else this.flight.add(command);
    this.sink.opened(command);
    switch (spec.effect) {
      case 'exec':
        this.ends(command);
        return 1;
      case 'streams':
        return mostWords;
      case 'script':
        return 4;
      case 'client':
        return 3;
      case 'select':
        return 2;
      default:
        return Math.max(spec.key + 1, spec.sub ? 2 : 1);
    }
  }

  /** Of a transaction: what of it is in flight is within this command. */
  private ends(last: Command): void {
    for (let i = this.flight.length - 1; i >= 0; i--) {
      const command = this.flight.at(i) as Command;
      if (command === last) continue;
      if (command.spec.effect === 'exec') return;
      command.within = last;
      if (command.spec.name === 'MULTI') return;
    }
  }

  private commanded(): void {
    const { asking: command, requests } = this;
    this.asking = undefined;
    if (!command) {
      // Answered before it was sent in full, or one of too many.
      if (this.counts) this.uncounted++;
      return;
    }
    const { spec } = command;
    command.operation = this.operation(command, spec);
    const silenced = this.skips > 0;
    if (silenced) this.skips--;
    if (spec.effect === 'select') {
      command.before = this.database;
      const database = requests.wordAt(1);
      if (/^\d{1,5}$/.test(database)) this.database = database;
    } else if (spec.effect === 'subscribe') command.answers = Math.max(1, requests.words - 1);
    else if (spec.effect === 'unsubscribe')
      command.answers = requests.words > 1 ? requests.words - 1 : Math.max(1, this.subscribed(spec.name));
    else if (spec.effect === 'client' && requests.wordAt(1).toUpperCase() === 'REPLY') {
      const mode = requests.wordAt(2).toUpperCase();
      if (mode === 'ON') {
        if (this.silent) {
          // The command itself is answered.
          this.silent = false;
          command.oneWay = false;
          this.flight.add(command);
        }
        return;
      }
      if (mode === 'SKIP' && !this.silent) this.skips = 1;
      if (mode === 'OFF') this.silent = true;
      if (mode === 'SKIP' || mode === 'OFF') {
        if (!command.oneWay) this.flight.drop();
        command.oneWay = true;
      }
    }
    if (command.oneWay) this.sink.closed(command);
  }

  private subscribed(name: string): number {
    return name === 'UNSUBSCRIBE' ? this.channels : name === 'PUNSUBSCRIBE' ? this.patterns : this.shards;
  }

  private operation(command: Command, spec: Spec): string {
    const { requests } = this;
    let { name } = spec;
    if (spec.sub && requests.words > 1) {
      const sub = requests.wordAt(1).toUpperCase();
      if (isSubcommand(sub)) name += ` ${sub}`;
    }
    let { key } = spec;
    if (spec.effect === 'script' && requests.wordAt(2) === '0') key = 0;
    if (spec.effect === 'streams') {
      for (let word = 1; word + 1 < requests.words && word < mostWords - 1 && key === 0; word++) {
        const option = requests.wordAt(word).toUpperCase();
        if (option === 'BLOCK') command.idle = true;
        if (option === 'STREAMS') key = word + 1;
      }
    }
    if (key === 0 || key >= requests.words) return name;
    return nameWithKey(name, requests.kept, requests.from(key), requests.to(key));
  }

  private began(at: number): void {
    this.beganAt = at;
    this.held = 0;
    this.answering = undefined;
    this.pushed = false;
    this.confirms = '';
  }

  /** A value's first element names it: is it an answer or was it pushed? */
  private word(push: boolean, word: string): void {
    if (push) this.resp3 = true;
    if (!this.listens(push)) return;
    switch (word) {
      case 'subscribe':
      case 'psubscribe':
      case 'ssubscribe':
      case 'unsubscribe':
      case 'punsubscribe':
      case 'sunsubscribe':
        this.confirms = word;
        return;
      case 'message':
      case 'pmessage':
      case 'smessage':
      case 'invalidate':
        this.push(word);
        return;
      default:
        if (push) this.push('push');
    }
  }

  /** With RESP2 what is pushed looks like an answer, and is looked for only where it may come. */
  private listens(push: boolean): boolean {
    if (push || this.resp3) return push;
    if (this.channels + this.patterns + this.shards > 0) return true;
    return this.flight.first?.spec.effect === 'subscribe';
  }

  private push(name: string): void {
    const message = new Exchange(Kind.consumer);
    message.operation = name;
    message.namespace = this.database;
    message.oneWay = true;
    message.rows = 1;
    message.firstIn = this.beganAt;
    message.lastIn = this.beganAt;
    message.bytesIn = this.held;
    this.held = 0;
    this.pushed = true;
    this.answering = message;
    this.sink.opened(message);
  }

  private count(bytes: number, at: number): void {
    const { answering } = this;
    if (answering && this.pushed) {
      answering.bytesIn += bytes;
      answering.lastIn = at;
      return;
    }
    this.held += bytes;
    const head = this.flight.first;
    // What may turn out to be pushed is only held.
    if (head && this.replies.type !== 0 && !this.listens(this.replies.type === Type.push)) this.answerHead(head, at);
  }

  private answerHead(head: Command, at: number): void {
    if (Number.isNaN(head.firstIn)) head.firstIn = this.beganAt;
    head.lastIn = at;
    head.bytesIn += this.held;
    this.held = 0;
  }

  private replied(at: number): void {
    const { answering, replies } = this;
    this.answering = undefined;
    if (this.pushed) {
      this.pushed = false;
      if (answering) this.sink.closed(answering);
      return;
    }
    if (replies.type === Type.push && !this.confirms) return;
    const head = this.flight.first;
    if (this.confirms && replies.integer >= 0) this.confirmed(replies.integer);
    if (!head) {
      if (this.uncounted > 0) this.uncounted--;
      // Joined in the middle of a command that is answered now.
      else if (this.clientQuiet) {
        this.clientQuiet = false;
        this.requests.restart();
      }
      return;
    }
    // A confirmation that nobody waits for: the server ended a subscription.
    const { effect } = head.spec;
    if (this.confirms && effect !== 'subscribe' && effect !== 'unsubscribe') return;
    if (this.held > 0) this.answerHead(head, at);
    if (this.confirms && --head.answers > 0) return;
    this.settle(head, effect);
    this.closeFirst();
  }

  private confirmed(subscriptions: number): void {
    if (this.confirms.charCodeAt(0) === 112) this.patterns = Math.max(0, subscriptions - this.channels);
    else if (this.confirms.startsWith('ss') || this.confirms.startsWith('sun')) this.shards = subscriptions;
    else this.channels = Math.max(0, subscriptions - this.patterns);
  }

  private settle(head: Command, effect: Spec['effect']): void {
    const { replies } = this;
    head.error = replies.error;
    if (effect === 'exec' && replies.nestedError) head.error = replies.nestedError;
    if (effect === 'select' && replies.error) this.database = head.before;
    if (effect === 'reset' && !replies.error) {
      this.database = '';
      this.channels = this.patterns = this.shards = 0;
      this.resp3 = false;
    }
    // From here on the server only sends, and no answers.
    if ((effect === 'replicate' || effect === 'monitor') && !replies.error) this.over = true;
    if (head.spec.name === 'HELLO' && replies.type === Type.map) this.resp3 = true;
    if (this.confirms) return;
    if (replies.elements >= 0) {
      head.rows = effect === 'scan' && replies.secondElements >= 0 ? replies.secondElements : replies.elements;
      if (effect !== 'scan') head.rows -= replies.nulls;
    } else if (replies.null) head.rows = 0;
    else if (replies.type === Type.string || replies.type === Type.verbatim) head.rows = 1;
  }

  private closeFirst(): void {
    if (this.flight.first === this.asking) this.asking = undefined;
    this.flight.closeFirst();
  }

  private lose(): void {
    this.lost = true;
    this.closeAll('', '');
  }
}
