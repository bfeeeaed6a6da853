// PostgreSQL: messages of both directions → exchanges.
//
//   client  SSLRequest  Startup   p      Query       Parse Bind Execute  Bind Execute Sync          Sync
//   server            N         R   R…Z       T D C Z                   1 2 D C      2 D C Z
//           └─ connect (setup) ───────┘  └ exchange ┘ └─ exchange ──────────┘
//                                                                        └─ exchange ─────┘
//
// One query is one exchange:
//  - Query is answered up to ReadyForQuery, however many statements it holds.
//  - Parse, Bind, Describe and Execute of one statement are one exchange; a message that begins another statement
//    behind an Execute begins the next. The last one before a Sync is over at ReadyForQuery, which is when drivers hand
//    it over; those before it at their CommandComplete, EmptyQueryResponse, PortalSuspended or ErrorResponse. An
//    error makes the server skip what follows up to the Sync: those exchanges fail with the same code.
//  - Without an Execute (PREPARE, DESCRIBE, CLOSE) it is over at ReadyForQuery.
//
// Every Query, Sync and FunctionCall is answered by one ReadyForQuery; that keeps both directions in step.
// https://www.postgresql.org/docs/current/protocol-flow.html

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Sink } from '../decoder.ts';
import {
  type Dialect,
  nameChannel,
  nameSqlIn,
  nameText,
  noName,
  postgresqlBackslash,
  postgresql as postgresqlDialect,
  type SqlName,
  statementBytes,
} from '../names/sql.ts';
import {
  Backend,
  Frontend,
  int32,
  isBackend,
  isFrontend,
  MessageReader,
  maxMessage,
  maxStartup,
  nulAt,
  Startup,
} from './messages.ts';
import { recognise } from './recognise.ts';

export const postgresql: Protocol = {
  name: 'postgresql',
  recognise,
  decode: (sink) => new PostgresqlDecoder(sink),
};

/** Requests that may wait for their answers; more than that is no conversation. */
const maxInFlight = 16_384;
/** Named statements and portals whose SQL is known, those used last. */
const maxNames = 1024;
/** Bytes of an answer's message that matter: error codes, tags, parameters. */
const answerBytes = 512;

/** What the next bytes belong to. */
type Phase =
  /** Nothing was understood yet. */
  | 'start'
  /** SSLRequest or GSSENCRequest: one byte of answer. */
  | 'encryption'
  /** From there to the first ReadyForQuery. */
  | 'connect'
  | 'query';

/** One exchange and what is known of its messages. */
class Request {
  readonly exchange: Exchange;
  /** Of the statement parsed, bound or described. */
  name: SqlName = noName;
  /** What it is called unless something is executed: PREPARE, DESCRIBE, CLOSE, SYNC; '' = no message was complete. */
  verb = '';
  isBound = false;
  isExecuted = false;
  /** It is over at ReadyForQuery (it has its Query, Sync or FunctionCall). */
  endsReady = false;
  /** Its Sync is the only thing that ends it, not the answer to Execute: Query, FunctionCall. */
  isSimple = false;
  isOver = false;
  /** Rows since the last CommandComplete. */
  rows = 0;
  next: Request | undefined = undefined;

  constructor(exchange: Exchange) {
    this.exchange = exchange;
  }
}

