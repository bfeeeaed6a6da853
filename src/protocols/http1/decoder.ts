// HTTP/1.0 and 1.1 (RFC 9112): requests and their answers, in the order of the requests (pipelining).
// Operation = method and route ('GET /users/:id'); nothing of headers and bodies is kept.

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type HandOver, type Protocol, type Recognition, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';
import { pathPattern } from '../names/path.ts';
import { websocketOn } from '../websocket/decoder.ts';
import { Reader, State, startsWith } from './reader.ts';

export const http: Protocol = {
  name: 'http',
  recognise,
  decode: (sink, handOver) => new Http1(sink, handOver),
};

const methods = new Set(
  (
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH ' +
    'REPORT PURGE LINK UNLINK M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE SOURCE MKCALENDAR ACL BIND REBIND UNBIND CHECKOUT ' +
    'MERGE MKACTIVITY'
  ).split(' '),
);
const longestMethod = 11;
/** More requests than this without an answer are no HTTP client. */
const mostPending = 10_000;

function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  const asked = requestLine(client);
  if (asked !== 'more') return asked;
  if (server.length === 0) return 'more';
  const answered = statusLine(server, 0, server.length);
  return answered === 'no' && client.length > 0 ? 'more' : answered;
}

/** 'yes' when bytes begin with a request line of HTTP/1.x. */
function requestLine(bytes: Uint8Array): Recognition {
  let from = 0;
  while (from < bytes.length && (bytes[from] === 13 || bytes[from] === 10)) from++;
  if (from > 4) return 'no';
  let at = from;
  let method = '';
  for (; at < bytes.length && bytes[at] !== 32; at++) {
    if (at - from === longestMethod) return 'no';
    method += String.fromCharCode(bytes[at] as number);
  }
  if (at === bytes.length) {
    for (const known of methods) if (known.startsWith(method)) return 'more';
    return 'no';
  }
  if (!methods.has(method)) return 'no';
  const target = ++at;
  for (; at < bytes.length && bytes[at] !== 32; at++) if ((bytes[at] as number) < 33) return 'no';
  if (at === bytes.length) return at >= 4096 ? 'yes' : 'more';
  if (at === target) return 'no';
  for (let i = 0; i < 8; i++) {
    if (at + 1 + i >= bytes.length) return at >= 4080 ? 'yes' : 'more';
    const byte = bytes[at + 1 + i] as number;
    if (i < 7 ? byte !== 'HTTP/1.'.charCodeAt(i) : byte < 48 || byte > 57) return 'no';
  }
  return 'yes';
}

/** 'yes' when bytes[from, to) begin with a status line of HTTP/1.x. */
function statusLine(bytes: Uint8Array, from: number, to: number): Recognition {
  for (let i = 0; i < 12; i++) {
    if (from + i === to) return 'more';
    const byte = bytes[from + i] as number;
    if (i < 7 ? byte !== 'HTTP/1.'.charCodeAt(i) : i === 8 ? byte !== 32 : byte < 48 || byte > 57) return 'no';
  }
  return 'yes';
}

class Request extends Exchange {
  readonly line: Line;
  constructor(line: Line) {
    super(Kind.client);
    this.line = line;
    this.operation = line.operation;
  }
}

