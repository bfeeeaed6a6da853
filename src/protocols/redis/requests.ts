// The client's side: commands as arrays of strings, *2\r\n$3\r\nGET\r\n$4\r\nname\r\n, or inline, GET name\r\n.
// The first words are kept while the command is read, as many as are asked for; the others are skipped by count.

import { isCommand } from './commands.ts';

/** What is told of the commands, one after the other. */
export interface Requests {
  /** Its name was read: word 0. Says how many words are to be kept. Its first byte was seen at `startedAt`. */
  named(startedAt: number): number;
  /** Bytes of the command since the last call, never before it is named. */
  count(bytes: number, at: number): void;
  ended(): void;
}

const Step = { start: 0, count: 1, dollar: 2, length: 3, data: 4, dataEnd: 5, inline: 6 } as const;
type Step = (typeof Step)[keyof typeof Step];

export const mostWords = 12;
const longestWord = 250;
const LF = 10;
const CR = 13;

export class RequestReader {
  /** Words of the command. */
  words = 0;
  private readonly requests: Requests;
  private step: Step = Step.start;
  private number = 0;
  private digits = 0;
  private word = 0;
  private data = 0;
  private wanted = 1;
  private held = 0;
  private startedAt = 0;
  private named = false;
  private readonly text = new Uint8Array(mostWords * longestWord);
  private readonly lengths = new Int32Array(mostWords);

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** True between commands. */
  get atBorder(): boolean {
    return this.step === Step.start;
  }

  /** Begins anew. */
  restart(): void {
    this.step = Step.start;
    this.named = false;
    this.held = 0;
  }

  /** Bytes of a kept word: text[from, to). */
  get kept(): Uint8Array {
    return this.text;
  }

  from(word: number): number {
    return word * longestWord;
  }

  to(word: number): number {
    return word < this.words && word < mostWords
      ? word * longestWord + (this.lengths[word] as number)
      : this.from(word);
  }

  /** A kept word as text; '' when there is none. */
  wordAt(word: number): string {
    let text = '';
    const to = this.to(word);
    for (let i = this.from(word); i < to; i++) text += String.fromCharCode(this.text[i] as number);
    return text;
  }

  /** False when the bytes are no command. */
  read(bytes: Uint8Array, at: number): boolean {
    const { length } = bytes;
    let from = 0; // first byte not yet counted
    let i = 0;
    while (i < length) {
      switch (this.step) {
        case Step.start: {
          const byte = bytes[i] as number;
          if (byte === CR || byte === LF) {
            from = ++i;
            break;
          }
          from = i;
          this.startedAt = at;
          this.held = 0;
          this.named = false;
          this.wanted = 1;
          this.words = 0;
          this.lengths.fill(0);
          this.number = 0;
          this.digits = 0;
          this.word = 0;
          if (byte === 42) {
            i++;
            this.step = Step.count;
          } else if (byte > 32 && byte < 127) this.step = Step.inline;
          else return this.broken(i - from, at);
          break;
        }
        case Step.count:
        case Step.length: {
          const byte = bytes[i++] as number;
          if (byte >= 48 && byte <= 57) {
            if (++this.digits > 10) return this.broken(i - from, at);
            this.number = this.number * 10 + byte - 48;
          } else if (byte === LF) {
            if (this.digits === 0) return this.broken(i - from, at);
            if (this.step === Step.length) {
              this.data = this.number;
              this.step = this.data > 0 ? Step.data : Step.dataEnd;
              if (this.word === 0 && (this.data === 0 || this.data > 64)) return this.broken(i - from, at);
            } else if (this.number === 0) {
              this.restart();
              from = i;
            } else {
              this.words = this.number;
              this.step = Step.dollar;
            }
          } else if (byte !== CR) return this.broken(i - from, at);
          break;
        }
        case Step.dollar:
          if (bytes[i++] !== 36) return this.broken(i - from, at);
          this.number = 0;
          this.digits = 0;
          this.step = Step.length;
          break;
        case Step.data: {
          const take = Math.min(this.data, length - i);
          if (this.word < this.wanted) this.take(this.word, bytes, i, i + take);
          i += take;
          this.data -= take;
          if (this.data === 0) this.step = Step.dataEnd;
          break;
        }
        case Step.dataEnd: {
          const byte = bytes[i++] as number;
          if (byte === CR) break;
          if (byte !== LF) return this.broken(i - from, at);
          if (this.word === 0) this.name(at);
          if (++this.word < this.words) this.step = Step.dollar;
          else {
            this.over(i - from, at);
            from = i;
          }
          break;
        }
        default: {
          const end = bytes.indexOf(LF, i);
          const to = end < 0 ? length : end;
          const bad = this.takeInline(bytes, i, to);
          if (bad >= 0) return this.broken(bad + 1 - from, at);
          i = end < 0 ? length : end + 1;
          if (end < 0) break;
          if (!isCommand(this.wordAt(0))) return this.broken(i - from, at);
          this.name(at);
          this.over(i - from, at);
          from = i;
        }
      }
    }
    if (i > from) {
      if (this.named) this.requests.count(i - from, at);
      else this.held += i - from;
    }
    return true;
  }

  /** Counts up to the byte that is none of a command's. */
  private broken(bytes: number, at: number): false {
    if (this.named) this.requests.count(bytes, at);
    return false;
  }

  private name(at: number): void {
    this.named = true;
    this.wanted = Math.min(mostWords, this.requests.named(this.startedAt));
    if (this.held > 0) this.requests.count(this.held, at);
    this.held = 0;
  }

  private over(bytes: number, at: number): void {
    this.step = Step.start;
    this.requests.count(bytes, at);
    this.requests.ended();
  }

  private take(word: number, bytes: Uint8Array, from: number, to: number): void {
    let length = this.lengths[word] as number;
    if (to - from > longestWord - length) to = from + longestWord - length;
    const base = word * longestWord;
    for (let i = from; i < to; i++) this.text[base + length++] = bytes[i] as number;
    this.lengths[word] = length;
  }

  /** An inline command is a line of words; only its first ones are kept. Offset of a byte that is of none, or -1. */
  private takeInline(bytes: Uint8Array, from: number, to: number): number {
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      if (byte === CR) continue;
      if (byte < 32 || byte === 127) return i;
      if (byte === 32) {
        if (this.words > 0 && this.word < this.words) this.word = this.words;
        continue;
      }
      if (this.word === this.words) this.words++;
      if (this.word < mostWords) this.take(this.word, bytes, i, i + 1);
      if (this.word === 0 && (this.lengths[0] as number) > 32) return i;
    }
    return -1;
  }
}
