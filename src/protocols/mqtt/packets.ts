// MQTT control packets of one direction, from chunks cut anywhere.
//
//   0           1 … 4
//   +-----------+------------------+--------------------------+
//   | type flags| remaining length | variable header, payload |     length: 7 bits a byte, the lowest first
//   +-----------+------------------+--------------------------+
//
// A packet is told when as much of it is there as was asked for, and again when it is whole. No more than that is kept.

/** A topic may have 65,535 bytes; behind it stand an identifier and properties. */
const mostKept = 65_535 + 2 + 1024;
const largestPacket = 268_435_455;

/** Who is told of packets. */
export interface Packets {
  /**
   * The packet's first `reader.length` bytes are there, all that it has or as many as were asked for: says how many are
   * needed (no more than there are: go on), or -1 when it is no packet. Called again with more until it is content.
   */
  begin(reader: PacketReader, at: number): number;
  /** The packet is whole. */
  end(reader: PacketReader, at: number): void;
}

export class PacketReader {
  type = 0;
  flags = 0;
  /** The bytes behind the head that the packet has, and of the head itself. */
  size = 0;
  headBytes = 0;
  /** When its first byte was seen. */
  startedAt = 0;
  /** What is there of it: bytes[from, from + length). */
  bytes: Uint8Array;
  from = 0;
  length = 0;
  private readonly packets: Packets;
  private kept = new Uint8Array(256);
  private keptBytes = 0;
  private left = 0;
  /** Bytes that `begin` asked for; 0 = it is content. */
  private needed = 0;
  private inBody = false;

  constructor(packets: Packets) {
    this.packets = packets;
    this.bytes = this.kept;
  }

  /** True between packets. */
  get atBorder(): boolean {
    return this.headBytes === 0;
  }

  /** False when the bytes are no packets. */
  read(bytes: Uint8Array, at: number): boolean {
    const { length } = bytes;
    let i = 0;
    while (i < length) {
      if (!this.inBody) {
        const byte = bytes[i++] as number;
        if (this.headBytes++ === 0) {
          this.startedAt = at;
          this.type = byte >> 4;
          this.flags = byte & 15;
          this.size = 0;
          if (this.type === 0) return false;
          continue;
        }
        this.size += (byte & 127) * 128 ** (this.headBytes - 2);
        if (byte > 127) {
          if (this.headBytes === 5) return false;
          continue;
        }
        if (this.size > largestPacket) return false;
        this.inBody = true;
        this.left = this.size;
        this.keptBytes = 0;
        this.needed = 2;
        if (this.left > 0) continue;
      }
      const take = Math.min(this.left, length - i);
      if (this.needed > 0 && !this.offer(bytes, i, take, at)) return false;
      this.left -= take;
      i += take;
      if (this.left > 0) continue;
      this.packets.end(this, at);
      this.inBody = false;
      this.headBytes = 0;
    }
    return true;
  }

  /** Shows what is there of the packet, as long as more is asked for than was. */
  private offer(bytes: Uint8Array, i: number, take: number, at: number): boolean {
    const isInOneChunk = take === this.size;
    if (isInOneChunk) {
      this.bytes = bytes;
      this.from = i;
    }
    let from = i;
    const end = i + take;
    while (this.needed > 0) {
      const enough = Math.min(this.needed, this.size);
      if (!isInOneChunk) {
        from += this.keep(bytes, from, Math.min(end, from + enough - this.keptBytes));
        if (this.keptBytes < enough) return true;
        this.bytes = this.kept;
        this.from = 0;
      }
      this.length = enough;
      const needed = this.packets.begin(this, at);
      this.needed = needed <= enough || enough === this.size || enough >= mostKept ? 0 : Math.min(needed, mostKept);
      if (needed < 0) return false;
    }
    this.bytes = this.kept;
    return true;
  }

  private keep(bytes: Uint8Array, from: number, to: number): number {
    const needed = this.keptBytes + to - from;
    if (needed > this.kept.length) {
      const grown = new Uint8Array(Math.min(mostKept, 2 * needed));
      grown.set(this.kept.subarray(0, this.keptBytes));
      this.kept = grown;
    }
    for (let i = from; i < to; i++) this.kept[this.keptBytes++] = bytes[i] as number;
    return to - from;
  }

  // Fields at `at` bytes behind the head; 0 behind the end of what is there.

  u8(at: number): number {
    return at < this.length ? (this.bytes[this.from + at] as number) : 0;
  }

  u16(at: number): number {
    return this.u8(at) * 256 + this.u8(at + 1);
  }

  /** A variable byte integer; -1 when it is none or not all there. */
  varint(at: number): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      if (at + i >= this.length) return -1;
      const byte = this.u8(at + i);
      value += (byte & 127) * 128 ** i;
      if (byte < 128) return value;
    }
    return -1;
  }
}

/** Bytes that a variable byte integer of this value takes. */
export const varintBytes = (value: number): number =>
  value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;
