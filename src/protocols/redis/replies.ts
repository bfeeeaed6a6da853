// The server's side: RESP2 and RESP3 values (https://redis.io/docs/latest/develop/reference/protocol-spec/), skipped by
// count. A value is a type's byte, a line, and for strings its bytes, for aggregates its elements:
//
//   $5\r\nhello\r\n      *2\r\n:1\r\n+OK\r\n      %1\r\n+key\r\n_\r\n      *?\r\n:1\r\n.\r\n      $?\r\n;2\r\nhi\r\n;0\r\n
//
// `left[depth]` counts the values still to come at a depth. Beyond the deepest level that is told apart, elements are
// added to its own count, so depth costs no memory.

/** What is told of the values, one after the other. */
export interface Replies {
  /** A value's first byte was seen. */
  began(at: number): void;
  /** The first element of an array or push, when it is a string: 'message', 'subscribe', … */
  word(push: boolean, word: string, at: number): void;
  /** The second element, when it is a string; its first 250 bytes: a channel. */
  second(bytes: Uint8Array, length: number): void;
  /** Bytes of the value since the last call. */
  count(bytes: number, at: number): void;
  ended(at: number): void;
}

const Step = { type: 0, line: 1, data: 2, dataEnd: 3, simple: 4 } as const;
type Step = (typeof Step)[keyof typeof Step];

const LF = 10;
const CR = 13;
const deepest = 32;
const longestText = 250;

/** Bytes of types. */
export const Type = {
  string: 36, // $
  verbatim: 61, // =
  bulkError: 33, // !
  array: 42, // *
  map: 37, // %
  set: 126, // ~
  push: 62, // >
  attribute: 124, // |
  part: 59, // ;
  end: 46, // .
  simple: 43, // +
  error: 45, // -
  integer: 58, // :
  double: 44, // ,
  boolean: 35, // #
  bigNumber: 40, // (
  null: 95, // _
} as const;

export class ReplyReader {
  /** Of the value being read or just read: its type (0 = not known yet), its elements (-1 = no aggregate). */
  type = 0;
  elements = -1;
  null = false;
  /** Its error's first word; '' = none. */
  error = '';
  /** Of its elements: the first error's first word, how many are null, the last integer, elements of the second. */
  nestedError = '';
  nulls = 0;
  integer = -1;
  secondElements = -1;
  private readonly replies: Replies;
  private step: Step = Step.type;
  /** Type of the innermost value being read. */
  private element = 0;
  /** Its place among the elements of the whole; -1 for the whole itself and inside its elements. */
  private index = -1;
  private seen = 0;
  private depth = 0;
  private readonly left = new Float64Array(deepest + 1);
  private number = 0;
  private digits = 0;
  private negative = false;
  private streamed = false;
  private streamedString = false;
  private data = 0;
  private readonly text = new Uint8Array(longestText);
  private textLength = 0;
  private capture = false;
  private finished = false;
  private at = 0;

  constructor(replies: Replies) {
    this.replies = replies;
  }

  /** True between values. */
  get atBorder(): boolean {
    return this.step === Step.type && this.left[0] === 0;
  }

  /** Begins anew. */
  restart(): void {
    this.step = Step.type;
    this.depth = 0;
    this.left[0] = 0;
    this.streamedString = false;
  }

  /** False when the bytes are no RESP. */
  read(bytes: Uint8Array, at: number): boolean {
    const { length } = bytes;
    this.at = at;
    let from = 0; // first byte not yet counted
    let i = 0;
    while (i < length) {
      switch (this.step) {
        case Step.type:
          if (this.depth === 0 && this.left[0] === 0) this.begin(at);
          if (!this.typeIs(bytes[i++] as number)) return this.broken(i - from, at);
          break;
        case Step.line: {
          const byte = bytes[i++] as number;
          if (byte >= 48 && byte <= 57) {
            if (++this.digits > 15) return this.broken(i - from, at);
            this.number = this.number * 10 + byte - 48;
          } else if (byte === LF) {
            if (!this.lineIs()) return this.broken(i - from, at);
          } else if (byte === 45 && this.digits === 0) this.negative = true;
          else if (byte === 63 && this.digits === 0) this.streamed = true;
          else if (byte !== CR) return this.broken(i - from, at);
          break;
        }
        case Step.data: {
          const take = Math.min(this.data, length - i);
          if (this.capture) this.take(bytes, i, i + take);
          i += take;
          this.data -= take;
          if (this.data === 0) this.step = Step.dataEnd;
          break;
        }
        case Step.dataEnd: {
          const byte = bytes[i++] as number;
          if (byte === CR) break;
          if (byte !== LF) return this.broken(i - from, at);
          this.step = Step.type;
          if (!this.streamedString) this.scalar();
          break;
        }
        default: {
          const end = bytes.indexOf(LF, i);
          const to = end < 0 ? length : end;
          if (this.capture) this.take(bytes, i, to);
          i = end < 0 ? length : end + 1;
          if (end < 0) break;
          if (this.textLength > 0 && this.text[this.textLength - 1] === CR) this.textLength--;
          this.step = Step.type;
          this.scalar();
        }
      }
      if (this.finished) {
        this.finished = false;
        this.replies.count(i - from, at);
        from = i;
        this.replies.ended(at);
      }
    }
    if (i > from) this.replies.count(i - from, at);
    return true;
  }

  /** Counts up to the byte that is none of RESP's. */
  private broken(bytes: number, at: number): false {
    this.replies.count(bytes, at);
    return false;
  }

