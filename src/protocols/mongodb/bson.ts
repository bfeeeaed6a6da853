// A BSON document, element by element, from chunks cut anywhere. A value is skipped by its length, kept in part, or
// entered, as its reader says; nothing else of it is held.
//
//   | length i32 | type u8 | name … NUL | value | type … | … | 0x00 |       integers are little endian
//
// https://bsonspec.org/spec.html

import { sizeBehindLength, sizes, Type } from './spec.ts';

/** What to do with the value of an element. */
export const Take = { skip: 0, keep: 1, enter: 2 } as const;
export type Take = (typeof Take)[keyof typeof Take];

export interface ElementReader {
  /** An element's `type` and `name` are known. */
  element(document: DocumentReader): Take;
  /** The value that was to be kept is in `document.value`. */
  value(document: DocumentReader): void;
}

const State = { length: 0, type: 1, name: 2, valueLength: 3, value: 4, strings: 5 } as const;

const maxName = 128;
const maxValue = 256;
const maxDepth = 6;

export class DocumentReader {
  /** Of the element: its type, its name (of a longer one the first 128 bytes) and which of its document's it is. */
  type = 0;
  readonly name = new Uint8Array(maxName);
  nameBytes = 0;
  index = 0;
  /** 0 in the outermost document. */
  depth = 0;
  /** The kept value: a string without its length but with its NUL, a number's bytes; of a longer one the first 256. */
  readonly value = new Uint8Array(maxValue);
  valueBytes = 0;
  private readonly view = new DataView(this.value.buffer);
  /** The outermost document is complete. */
  whole = false;
  /** It is no BSON. */
  isBroken = false;
  private readonly reader: ElementReader;
  private state: number = State.length;
  private at = 0;
  private number = 0;
  private numberBytes = 0;
  private left = 0;
  private take: Take = Take.skip;
  /** Of the documents entered: where they end, and how many of their elements have begun. */
  private readonly ends = new Float64Array(maxDepth + 1);
  private readonly counts = new Float64Array(maxDepth + 1);

  constructor(reader: ElementReader) {
    this.reader = reader;
  }

  /** The next byte is the first of a document that has at most `room` bytes. */
  begin(room: number): void {
    this.state = State.length;
    this.at = 0;
    this.depth = 0;
    this.ends[0] = room;
    this.number = 0;
    this.numberBytes = 0;
    this.whole = false;
    this.isBroken = false;
  }

  /** Reads on to the end of the document or of `chunk[at, end)`; says where. */
  read(chunk: Uint8Array, at: number, end: number): number {
    const from = at;
    const before = this.at;
    while (at < end && !this.whole && !this.isBroken) {
      this.at = before + at - from;
      switch (this.state) {
        case State.value:
          at = this.readValue(chunk, at, end);
          break;
        case State.name:
          at = this.readName(chunk, at, end);
          break;
        case State.strings:
          if (chunk[at++] === 0 && --this.left === 0) this.state = State.type;
          break;
        case State.type:
          this.readType(chunk[at++] as number);
          break;
        default:
          if (this.numberBytes === 0 && end - at >= 4) {
            const low = (chunk[at] as number) | ((chunk[at + 1] as number) << 8) | ((chunk[at + 2] as number) << 16);
            this.number = low | ((chunk[at + 3] as number) << 24);
            at += 4;
          } else {
            this.number |= (chunk[at++] as number) << (8 * this.numberBytes);
            if (++this.numberBytes < 4) break;
          }
          this.at = before + at - from;
          this.readLength(this.number);
          this.number = 0;
          this.numberBytes = 0;
      }
    }
    this.at = before + at - from;
    return at;
  }

  private readLength(length: number): void {
    if (this.state === State.valueLength) {
      this.beginValue(sizeBehindLength(this.type, length));
      return;
    }
    // The outermost document's own: it fits what holds it.
    if (length < 5 || length > (this.ends[0] as number)) this.isBroken = true;
    this.ends[0] = length;
    this.counts[0] = 0;
    this.state = State.type;
  }

  private readType(type: number): void {
    const { depth } = this;
    const end = this.ends[depth] as number;
    if (type === 0) {
      if (this.at + 1 !== end) this.isBroken = true;
      else if (depth === 0) this.whole = true;
      else this.depth = depth - 1;
      return;
    }
    if (sizes[type] === -1 || this.at + 2 >= end) this.isBroken = true;
    this.type = type;
    this.nameBytes = 0;
    this.index = (this.counts[depth] as number)++;
    this.state = State.name;
  }

  private readName(chunk: Uint8Array, at: number, end: number): number {
    const { name } = this;
    const from = at;
    let { nameBytes } = this;
    let byte = -1;
    while (at < end && byte !== 0) {
      byte = chunk[at++] as number;
      if (byte !== 0 && nameBytes < maxName) name[nameBytes++] = byte;
    }
    this.nameBytes = nameBytes;
    this.at += at - from;
    if (byte === 0) this.endName();
    return at;
  }

  private endName(): void {
    const { type } = this;
    const size = sizes[type] as number;
    this.take = this.reader.element(this);
    if (size === -2) {
      this.state = State.valueLength;
    } else if (size === -3) {
      this.left = 2;
      this.state = State.strings;
    } else {
      this.beginValue(size);
    }
  }

  /** A value of `size` more bytes begins at `at`. */
  private beginValue(size: number): void {
    const { depth } = this;
    const end = this.at + size;
    if (size < 0 || end >= (this.ends[depth] as number)) {
      this.isBroken = true;
      return;
    }
    if (this.take === Take.enter && (this.type === Type.document || this.type === Type.array) && depth < maxDepth) {
      this.depth = depth + 1;
      this.ends[depth + 1] = end;
      this.counts[depth + 1] = 0;
      this.state = State.type;
      return;
    }
    this.left = size;
    this.valueBytes = 0;
    this.state = State.value;
    if (size === 0) this.endValue();
  }

  private readValue(chunk: Uint8Array, at: number, end: number): number {
    const take = Math.min(this.left, end - at);
    if (this.take === Take.keep) {
      const room = Math.min(take, maxValue - this.valueBytes);
      for (let i = 0; i < room; i++) this.value[this.valueBytes++] = chunk[at + i] as number;
    }
    this.left -= take;
    if (this.left === 0) this.endValue();
    return at + take;
  }

  private endValue(): void {
    this.state = State.type;
    if (this.take === Take.keep) this.reader.value(this);
  }

  /** True when the element's name is this one. */
  isNamed(word: Uint8Array): boolean {
    const { name } = this;
    if (this.nameBytes !== word.length) return false;
    for (let i = 0; i < word.length; i++) if (name[i] !== word[i]) return false;
    return true;
  }

  /** The kept int64; beyond 2^53 only near it. */
  number64(): number {
    return this.view.getInt32(4, true) * 2 ** 32 + this.view.getUint32(0, true);
  }

  /** The kept value as a number, 0 for what is none; only the lower half of an int64. */
  number32(): number {
    const { value, valueBytes, type } = this;
    if (type === Type.double) return this.view.getFloat64(0, true);
    let result = 0;
    for (let i = 0; i < Math.min(4, valueBytes); i++) result |= (value[i] as number) << (8 * i);
    return result;
  }
}

/** A word to compare names with. */
export const word = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
