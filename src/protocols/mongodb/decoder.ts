// MongoDB: messages of both directions → exchanges.
//
//   client  OP_MSG find #7      OP_MSG insert #8 moreToCome   OP_MSG getMore #9 exhaustAllowed
//   server                re #7                                          re #9 moreToCome #21   re #21
//           └─ exchange ──────┘ └─ one way ───────────────┘   └─ exchange ──────────────────────────┘
//
// An answer names the request by its requestID, in any order. One with moreToCome is followed by another, which names
// the answer before it: all of them are the one exchange (an exhaust cursor, the driver's watch on a server). A request
// with moreToCome has no answer.
//
// OP_COMPRESSED is timed by its header; what lies in it is not read (there is no inflating here, and a driver compresses
// only when it is told to), so that it is called `compressed`, with no error seen. Of such a request it is not known
// whether an answer comes: it is over at the latest when a later one is answered, for a server answers in order.
//
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Sink } from '../decoder.ts';
import { RequestNotes } from './commands.ts';
import { MessageReader } from './messages.ts';
import { recognise } from './recognise.ts';
import { ReplyNotes } from './replies.ts';
import { headBytes, MsgFlag, Op } from './spec.ts';

export const mongodb: Protocol = {
  name: 'mongodb',
  recognise,
  decode: (sink) => new MongodbDecoder(sink),
};

/** Requests that may wait for their answers; more than that is no conversation. */
const maxInFlight = 10_000;
/** Cursors that are known to wait; a connection that watches more is not believed to. */
const maxWatches = 256;

class Request {
  readonly exchange = new Exchange(Kind.client);
  /** Its answer's document is the server's own, not one that the user stored. */
  isCommand = true;
  isCompressed = false;
  /** The cursor that its answer opens is one whose getMore waits until something happens. */
  opensWatch = false;
  /** Which of the connection's requests it is. */
  readonly order: number;

  constructor(order: number) {
    this.order = order;
  }
}