class Http1 implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly requests: Reader;
  private readonly answers: Reader;
  private readonly flight: InFlight<Request>;
  /** Whose request is being sent; undefined when it has been answered already, or is none. */
  private asking: Request | undefined = undefined;
  /** Whose answer is being received; undefined for one that answers nothing seen. */
  private answering: Request | undefined = undefined;
  private status = 0;
  private asked = false;
  private readonly handOver: HandOver | undefined;
  /** The answer to it said that another protocol follows. */
  private switched: Request | undefined = undefined;

  constructor(sink: Sink, handOver: HandOver | undefined) {
    this.sink = sink;
    this.handOver = handOver;
    this.flight = new InFlight(sink);
    this.requests = new Reader({
      begin: (bytes, from, to, cut, startedAt) => this.request(bytes, from, to, cut, startedAt),
      headers: () => this.requestBody(),
      count: (bytes, at) => {
        const { asking } = this;
        if (!asking) return;
        asking.bytesOut += bytes;
        asking.lastOut = at;
      },
      end: () => {
        this.asking = undefined;
      },
    });
    this.answers = new Reader({
      begin: (bytes, from, to, cut, startedAt) => this.answer(bytes, from, to, cut, startedAt),
      headers: () => this.answerBody(),
      count: (bytes, at) => {
        const { answering } = this;
        if (!answering) return;
        answering.bytesIn += bytes;
        answering.lastIn = at;
      },
      end: () => this.answered(),
    });
  }

  get idle(): boolean {
    return !this.lost && this.flight.length === 0 && this.requests.atBorder && this.answers.atBorder;
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost || this.requests.read(bytes, at)) return;
    if (this.asked) this.lose();
    // Joined in the middle of a request: the next one begins after its answer.
    else this.requests.become(State.quiet);
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost) return;
    if (this.answers.read(bytes, at)) {
      if (this.switched) this.handsOver(this.switched, bytes, at);
      return;
    }
    if (this.flight.length > 0) this.lose();
    // Joined in the middle of an answer: the next one begins after the next request.
    else this.answers.become(State.quiet);
  }

  close(_at: number, error: string): void {
    const { answering } = this;
    const whole = this.answers.state === State.untilClose && error === '';
    if (whole && answering) this.closeFirst();
    this.flight.closeAll(error || 'closed', error);
  }

  private request(bytes: Uint8Array, from: number, to: number, cut: boolean, startedAt: number): boolean {
    // method SP target SP HTTP-version
    let end = to;
    if (!cut) {
      end = to - 9;
      if (end <= from || !startsWith(bytes, end, to, ' http/1.') || bytes[end + 1] !== 72) return false;
    }
    const line = lineOf(bytes, from, end);
    if (line === undefined || this.flight.length >= mostPending) return false;
    const request = new Request(line);
    request.firstOut = startedAt;
    request.lastOut = startedAt;
    // What was answered before, without a request that was seen, is over.
    if (this.flight.length === 0 && !this.answers.atBorder && !this.answering) this.answers.become(State.start);
    this.asked = true;
    this.asking = request;
    this.flight.add(request);
    this.sink.opened(request);
    return true;
  }

  private requestBody(): State {
    const { chunked, contentLength } = this.requests;
    if (chunked) return State.chunkSize;
    return contentLength > 0 ? State.length : State.start;
  }

  private answer(bytes: Uint8Array, from: number, to: number, _cut: boolean, startedAt: number): boolean {
    if (statusLine(bytes, from, to) !== 'yes') return false;
    this.status = 100 * digit(bytes, from + 9) + 10 * digit(bytes, from + 10) + digit(bytes, from + 11);
    const request = this.flight.first;
    this.answering = request;
    if (request) {
      request.firstIn = startedAt;
      request.lastIn = startedAt;
    }
    return true;
  }

  private answerBody(): State {
    const { status, answering } = this;
    const { chunked, coded, contentLength, eventStream } = this.answers;
    if (answering && (status >= 200 || status === 101)) {
      answering.status = status;
      if (status >= 400) answering.error = String(status);
      answering.idle = eventStream;
    }
    if (status < 200 || status === 204 || status === 304 || answering?.line.head) return State.start;
    if (answering?.line.connect && status < 300) return State.start;
    if (chunked) return State.chunkSize;
    if (coded) return State.untilClose;
    if (contentLength >= 0) return contentLength > 0 ? State.length : State.start;
    return State.untilClose;
  }

  private answered(): void {
    const { status, answering } = this;
    this.answering = undefined;
    // 100 Continue, 103 Early Hints: the answer itself is still to come.
    if (status < 200 && status !== 101) return;
    if (answering) this.closeFirst();
    // Joined in the middle of a request that is answered now.
    else if (!this.asked && this.requests.state === State.quiet) this.requests.become(State.start);
    if (status !== 101 && !(answering?.line.connect && status < 300)) return;
    // From here on it is another protocol; one that was asked for before it was seen stays unknown.
    this.switched = answering;
    this.requests.become(State.quiet);
    this.answers.become(State.quiet);
  }

  private handsOver({ line: { connect, route } }: Request, bytes: Uint8Array, at: number): void {
    this.switched = undefined;
    const isWebsocket = !connect && this.answers.websocket;
    if (!this.handOver || !(connect || isWebsocket)) return;
    // Asked in the same breath: nobody will answer that now.
    this.flight.closeAll('closed', '');
    const left = bytes.subarray(this.answers.readBytes);
    if (connect) this.handOver(undefined, left, at);
    else this.handOver(websocketOn(route), left, at);
  }

  private closeFirst(): void {
    if (this.flight.first === this.asking) this.asking = undefined;
    this.flight.closeFirst();
  }

  private lose(): void {
    this.lost = true;
    this.flight.closeAll('', '');
    this.asking = undefined;
    this.answering = undefined;
  }
}

const digit = (bytes: Uint8Array, at: number): number => (bytes[at] as number) - 48;

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');

/** What a request line's method and target say. */
interface Line {
  readonly head: boolean;
  readonly connect: boolean;
  /** '' for CONNECT. */
  readonly route: string;
  /** 'GET /users/:id' */
  readonly operation: string;
}

// Programs ask for the same again and again: what was made of bytes is kept under their hash, in a place that is
// overwritten by the next line that falls on it.
const places = 256;
const longestHeld = 256;
const heldBytes: (Uint8Array | undefined)[] = new Array(places).fill(undefined);
const heldLines: (Line | undefined)[] = new Array(places).fill(undefined);

/** Of bytes[from, to), a request line without its version; undefined when it is none. */
function lineOf(bytes: Uint8Array, from: number, to: number): Line | undefined {
  const length = to - from;
  if (length > longestHeld) return readLine(bytes, from, to);
  let hash = length;
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const place = (hash ^ (hash >>> 8)) & (places - 1);
  const held = heldBytes[place];
  if (held !== undefined && held.length === length) {
    let i = 0;
    while (i < length && held[i] === bytes[from + i]) i++;
    if (i === length) return heldLines[place];
  }
  const line = readLine(bytes, from, to);
  heldBytes[place] = bytes.slice(from, to);
  heldLines[place] = line;
  return line;
}

function readLine(bytes: Uint8Array, from: number, to: number): Line | undefined {
  const space = bytes.indexOf(32, from);
  if (space <= from || space >= to - 1 || space - from > longestMethod) return undefined;
  const method = latin1(bytes, from, space);
  if (!methods.has(method) && !/^[A-Z][A-Z-]+$/.test(method)) return undefined;
  const connect = method === 'CONNECT';
  const route = connect ? '' : pathPattern(latin1(bytes, space + 1, to));
  const operation = (route ? `${method} ${route}` : method).slice(0, 200);
  return { head: method === 'HEAD', connect, route, operation };
}
