// AMQP frames of one direction, from chunks cut anywhere.
//
//   0      1         3             7              size + 7
//   +------+---------+-------------+--------------+----------+
//   | type | channel |    size     | payload      | frameEnd |     integers are big endian
//   +------+---------+-------------+--------------+----------+
//
// A frame is told when it is whole. Of its payload only the beginning is kept, and only while it is split over chunks.

import { FrameType, frameEnd } from './spec.ts';

/** Three short strings and what stands before and between them. */
const kept = 800;
const largestFrame = 2 ** 28;
const headBytes = 7;

/** Told of a whole frame; false = go no further. */
export type OnFrame = (frame: FrameReader, at: number) => boolean;

export class FrameReader {
  type = 0;
  channel = 0;
  /** Bytes of the payload. */
  size = 0;
  /** When its first byte was seen. */
  startedAt = 0;
  // A cursor over the beginning of the payload. Reading behind its end gives 0, an empty name, and isShort.
  bytes: Uint8Array;
  isShort = false;
  /** The name that was read last: bytes[nameFrom, nameTo). */
  nameFrom = 0;
  nameTo = 0;
  private at = 0;
  private end = 0;

  private readonly onFrame: OnFrame;
  private readonly held = new Uint8Array(kept);
  private readonly head = new Uint8Array(headBytes);
  private headLength = 0;
  private left = 0;
  private heldLength = 0;

  constructor(onFrame: OnFrame) {
    this.onFrame = onFrame;
    this.bytes = this.held;
  }

  /** True between frames. */
  get atBorder(): boolean {
    return this.headLength === 0;
  }

  /** Reads bytes from `i` on; false when they are no frames, or it is to go no further. */
  read(bytes: Uint8Array, i: number, at: number): boolean {
    const { length } = bytes;
    while (i < length) {
      if (this.headLength === 0) {
        this.startedAt = at;
        if (!isFrameType(bytes[i] as number)) return false;
        if (i + headBytes < length) {
          this.readHead(bytes, i);
          const end = i + headBytes + this.size;
          if (end < length) {
            if (this.size > largestFrame || bytes[end] !== frameEnd) return false;
            this.point(bytes, i + headBytes, Math.min(end, i + headBytes + kept));
            if (!this.tell(at)) return false;
            i = end + 1;
            continue;
          }
        }
      }
      if (this.headLength < headBytes) {
        this.head[this.headLength++] = bytes[i++] as number;
        if (this.headLength < headBytes) continue;
        this.readHead(this.head, 0);
        this.left = this.size;
        this.heldLength = 0;
        if (this.size > largestFrame) return false;
      } else if (this.left > 0) {
        const take = Math.min(this.left, length - i);
        const keep = Math.min(take, kept - this.heldLength);
        if (keep > 0) this.held.set(bytes.subarray(i, i + keep), this.heldLength);
        this.heldLength += keep;
        this.left -= take;
        i += take;
      } else {
        if (bytes[i++] !== frameEnd) return false;
        this.headLength = 0;
        this.point(this.held, 0, this.heldLength);
        if (!this.tell(at)) return false;
      }
    }
    return true;
  }

  private readHead(bytes: Uint8Array, i: number): void {
    this.type = bytes[i] as number;
    this.channel = (bytes[i + 1] as number) * 256 + (bytes[i + 2] as number);
    this.size = uint(bytes, i + 3, 4);
  }

  private point(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
    this.isShort = false;
  }

  /** Lets go of the chunk afterwards. */
  private tell(at: number): boolean {
    const goesOn = this.onFrame(this, at);
    this.bytes = this.held;
    return goesOn;
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.end) this.isShort = true;
  }

  /** An integer of `size` bytes; beyond 2^53 only its size is right. */
  uint(size: number): number {
    const { at } = this;
    this.skip(size);
    return this.isShort ? 0 : uint(this.bytes, at, size);
  }

  /** A short string: a length of one byte, then the bytes. */
  name(): void {
    const length = this.uint(1);
    this.nameFrom = this.at;
    this.skip(length);
    if (this.isShort) this.nameFrom = this.at;
    this.nameTo = this.isShort ? this.nameFrom : this.at;
  }

  /** The name that was read last, as text. */
  get nameText(): string {
    let text = '';
    for (let i = this.nameFrom; i < this.nameTo; i++) text += String.fromCharCode(this.bytes[i] as number);
    return text;
  }
}

const isFrameType = (type: number): boolean =>
  type === FrameType.method || type === FrameType.header || type === FrameType.body || type === FrameType.heartbeat;

function uint(bytes: Uint8Array, from: number, size: number): number {
  let value = 0;
  for (let i = from; i < from + size; i++) value = value * 256 + (bytes[i] as number);
  return value;
}