class MongodbDecoder implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly requestNotes = new RequestNotes();
  private readonly replyNotes = new ReplyNotes();
  private readonly requests = new MessageReader(this.requestNotes);
  private readonly answers = new MessageReader(this.replyNotes);
  /** Whose bytes the client is sending. */
  private sending: Request | undefined = undefined;
  /** Those that wait, oldest first, by the id that their next answer names. */
  private readonly inFlight = new Map<number, Request>();
  /** Whose answer the server is sending; undefined = of one that was not seen. */
  private answering: Request | undefined = undefined;
  /** When the header of the answer began. */
  private answerAt = Number.NaN;
  /** Cursors whose getMore waits until something happens: those of change streams, tailable ones. */
  private readonly watches = new Set<number>();
  private asked = 0;
  /** How many that wait were compressed. */
  private compressed = 0;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  get idle(): boolean {
    return !this.lost && this.inFlight.size === 0 && this.requests.atBorder && this.answers.atBorder;
  }

  client(bytes: Uint8Array, at: number): void {
    let from = 0;
    while (from < bytes.length && !this.lost) {
      const request = this.sending ?? this.open();
      const { exchange } = request;
      const to = this.requests.read(bytes, from);
      if (exchange.bytesOut === 0) exchange.firstOut = at;
      exchange.bytesOut += to - from;
      exchange.lastOut = at;
      from = to;
      if (this.requests.isBroken) this.lose();
      else if (this.requests.whole) this.endRequest(request);
    }
  }

  private open(): Request {
    const request = new Request(this.asked++);
    request.exchange.operation = 'command';
    this.sending = request;
    this.sink.opened(request.exchange);
    return request;
  }

  private endRequest(request: Request): void {
    const { requests, requestNotes } = this;
    const { exchange } = request;
    const { opcode, flags } = requests;
    this.sending = undefined;
    let kind = opcode;
    if (opcode === Op.compressed) {
      kind = flags;
      exchange.operation = 'compressed';
      request.isCompressed = true;
    } else {
      const name = requestNotes.name();
      exchange.operation = name.operation;
      exchange.namespace = requestNotes.database;
      exchange.setup = name.isSetup;
      exchange.idle = requestNotes.awaits || this.watches.has(requestNotes.cursorId);
      request.opensWatch = requestNotes.opensWatch || exchange.idle;
      request.isCommand = requestNotes.isCommand;
    }
    const isAnswered =
      kind === Op.query ||
      kind === Op.getMore ||
      (kind === Op.msg && (opcode !== Op.msg || !(flags & MsgFlag.moreToCome)));
    if (!isAnswered) {
      exchange.oneWay = true;
      this.sink.closed(exchange);
      return;
    }
    // An id that is still waiting, or too many of them: no client does that.
    if (this.inFlight.has(requests.requestId) || this.inFlight.size === maxInFlight) {
      this.sending = request;
      this.lose();
      return;
    }
    this.inFlight.set(requests.requestId, request);
    if (request.isCompressed) this.compressed++;
  }

  server(bytes: Uint8Array, at: number): void {
    const { answers } = this;
    let from = 0;
    while (from < bytes.length && !this.lost) {
      if (answers.atBorder) this.answerAt = at;
      const to = answers.read(bytes, from);
      const read = to - from;
      from = to;
      if (answers.headed) this.beginAnswer(at);
      else if (this.answering) {
        this.answering.exchange.bytesIn += read;
        this.answering.exchange.lastIn = at;
      }
      if (answers.isBroken) this.lose();
      else if (answers.whole) this.endAnswer();
    }
  }

  private beginAnswer(at: number): void {
    const request = this.inFlight.get(this.answers.responseTo);
    this.answering = request;
    if (!request) return;
    const { exchange } = request;
    this.replyNotes.isOfCommand = request.isCommand;
    if (exchange.bytesIn === 0) exchange.firstIn = this.answerAt;
    exchange.bytesIn += headBytes;
    exchange.lastIn = at;
  }

  private endAnswer(): void {
    const { answers, replyNotes, answering } = this;
    if (!answering) return;
    this.answering = undefined;
    this.inFlight.delete(answers.responseTo);
    const { exchange } = answering;
    if (answers.opcode === Op.msg || answers.opcode === Op.reply) {
      if (replyNotes.rows >= 0) exchange.rows = Math.max(exchange.rows, 0) + replyNotes.rows;
      exchange.error = replyNotes.error();
      if (answering.opensWatch && replyNotes.cursorId !== 0 && this.watches.size < maxWatches)
        this.watches.add(replyNotes.cursorId);
    }
    if (answers.opcode === Op.msg && answers.flags & MsgFlag.moreToCome && !this.inFlight.has(answers.requestId)) {
      this.inFlight.set(answers.requestId, answering);
      return;
    }
    if (answering.isCompressed) this.compressed--;
    if (this.compressed > 0) this.endUnanswered(answering.order);
    this.sink.closed(exchange);
  }

  /** Closes what was compressed and asked before the one that was answered: it was one way. */
  private endUnanswered(order: number): void {
    for (const [id, request] of this.inFlight) {
      if (!request.isCompressed || request.order > order) continue;
      this.inFlight.delete(id);
      this.compressed--;
      request.exchange.oneWay = true;
      this.sink.closed(request.exchange);
    }
  }

  close(_at: number, error: string): void {
    if (!this.lost) this.endAll(error, error || 'closed');
  }

  /** Nonsense: closes what is in flight and goes quiet. */
  private lose(): void {
    this.endAll('', '');
    this.lost = true;
  }

  /** @param error of those whose time is by nature idle */
  private endAll(error: string, unanswered: string): void {
    const { sending } = this;
    const waiting = [...this.inFlight.values()];
    if (sending) waiting.push(sending);
    this.inFlight.clear();
    this.sending = undefined;
    this.answering = undefined;
    for (const { exchange } of waiting) {
      if (exchange.error === '') exchange.error = exchange.idle ? error : unanswered;
      this.sink.closed(exchange);
    }
  }
}
