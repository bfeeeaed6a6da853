// One direction of a NATS connection: control lines, some of which a message follows.
//
//   PUB orders.created _INBOX.x 5 CR LF │ hello CR LF │ PING CR LF │ …
//   └─ words ──────────────────────────┘ └ message ──┘
//
// A line is kept only while it is split over chunks, a message's first bytes only when they are asked for.

const longestKept = 4096;
const longestLine = 2 ** 20;
const largestMessage = 2 ** 31;
const mostWords = 6;
const LF = 10;
const CR = 13;

export interface Lines {
  /** A line is whole: its words are there. False when it is none of the protocol's. */
  line(reader: LineReader, at: number): boolean;
  /** The first bytes of the message that were asked for, bytes[from, to). */
  head(bytes: Uint8Array, from: number, to: number, at: number): void;
  /** The message is whole. */
  message(at: number): void;
}

export class LineReader {
  /** Words of the line: word n is bytes[from(n), to(n)). The last one goes on to the line's end. */
  words = 0;
  bytes: Uint8Array;
  /** When the line's first byte was seen, and its length with its end. */
  startedAt = 0;
  lineBytes = 0;
  private readonly lines: Lines;
  private readonly kept = new Uint8Array(longestKept);
  private keptBytes = 0;
  private seen = 0;
  private readonly starts = new Int32Array(mostWords);
  private readonly ends = new Int32Array(mostWords);
  private lineEnd = 0;
  /** Bytes of the message, with CR LF, still to come. */
  private left = 0;
  /** Of them, those that are asked for. */
  private wanted = 0;

  constructor(lines: Lines) {
    this.lines = lines;
    this.bytes = this.kept;
  }

  /** True between lines. */
  get atBorder(): boolean {
    return this.left === 0 && this.seen === 0;
  }

  from(word: number): number {
    return word < this.words ? (this.starts[word] as number) : 0;
  }

  to(word: number): number {
    return word < this.words ? (this.ends[word] as number) : 0;
  }

  /** A word as text. */
  word(word: number): string {
    return textOf(this.bytes, this.from(word), this.to(word));
  }

  /** What stands behind a word's beginning, to the end of the line. */
  rest(word: number): string {
    return word < this.words ? textOf(this.bytes, this.from(word), this.lineEnd) : '';
  }

  /** A word as a number; -1 when it is none. */
  number(word: number): number {
    let number = 0;
    const from = this.from(word);
    const to = this.to(word);
    if (to === from || to - from > 10) return -1;
    for (let i = from; i < to; i++) {
      const digit = (this.bytes[i] as number) - 48;
      if (digit < 0 || digit > 9) return -1;
      number = number * 10 + digit;
    }
    return number;
  }

  /** Called from `line`: `size` bytes of a message follow, of which the first `wanted` are to be told. */
  expect(size: number, wanted: number): boolean {
    if (size < 0 || size > largestMessage) return false;
    this.left = size + 2;
    this.wanted = Math.min(size, wanted, longestKept);
    return true;
  }

  /** False when the bytes are none of the protocol's. */
  read(bytes: Uint8Array, at: number): boolean {
    const { length } = bytes;
    let i = 0;
    while (i < length) {
      if (this.left > 0) {
        i = this.readMessage(bytes, i, at);
        if (i < 0) return false;
        continue;
      }
      if (this.seen === 0) this.startedAt = at;
      let end = i;
      const near = Math.min(length, i + 128);
      while (end < near && bytes[end] !== LF) end++;
      if (end === near && near < length) {
        end = bytes.indexOf(LF, near);
        if (end < 0) end = length;
      }
      if (end === length) {
        this.keep(bytes, i, length);
        if (this.seen > longestLine) return false;
        return true;
      }
      let whole: boolean;
      if (this.seen === 0) {
        this.lineBytes = end + 1 - i;
        whole = this.lineIs(bytes, i, Math.min(end, i + longestKept), at);
      } else {
        this.keep(bytes, i, end);
        this.lineBytes = this.seen + 1;
        const { keptBytes } = this;
        this.keptBytes = 0;
        whole = this.lineIs(this.kept, 0, keptBytes, at);
      }
      this.seen = 0;
      if (!whole || this.lineBytes > longestLine) return false;
      i = end + 1;
    }
    return true;
  }

  private keep(bytes: Uint8Array, from: number, to: number): void {
    this.seen += to - from;
    const take = Math.min(to - from, longestKept - this.keptBytes);
    for (let i = from; i < from + take; i++) this.kept[this.keptBytes++] = bytes[i] as number;
  }

  private lineIs(bytes: Uint8Array, from: number, to: number, at: number): boolean {
    if (to > from && bytes[to - 1] === CR) to--;
    this.words = 0;
    let i = from;
    while (i < to && this.words < mostWords) {
      while (i < to && isSpace(bytes[i] as number)) i++;
      if (i === to) break;
      this.starts[this.words] = i;
      while (i < to && !isSpace(bytes[i] as number)) i++;
      this.ends[this.words++] = i;
    }
    this.bytes = bytes;
    this.lineEnd = to;
    const whole = this.lines.line(this, at);
    this.bytes = this.kept;
    // What a line held may be a password.
    if (bytes === this.kept) this.kept.fill(0, from, to);
    return whole;
  }

  /** Reads on in a message; where to, or -1 when it does not end as it should. */
  private readMessage(bytes: Uint8Array, i: number, at: number): number {
    if (this.wanted > 0) {
      const take = Math.min(this.wanted - this.keptBytes, bytes.length - i);
      if (take === this.wanted) this.lines.head(bytes, i, i + take, at);
      else {
        for (let j = i; j < i + take; j++) this.kept[this.keptBytes++] = bytes[j] as number;
        if (this.keptBytes === this.wanted) this.lines.head(this.kept, 0, this.keptBytes, at);
      }
      if (take === this.wanted || this.keptBytes === this.wanted) {
        this.wanted = 0;
        this.keptBytes = 0;
      }
      this.left -= take;
      return i + take;
    }
    if (this.left > 2) {
      const take = Math.min(this.left - 2, bytes.length - i);
      this.left -= take;
      return i + take;
    }
    if (bytes[i] !== (this.left === 2 ? CR : LF)) return -1;
    if (--this.left === 0) this.lines.message(at);
    return i + 1;
  }
}

const isSpace = (byte: number): boolean => byte === 32 || byte === 9;

function textOf(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
