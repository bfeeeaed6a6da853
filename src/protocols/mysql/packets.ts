// MySQL packets, from chunks cut anywhere.
//
//   0            3          4
//   +------------+----------+--------------------------+
//   | length u24 | sequence | payload (length bytes)   |     integers are little endian
//   +------------+----------+--------------------------+
//
// A payload of 16 MiB − 1 or more goes on in the next packet, until one is shorter than that (it may be empty).
// The sequence counts the packets of a command and its answer from 0, and wraps at 256.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html

import { Header, maxPacket } from './spec.ts';

const none = new Uint8Array(0);
const headBytes = 4;

/** Reads one direction. What a payload holds beyond `keep` bytes is skipped, never copied. */
export class PacketReader {
  /** After `read`: the head of a payload's first packet is complete. */
  headed = false;
  /** After `read`: a payload is complete; its beginning lies in `bytes[from, to)` until the next call. */
  whole = false;
  bytes: Uint8Array = none;
  from = 0;
  to = 0;
  /** Bytes of the payload, over all its packets as far as their heads were read. */
  length = 0;
  /** The sequence of the payload's first and of its latest packet. */
  firstSequence = 0;
  sequence = 0;
  /** How many rows the last `skipRows` skipped. */
  rows = 0;

  private readonly keep: number;
  private kept: Uint8Array = none;
  private keptBytes = 0;
  /** Bytes of the packet's head read so far; 4 = inside the payload. */
  private head = 0;
  private size = 0;
  private left = 0;
  private continues = false;

  /** @param keep how much of a payload that straddles chunks is kept */
  constructor(keep: number) {
    this.keep = keep;
  }

  /** True between payloads. */
  get atBorder(): boolean {
    return this.head === 0 && !this.continues;
  }

  /** Forgets what it is in the middle of: the next byte begins a packet. */
  reset(): void {
    this.head = 0;
    this.continues = false;
    this.keptBytes = 0;
    this.release();
  }

  /** Lets go of the chunk. */
  release(): void {
    this.bytes = none;
    this.headed = false;
    this.whole = false;
  }

  /** Reads on from `at` to the end of a head, of a payload, or of the chunk, whichever comes first; says where. */
  read(chunk: Uint8Array, at: number, end: number): number {
    this.headed = false;
    this.whole = false;
    return this.head < headBytes ? this.readHead(chunk, at, end) : this.readPayload(chunk, at, end);
  }

  private readHead(chunk: Uint8Array, at: number, end: number): number {
    while (at < end) {
      const byte = chunk[at++] as number;
      if (this.head === 0) this.size = byte;
      else if (this.head < 3) this.size |= byte << (8 * this.head);
      else {
        this.head = headBytes;
        this.sequence = byte;
        this.left = this.size;
        if (this.continues) this.length += this.size;
        else {
          this.headed = true;
          this.length = this.size;
          this.firstSequence = byte;
          this.keptBytes = 0;
        }
        return this.size === 0 ? this.readPayload(chunk, at, end) : at;
      }
      this.head++;
    }
    return at;
  }

  private readPayload(chunk: Uint8Array, at: number, end: number): number {
    const take = Math.min(this.left, end - at);
    const isInOneChunk = take === this.length;
    if (!isInOneChunk) this.keepSome(chunk, at, at + take);
    this.left -= take;
    if (this.left > 0) return at + take;
    this.head = 0;
    this.continues = this.size === maxPacket;
    if (this.continues) return at + take;
    this.whole = true;
    this.bytes = isInOneChunk ? chunk : this.kept;
    this.from = isInOneChunk ? at : 0;
    this.to = isInOneChunk ? at + take : this.keptBytes;
    return at + take;
  }

  private keepSome(chunk: Uint8Array, from: number, to: number): void {
    const room = Math.min(this.keep, this.length) - this.keptBytes;
    const take = Math.min(room, to - from);
    if (take <= 0) return;
    const needed = this.keptBytes + take;
    if (this.kept.length < needed) {
      const grown = new Uint8Array(Math.min(this.keep, Math.max(needed, 2 * this.kept.length)));
      grown.set(this.kept.subarray(0, this.keptBytes));
      this.kept = grown;
    }
    this.kept.set(chunk.subarray(from, from + take), this.keptBytes);
    this.keptBytes = needed;
  }

  /**
   * From a border, skips the rows that lie whole in `chunk[at, end)`, up to the first packet that is none or is out
   * of sequence; says where it stopped and leaves the number of rows in `rows`.
   */
  skipRows(chunk: Uint8Array, at: number, end: number): number {
    let rows = 0;
    let sequence = this.sequence;
    while (at + headBytes < end) {
      const size = (chunk[at] as number) | ((chunk[at + 1] as number) << 8) | ((chunk[at + 2] as number) << 16);
      const next = at + headBytes + size;
      if (next > end || size === 0 || size === maxPacket) break;
      if ((chunk[at + 4] as number) >= Header.EOF) break;
      if (chunk[at + 3] !== ((sequence + 1) & 0xff)) break;
      sequence = chunk[at + 3] as number;
      at = next;
      rows++;
    }
    this.sequence = sequence;
    this.rows = rows;
    return at;
  }
}

/** A cursor over a payload. Reading behind its end gives 0, '' and `isShort`. */
export class Fields {
  at: number;
  /** True once something was read that is not there. */
  isShort = false;
  private readonly bytes: Uint8Array;
  private readonly end: number;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  get left(): number {
    return this.end - this.at;
  }

  skip(count: number): void {
    if (count > this.end - this.at) {
      this.isShort = true;
      this.at = this.end;
    } else this.at += count;
  }

  u8(): number {
    return this.uint(1);
  }

  u16(): number {
    return this.uint(2);
  }

  u32(): number {
    return this.uint(4);
  }

  /** An integer of up to 8 bytes; beyond 2^53 only its size is right. */
  uint(size: number): number {
    if (size > this.end - this.at) {
      this.isShort = true;
      this.at = this.end;
      return 0;
    }
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.bytes[this.at + i] as number);
    this.at += size;
    return value;
  }

  /** int<lenenc>: one byte below 251, else 2, 3 or 8 behind 0xfc, 0xfd, 0xfe. 0xfb is NULL, read as 0. */
  lenenc(): number {
    const first = this.u8();
    if (first < 0xfb) return first;
    return first === 0xfc ? this.uint(2) : first === 0xfd ? this.uint(3) : first === 0xfe ? this.uint(8) : 0;
  }

  /** Where the string<NUL> here ends; moves behind its NUL. */
  toNul(): number {
    const nul = this.bytes.indexOf(0, this.at);
    if (nul < 0 || nul >= this.end) {
      this.isShort = true;
      this.at = this.end;
      return this.end;
    }
    this.at = nul + 1;
    return nul;
  }
}