class PostgresqlDecoder implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private phase: Phase = 'start';
  private readonly requests = new MessageReader(statementBytes + 256);
  private readonly answers = new MessageReader(answerBytes);

  /** Whom the message that the client is sending belongs to. */
  private sending: Request | undefined = undefined;
  /** The last request since a Sync, which further messages may belong to. */
  private group: Request | undefined = undefined;
  private head: Request | undefined = undefined;
  private tail: Request | undefined = undefined;
  private inFlight = 0;
  /** The notification that the server is sending. */
  private pushed: Exchange | undefined = undefined;
  /** Code of the error that makes the server skip everything up to the next Sync; '' = none. */
  private aborted = '';

  private namespace = '';
  private dialect: Dialect = postgresqlDialect;
  /** Statements and portals by name, in the order of use. The nameless one is ''. */
  private readonly statements = new Map<string, SqlName>();
  private readonly portals = new Map<string, SqlName>();

  constructor(sink: Sink) {
    this.sink = sink;
  }

  get idle(): boolean {
    return !this.lost && !this.head && !this.pushed && this.requests.atBorder && this.answers.atBorder;
  }

  // ------------------------------------------------------------------------------------------------- client

  client(bytes: Uint8Array, at: number): void {
    const { requests } = this;
    let from = 0;
    while (from < bytes.length && !this.lost) {
      if (requests.atBorder) {
        this.sending = this.beginRequest(bytes[from] as number);
        if (this.lost) break;
      }
      const to = requests.read(bytes, from);
      if (this.sending && !this.sending.isOver) countOut(this.sending.exchange, to - from, at);
      if (requests.headed && !this.fitsRequest()) this.lose();
      else if (requests.whole) this.endRequest(this.sending);
      from = to;
    }
    requests.release();
  }

  /** Whom the message that begins with this byte belongs to; nobody, if it has no answer and no meaning. */
  private beginRequest(type: number): Request | undefined {
    if (this.phase === 'start' && type !== 0) this.phase = 'query'; // joined in the middle
    if (this.phase !== 'query') {
      const isStarting = this.phase === 'start' || (this.phase === 'connect' && this.head?.verb === '');
      if (isStarting && type === 0) {
        this.requests.beginUntyped();
        return this.head ?? this.beginConnect();
      }
      // Behind SSLRequest, TLS that nobody decrypts: nothing can be read from here on.
      if (isStarting || this.phase === 'encryption') {
        this.lose();
        return undefined;
      }
    }
    const { group } = this;
    switch (type) {
      case Frontend.Password:
        return this.head;
      case Frontend.CopyData:
      case Frontend.CopyDone:
      case Frontend.CopyFail:
        return this.head;
      case Frontend.Flush:
        return group;
      case Frontend.Sync:
      case Frontend.Close:
        return group ?? this.open();
      case Frontend.Parse:
      case Frontend.Bind:
      case Frontend.Describe:
      case Frontend.Execute:
        return group && !group.isExecuted ? group : this.open();
      default:
        return this.open();
    }
  }

  private fitsRequest(): boolean {
    const { type, length } = this.requests;
    if (type === 0) return length >= 4 && length <= maxStartup;
    return isFrontend[type] === 1 && length >= 0 && length <= maxMessage;
  }

  private endRequest(request: Request | undefined) {
    const { bytes, from, to, type } = this.requests;
    this.sending = undefined;
    if (!request || request.isOver) return;
    const { exchange } = request;
    switch (type) {
      case 0:
        return this.readStartup(request);
      case Frontend.Query: {
        const name = nameSqlIn(bytes, from, nulAt(bytes, from, to), this.dialect);
        exchange.operation = name.operation === '' ? 'empty query' : name.operation;
        exchange.statement = name.statement;
        return this.endSimple(request);
      }
      case Frontend.FunctionCall:
        exchange.operation = 'FUNCTION CALL';
        return this.endSimple(request);
      case Frontend.Terminate:
        exchange.operation = 'TERMINATE';
        exchange.oneWay = true;
        exchange.setup = true;
        return this.remove(request);
      case Frontend.Parse: {
        // | statement NUL | SQL NUL | … |
        const nul = nulAt(bytes, from, to);
        const name = nameSqlIn(bytes, nul + 1, nulAt(bytes, nul + 1, to), this.dialect);
        keep(this.statements, nameText(bytes, from, nul), name);
        request.name = name;
        request.verb = 'PREPARE';
        break;
      }
      case Frontend.Bind: {
        // | portal NUL | statement NUL | … |
        const nul = nulAt(bytes, from, to);
        const name = this.statements.get(nameText(bytes, nul + 1, nulAt(bytes, nul + 1, to))) ?? noName;
        keep(this.portals, nameText(bytes, from, nul), name);
        request.name = name;
        request.isBound = true;
        break;
      }
      case Frontend.Describe:
      case Frontend.Close: {
        // | 'S' statement or 'P' portal | name NUL |
        const names = bytes[from] === 0x53 ? this.statements : this.portals;
        const name = nameText(bytes, from + 1, nulAt(bytes, from + 1, to));
        if (request.name === noName) request.name = names.get(name) ?? noName;
        if (type === Frontend.Close) names.delete(name);
        if (request.verb === '') request.verb = type === Frontend.Close ? 'CLOSE' : 'DESCRIBE';
        break;
      }
      case Frontend.Execute:
        // | portal NUL | rows at most i32 |
        request.name = this.portals.get(nameText(bytes, from, nulAt(bytes, from, to))) ?? request.name;
        request.isExecuted = true;
        break;
      case Frontend.Sync:
        if (request.verb === '') request.verb = 'SYNC';
        request.endsReady = true;
        this.group = undefined;
        return;
      default:
        return;
    }
    this.group = request;
  }

  /** By all of its messages, once there are no more. */
  private nameRequest(request: Request): void {
    const { exchange, name, verb, isSimple } = request;
    if (isSimple || !(request.isExecuted || request.isBound || verb !== '')) return;
    const isQuery = request.isExecuted || request.isBound;
    if (isQuery) exchange.operation = name.operation === '' ? 'EXECUTE' : name.operation;
    else exchange.operation = name.operation === '' ? verb : `${verb} ${name.operation}`;
    exchange.statement = name.statement;
  }

  private endSimple(request: Request): void {
    request.isSimple = true;
    request.endsReady = true;
    this.group = undefined;
  }

  // ------------------------------------------------------------------------------------------------- connect

  private beginConnect(): Request {
    const request = this.open();
    request.exchange.operation = 'connect';
    request.exchange.setup = true;
    return request;
  }

  /** | code i32 | name NUL value NUL … NUL | */
  private readStartup(request: Request) {
    const { bytes, from, to } = this.requests;
    const code = int32(bytes, from);
    if (code === Startup.SSL || code === Startup.GSSENC) {
      this.phase = 'encryption';
      return;
    }
    if (code === Startup.Cancel) {
      request.exchange.operation = 'CANCEL';
      request.exchange.setup = false;
      request.exchange.oneWay = true;
      return this.remove(request);
    }
    if (code >> 16 !== Startup.major3) return this.lose();
    this.phase = 'connect';
    request.verb = 'connect';
    request.isSimple = true;
    request.endsReady = true;
    let user = '';
    for (let at = from + 4; at < to; ) {
      const nameEnd = nulAt(bytes, at, to);
      const valueEnd = nulAt(bytes, nameEnd + 1, to);
      const name = nameText(bytes, at, nameEnd);
      if (name === 'user') user = nameText(bytes, nameEnd + 1, valueEnd);
      if (name === 'database') this.namespace = nameText(bytes, nameEnd + 1, valueEnd);
      at = valueEnd + 1;
    }
    if (this.namespace === '') this.namespace = user; // the server's own default
    request.exchange.namespace = this.namespace;
  }

  // ------------------------------------------------------------------------------------------------- server

  server(bytes: Uint8Array, at: number): void {
    // Joined in the middle of an answer: the next request's answer begins at a border.
    if (this.phase === 'start' || this.lost) return;
    const { answers } = this;
    let from = 0;
    while (from < bytes.length && !this.lost) {
      if (this.phase === 'encryption') {
        this.readEncryption(bytes[from++] as number, at);
        continue;
      }
      if (answers.atBorder) {
        const to = this.head ? answers.skipRows(bytes, from) : from;
        if (to > from && this.head) {
          countIn(this.head.exchange, to - from, at);
          this.head.rows += answers.rows;
          from = to;
          continue;
        }
        if (bytes[from] === Backend.NotificationResponse) this.beginNotification();
      }
      const to = answers.read(bytes, from);
      const exchange = this.pushed ?? this.head?.exchange;
      if (exchange) countIn(exchange, to - from, at);
      if (answers.headed && !this.fitsAnswer()) this.lose();
      else if (answers.whole) this.readAnswer();
      from = to;
    }
    answers.release();
  }

  /** 'S' or 'G': encryption follows, and in it the startup message. 'N': it follows as it is. */
  private readEncryption(answer: number, at: number): void {
    const request = this.head as Request;
    countIn(request.exchange, 1, at);
    if (answer === 0x53 || answer === 0x47 || answer === 0x4e) this.phase = 'connect';
    else this.lose();
  }

  private fitsAnswer(): boolean {
    const { type, length } = this.answers;
    return isBackend[type] === 1 && length >= 0 && length <= maxMessage;
  }

  private readAnswer() {
    const { bytes, from, to, type } = this.answers;
    const { head } = this;
    switch (type) {
      case Backend.NotificationResponse:
        return this.endNotification();
      case Backend.ParameterStatus:
        return this.readParameter();
      case Backend.ErrorResponse:
        if (head) this.fail(head, errorCode(bytes, from, to));
        return;
      case Backend.ReadyForQuery:
        return this.endReady();
      case Backend.DataRow:
        if (head) head.rows++;
        return;
      case Backend.CommandComplete:
        if (head) {
          this.addRows(head, tagRows(bytes, from, nulAt(bytes, from, to)));
          this.endExecute(head);
        }
        return;
      case Backend.EmptyQueryResponse:
      case Backend.PortalSuspended:
        if (head) {
          this.addRows(head, -1);
          this.endExecute(head);
        }
        return;
      case Backend.CopyBothResponse:
        if (head) head.exchange.idle = true;
        return this.beginCopy(head);
      case Backend.CopyInResponse:
        return this.beginCopy(head);
    }
  }

  /** During COPY from the client the server ignores a Sync: the one that counts comes behind the data. */
  private beginCopy(request: Request | undefined): void {
    if (!request || request.isSimple || request !== this.tail) return;
    request.endsReady = false;
    this.group = request;
  }

  private addRows(request: Request, tagged: number): void {
    const rows = tagged >= 0 ? tagged : request.rows > 0 ? request.rows : -1;
    request.rows = 0;
    if (rows >= 0) request.exchange.rows = Math.max(request.exchange.rows, 0) + rows;
  }

  private readParameter(): void {
    const { bytes, from, to } = this.answers;
    const nul = nulAt(bytes, from, to);
    if (nameText(bytes, from, nul) !== 'standard_conforming_strings') return;
    const isOn = nameText(bytes, nul + 1, nulAt(bytes, nul + 1, to)) === 'on';
    this.dialect = isOn ? postgresqlDialect : postgresqlBackslash;
  }

  private beginNotification(): void {
    const exchange = new Exchange(Kind.consumer);
    exchange.operation = 'NOTIFY';
    exchange.namespace = this.namespace;
    exchange.oneWay = true;
    this.pushed = exchange;
    this.sink.opened(exchange);
  }

  /** | process i32 | channel NUL | payload NUL | */
  private endNotification(): void {
    const exchange = this.pushed;
    if (!exchange) return;
    const { bytes, from, to } = this.answers;
    const channel = nameText(bytes, from + 4, nulAt(bytes, from + 4, to));
    if (channel !== '') exchange.operation = `NOTIFY ${nameChannel(channel)}`;
    this.pushed = undefined;
    this.sink.closed(exchange);
  }

  // ------------------------------------------------------------------------------------------------- ends

  private endExecute(request: Request): void {
    if (request.isExecuted && !request.endsReady) this.remove(request);
  }

  private fail(request: Request, code: string) {
    this.addRows(request, -1);
    request.exchange.error = code;
    if (this.phase === 'connect') return this.remove(request);
    if (request.isSimple) return;
    this.aborted = code;
    if (!request.endsReady) this.remove(request);
  }

  /** ReadyForQuery answers the first Query, Sync or FunctionCall; what waits before it was skipped after an error. */
  private endReady(): void {
    let last = this.head;
    while (last && !last.endsReady) last = last.next;
    if (!last) return;
    if (this.phase === 'connect') this.phase = 'query';
    const code = this.aborted;
    this.aborted = '';
    while (this.head) {
      const request = this.head;
      if (code !== '' && request.exchange.error === '') request.exchange.error = code;
      this.remove(request);
      if (request === last) break;
    }
  }

  close(_at: number, error: string): void {
    if (!this.lost) this.endAll(error);
  }

  /** Nonsense: closes what is in flight and goes quiet. */
  private lose(): void {
    this.endAll('');
    this.lost = true;
  }

  private endAll(error: string): void {
    const { pushed } = this;
    this.pushed = undefined;
    if (pushed) this.sink.closed(pushed);
    while (this.head) {
      const request = this.head;
      if (request.exchange.error === '') request.exchange.error = error;
      this.remove(request);
    }
    this.statements.clear();
    this.portals.clear();
  }

  // ------------------------------------------------------------------------------------------------- queue

  private open(): Request {
    const request = new Request(new Exchange(Kind.client));
    request.exchange.operation = 'message';
    request.exchange.namespace = this.namespace;
    if (this.tail) this.tail.next = request;
    else this.head = request;
    this.tail = request;
    this.sink.opened(request.exchange);
    if (++this.inFlight > maxInFlight) this.lose();
    return request;
  }

  private remove(request: Request): void {
    if (request === this.head) this.head = request.next;
    else {
      let before = this.head;
      while (before && before.next !== request) before = before.next;
      if (before) before.next = request.next;
      if (request === this.tail) this.tail = before;
    }
    if (!this.head) this.tail = undefined;
    if (request === this.group) this.group = undefined;
    request.isOver = true;
    this.inFlight--;
    this.nameRequest(request);
    this.sink.closed(request.exchange);
  }
}

