// One direction of an HTTP/1.x connection as messages (RFC 9112): a start line, header lines, a body that is skipped.
//
//   start ─► headers ─┬─► length ────────────────────────────────┬─► start
//                     ├─► chunkSize ─► chunkData ─► chunkEnd ─┐   │
//                     │      └─ 0 ─► trailers ────────────────┼───┤
//                     ├─► untilClose                          │   │
//                     └─► (no body) ──────────────────────────┴───┘
//
// Lines end in LF, a CR before it is dropped. At most 2,048 bytes of a line are looked at, and kept only while it is
// split over chunks.

export const State = {
  start: 0,
  headers: 1,
  length: 2,
  chunkSize: 3,
  chunkData: 4,
  chunkEnd: 5,
  trailers: 6,
  untilClose: 7,
  /** Skips everything until told otherwise. */
  quiet: 8,
} as const;
export type State = (typeof State)[keyof typeof State];

const longestLine = 2048;
const LF = 10;
const CR = 13;
const SP = 32;
const TAB = 9;
const COLON = 58;

/** Who is told of a direction's messages. A call that returns false has found that this is not HTTP/1.x. */
export interface Messages {
  /** The start line is bytes[from, to); `cut` when it is longer than is looked at. The message began at `startedAt`. */
  begin(bytes: Uint8Array, from: number, to: number, cut: boolean, startedAt: number): boolean;
  /** The header lines are over; says how the body is framed: a State. */
  headers(): State;
  /** Bytes of the message since the last call. */
  count(bytes: number, at: number): void;
  end(at: number): void;
}

export class Reader {
  state: State = State.start;
  /** Of the head being read: Content-Length (-1 = none), Transfer-Encoding ends in chunked, is another. */
  contentLength = -1;
  chunked = false;
  coded = false;
  eventStream = false;
  /** Upgrade is to a WebSocket. */
  websocket = false;
  /** Bytes of the last chunk that were read before it became quiet. */
  readBytes = 0;
  private readonly messages: Messages;
  /** Bytes of the body or chunk still to come. */
  private left = 0;
  private readonly line = new Uint8Array(longestLine);
  private lineLength = 0;
  private lineCut = false;
  /** The header whose value an obs-fold line continues. */
  private header: 'length' | 'coding' | 'type' | 'upgrade' | '' = '';
  private started = false;
  private startedAt = 0;
  /** Bytes of the start line in chunks before. */
  private held = 0;

  constructor(messages: Messages) {
    this.messages = messages;
  }

  /** True between messages. */
  get atBorder(): boolean {
    return this.state === State.start && !this.started;
  }

  /** Skips the rest, or begins anew. */
  become(state: State): void {
    this.state = state;
    this.started = false;
    this.lineLength = 0;
    this.lineCut = false;
    this.held = 0;
  }

  /** False when the bytes are no HTTP/1.x. */
  read(bytes: Uint8Array, at: number): boolean {
    const { messages } = this;
    let from = 0; // first byte not yet counted
    let i = 0;
    while (i < bytes.length) {
      switch (this.state) {
        case State.quiet:
          this.readBytes = i;
          return true;
        case State.untilClose:
          i = bytes.length;
          break;
        case State.length:
        case State.chunkData: {
          const take = Math.min(this.left, bytes.length - i);
          i += take;
          this.left -= take;
          if (this.left > 0) break;
          if (this.state === State.chunkData) this.state = State.chunkEnd;
          else {
            this.over(i - from, at);
            from = i;
          }
          break;
        }
        default: {
          if (this.state === State.start && !this.started) {
            // Empty lines before a start line are allowed and mean nothing.
            while (i < bytes.length && (bytes[i] === CR || bytes[i] === LF)) i++;
            from = i;
            if (i === bytes.length) break;
            this.started = true;
            this.startedAt = at;
          }
          const end = lineEnd(bytes, i);
          if (end < 0) {
            this.keep(bytes, i, bytes.length);
            i = bytes.length;
            if (this.state === State.start) {
              this.held += i - from;
              from = i;
            }
            break;
          }
          const lineStart = i;
          i = end + 1;
          let whole: boolean;
          if (this.lineLength === 0 && end - lineStart <= longestLine) whole = this.lineIs(bytes, lineStart, end, at);
          else {
            this.keep(bytes, lineStart, end);
            whole = this.lineIs(this.line, 0, this.lineLength, at);
            this.lineLength = 0;
            this.lineCut = false;
          }
          if (!whole) {
            if (this.state !== State.start) messages.count(i - from, at);
            return false;
          }
          if (this.ended) {
            this.ended = false;
            this.over(i - from, at);
            from = i;
          }
        }
      }
    }
    this.readBytes = i;
    if (i > from && this.state !== State.quiet) messages.count(i - from, at);
    return true;
  }

  /** A line just read was the last of its message. */
  private ended = false;

  private over(bytes: number, at: number): void {
    this.state = State.start;
    this.started = false;
    this.messages.count(bytes, at);
    this.messages.end(at);
  }