  private begin(at: number): void {
    this.left[0] = 1;
    this.index = -1;
    this.seen = 0;
    this.type = 0;
    this.elements = -1;
    this.null = false;
    this.error = '';
    this.nestedError = '';
    this.nulls = 0;
    this.integer = -1;
    this.secondElements = -1;
    this.replies.began(at);
  }

  private typeIs(byte: number): boolean {
    this.number = 0;
    this.digits = 0;
    this.negative = false;
    this.streamed = false;
    this.step = Step.line;
    if (this.streamedString) return byte === Type.part;
    this.element = byte;
    this.index = -1;
    if (this.depth === 0) {
      if (byte !== Type.attribute) this.type = byte;
    } else if (this.depth === 1 && this.type !== 0 && byte !== Type.attribute && byte !== Type.end)
      this.index = this.seen++;
    this.textLength = 0;
    this.capture = this.index === 0 || this.index === 1;
    switch (byte) {
      case Type.bulkError:
        this.capture = true;
        return true;
      case Type.string:
      case Type.verbatim:
      case Type.array:
      case Type.map:
      case Type.set:
      case Type.push:
      case Type.attribute:
        return true;
      case Type.end:
        return this.depth > 0 && this.left[this.depth] === Number.POSITIVE_INFINITY;
      case Type.error:
      case Type.integer:
        this.capture = this.depth <= 1;
        this.step = Step.simple;
        return true;
      case Type.simple:
      case Type.double:
      case Type.boolean:
      case Type.bigNumber:
      case Type.null:
        this.step = Step.simple;
        return true;
      default:
        if (this.depth === 0) this.type = 0;
        return false;
    }
  }

  /** The line after a type's byte is over: a length or a count of elements. */
  private lineIs(): boolean {
    this.step = Step.type;
    const { number, digits, element } = this;
    if (this.streamedString) {
      if (digits === 0) return false;
      if (number > 0) {
        this.data = number;
        this.step = Step.data;
        return true;
      }
      this.streamedString = false;
      this.scalar();
      return true;
    }
    switch (element) {
      case Type.string:
      case Type.verbatim:
      case Type.bulkError:
        if (this.streamed) this.streamedString = true;
        else if (this.negative) this.scalar();
        else {
          this.data = number;
          this.step = number > 0 ? Step.data : Step.dataEnd;
          return digits > 0;
        }
        return true;
      case Type.end:
        if (this.depth === 1 && this.type !== 0) this.elements = this.seen;
        this.depth--;
        this.over();
        return true;
      default:
        return this.aggregate(element, number);
    }
  }

  private aggregate(element: number, number: number): boolean {
    const attribute = element === Type.attribute;
    const whole = this.depth === 0 && !attribute;
    if (this.negative && !attribute) {
      this.scalar();
      return true;
    }
    if (this.streamed) {
      if (this.depth === deepest || attribute) return false;
      this.left[++this.depth] = Number.POSITIVE_INFINITY;
      return true;
    }
    if (this.digits === 0) return false;
    if (whole) this.elements = number;
    if (this.index === 1) this.secondElements = number;
    const children = element === Type.map || attribute ? 2 * number : number;
    const { left, depth } = this;
    // An attribute stands before a value and is none itself.
    if (attribute) left[depth] = (left[depth] as number) + 1;
    if (children === 0) this.over();
    else if (depth < deepest) left[++this.depth] = children;
    else left[depth] = (left[depth] as number) + children - 1;
    return true;
  }

  /** A value without elements is over. */
  private scalar(): void {
    const { element, index } = this;
    const error = element === Type.error || element === Type.bulkError;
    const none = this.negative || element === Type.null;
    if (this.depth === 0) {
      this.null = none;
      if (error) this.error = this.errorCode();
    } else if (index >= 0) {
      if (none) this.nulls++;
      else if (error) this.nestedError ||= this.errorCode();
      else if (element === Type.integer) this.integer = this.integerRead();
      else if (element === Type.string || element === Type.simple) {
        if (index === 0 && (this.type === Type.push || this.type === Type.array))
          this.replies.word(this.type === Type.push, this.wordRead(), this.at);
        else if (index === 1) this.replies.second(this.text, this.textLength);
      }
    }
    this.over();
  }

  /** A value at this depth is over, and with it those whose last element it was. */
  private over(): void {
    const { left } = this;
    for (;;) {
      const now = (left[this.depth] as number) - 1;
      left[this.depth] = now;
      if (now > 0) return;
      if (this.depth === 0) {
        this.finished = true;
        return;
      }
      this.depth--;
    }
  }

  private take(bytes: Uint8Array, from: number, to: number): void {
    const room = longestText - this.textLength;
    if (to - from > room) to = from + room;
    for (let i = from; i < to; i++) this.text[this.textLength++] = bytes[i] as number;
  }

  /** An error's first word, when it is a code: WRONGTYPE, ERR. */
  private errorCode(): string {
    let code = '';
    for (let i = 0; i < this.textLength && i < 32; i++) {
      const byte = this.text[i] as number;
      if (byte === 32) break;
      if (!((byte >= 65 && byte <= 90) || (i > 0 && ((byte >= 48 && byte <= 57) || byte === 95)))) return 'ERR';
      code += String.fromCharCode(byte);
    }
    return code || 'ERR';
  }

  private wordRead(): string {
    let word = '';
    for (let i = 0; i < this.textLength && i < 16; i++) word += String.fromCharCode(this.text[i] as number);
    return word;
  }

  private integerRead(): number {
    let number = 0;
    for (let i = 0; i < this.textLength && i < 15; i++) {
      const digit = (this.text[i] as number) - 48;
      if (digit >= 0 && digit <= 9) number = number * 10 + digit;
    }
    return number;
  }
}