/** Remembers a name as the one used last. */
function keep(names: Map<string, SqlName>, key: string, name: SqlName): void {
  // Most have no name of their own, and the order of use changes nothing for the only one.
  if (names.size > 1) names.delete(key);
  names.set(key, name);
  if (names.size > maxNames) names.delete(names.keys().next().value as string);
}

function countOut(exchange: Exchange, bytes: number, at: number): void {
  if (exchange.bytesOut === 0) exchange.firstOut = at;
  exchange.bytesOut += bytes;
  exchange.lastOut = at;
}

function countIn(exchange: Exchange, bytes: number, at: number): void {
  if (exchange.bytesIn === 0) exchange.firstIn = at;
  exchange.bytesIn += bytes;
  exchange.lastIn = at;
}

/** The SQLSTATE among | field u8 | text NUL | …; 'error' when it has none that is one. */
function errorCode(bytes: Uint8Array, from: number, to: number): string {
  for (let at = from; at < to && bytes[at] !== 0; ) {
    const end = nulAt(bytes, at + 1, to);
    if (bytes[at] === 0x43 && end - at === 6) {
      const code = nameText(bytes, at + 1, end);
      if (/^[0-9A-Z]{5}$/.test(code)) return code;
    }
    at = end + 1;
  }
  return 'error';
}

/** The number at the end of a tag: 'SELECT 5', 'INSERT 0 3', 'COPY 7'; −1 where there is none, as in 'BEGIN'. */
function tagRows(bytes: Uint8Array, from: number, to: number): number {
  let rows = 0;
  let at = to - 1;
  for (let unit = 1; at >= from; at--, unit *= 10) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    rows += digit * unit;
  }
  return at < to - 1 && at >= from && bytes[at] === 0x20 ? rows : -1;
}