  private keep(bytes: Uint8Array, from: number, to: number): void {
    const room = longestLine - this.lineLength;
    if (to - from > room) {
      this.lineCut = true;
      to = from + room;
    }
    if (to - from < 32) for (let i = from; i < to; i++) this.line[this.lineLength++] = bytes[i] as number;
    else {
      this.line.set(bytes.subarray(from, to), this.lineLength);
      this.lineLength += to - from;
    }
  }

  /** Takes a line without its LF. */
  private lineIs(bytes: Uint8Array, from: number, to: number, at: number): boolean {
    if (to > from && bytes[to - 1] === CR && !this.lineCut) to--;
    switch (this.state) {
      case State.start: {
        this.contentLength = -1;
        this.chunked = false;
        this.coded = false;
        this.eventStream = false;
        this.websocket = false;
        this.header = '';
        if (!this.messages.begin(bytes, from, to, this.lineCut, this.startedAt)) return false;
        if (this.held > 0) this.messages.count(this.held, at);
        this.held = 0;
        if (this.state === State.start) this.state = State.headers;
        return true;
      }
      case State.headers:
        if (to > from) return this.headerIs(bytes, from, to);
        this.state = this.messages.headers();
        this.left = this.contentLength;
        if (this.state === State.start) this.ended = true;
        return true;
      case State.chunkSize: {
        const length = chunkLength(bytes, from, to);
        if (length < 0) return false;
        this.left = length;
        this.state = length === 0 ? State.trailers : State.chunkData;
        return true;
      }
      case State.chunkEnd:
        this.state = State.chunkSize;
        return to === from;
      default: // trailers
        this.ended = to === from;
        return true;
    }
  }

  private headerIs(bytes: Uint8Array, from: number, to: number): boolean {
    let value = from;
    const first = bytes[from] as number;
    if (first !== SP && first !== TAB) {
      this.header = '';
      // neither Content-… nor Transfer-… nor Upgrade
      if ((first | 32) !== 99 && (first | 32) !== 116 && (first | 32) !== 117) return true;
      const colon = bytes.indexOf(COLON, from);
      if (colon < 0 || colon >= to) return true; // a line without a colon means nothing to the framing
      this.header = nameOf(bytes, from, colon);
      value = colon + 1;
    }
    if (this.header === '') return true;
    while (value < to && (bytes[value] === SP || bytes[value] === TAB)) value++;
    if (this.header === 'length') {
      if (value === to) return true;
      let length = 0;
      let digits = 0;
      for (; value < to && isDigit(bytes[value] as number); value++, digits++)
        length = length * 10 + (bytes[value] as number) - 48;
      if (digits === 0 || digits > 15) return false;
      this.contentLength = length;
    } else if (this.header === 'coding') {
      if (value === to) return true;
      this.chunked = endsWith(bytes, value, to, 'chunked');
      this.coded = true;
    } else if (this.header === 'upgrade') this.websocket = startsWith(bytes, value, to, 'websocket');
    else if (startsWith(bytes, value, to, 'text/event-stream')) this.eventStream = true;
    return true;
  }
}

/** Offset of the next LF; -1 when there is none. A loop: lines are too short for a call to pay. */
function lineEnd(bytes: Uint8Array, from: number): number {
  const near = Math.min(bytes.length, from + 256);
  for (let i = from; i < near; i++) if (bytes[i] === LF) return i;
  return near === bytes.length ? -1 : bytes.indexOf(LF, near);
}

function nameOf(bytes: Uint8Array, from: number, to: number): 'length' | 'coding' | 'type' | 'upgrade' | '' {
  switch (to - from) {
    case 14:
      return startsWith(bytes, from, to, 'content-length') ? 'length' : '';
    case 17:
      return startsWith(bytes, from, to, 'transfer-encoding') ? 'coding' : '';
    case 12:
      return startsWith(bytes, from, to, 'content-type') ? 'type' : '';
    case 7:
      return startsWith(bytes, from, to, 'upgrade') ? 'upgrade' : '';
    default:
      return '';
  }
}

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

/** Case-insensitive; `word` in lower case. */
export function startsWith(bytes: Uint8Array, from: number, to: number, word: string): boolean {
  if (to - from < word.length) return false;
  for (let i = 0; i < word.length; i++) {
    let byte = bytes[from + i] as number;
    if (byte >= 65 && byte <= 90) byte |= 32;
    if (byte !== word.charCodeAt(i)) return false;
  }
  return true;
}

function endsWith(bytes: Uint8Array, from: number, to: number, word: string): boolean {
  while (to > from && (bytes[to - 1] === SP || bytes[to - 1] === TAB)) to--;
  return to - from >= word.length && startsWith(bytes, to - word.length, to, word);
}

/** The size in a chunk's line "1a3;extension"; -1 when there is none. */
function chunkLength(bytes: Uint8Array, from: number, to: number): number {
  let length = 0;
  let digits = 0;
  let i = from;
  for (; i < to; i++, digits++) {
    const byte = bytes[i] as number;
    const lower = byte | 32;
    if (isDigit(byte)) length = length * 16 + byte - 48;
    else if (lower >= 97 && lower <= 102) length = length * 16 + lower - 87;
    else break;
  }
  if (digits === 0 || digits > 12) return -1;
  if (i < to && bytes[i] !== 59 && bytes[i] !== SP && bytes[i] !== TAB) return -1;
  return length;
}
