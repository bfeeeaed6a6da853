// Frames of the compressed protocol, which wrap packets (any number or part of them) once both sides want it.
//
//   0                       3          4                         7
//   +-----------------------+----------+-------------------------+-------------------+
//   | length on wire u24    | sequence | length uncompressed u24 | zlib or zstd data |
//   +-----------------------+----------+-------------------------+-------------------+
//
// An uncompressed length of 0 says that the data are packets as they are (a sender does not compress short ones).
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_compression_packet.html

export const frameHeadBytes = 7;

/** Reads one direction. */
export class FrameReader {
  /** After `read`: a head is complete. */
  headed = false;
  /** After `read`: what was read are data. */
  isData = false;
  /** A client's frame begins a new command. */
  begins = false;
  /** The frame's data are packets as they are. */
  isPlain = false;
  private readonly head = new Uint8Array(frameHeadBytes);
  private seen = 0;
  private left = 0;

  /** Reads on from `at`, to the end of a head, of a frame's data, or of the chunk; says where. */
  read(chunk: Uint8Array, at: number): number {
    const { head } = this;
    this.headed = false;
    this.isData = this.left > 0;
    if (this.isData) {
      const take = Math.min(this.left, chunk.length - at);
      this.left -= take;
      return at + take;
    }
    while (at < chunk.length && this.seen < frameHeadBytes) head[this.seen++] = chunk[at++] as number;
    if (this.seen < frameHeadBytes) return at;
    this.seen = 0;
    this.headed = true;
    this.left = (head[0] as number) | ((head[1] as number) << 8) | ((head[2] as number) << 16);
    this.begins = head[3] === 0;
    this.isPlain = head[4] === 0 && head[5] === 0 && head[6] === 0;
    return at;
  }
}
