// PostgreSQL messages, from chunks cut anywhere.
//
//   0      1              5
//   +------+--------------+-----------------------------+
//   | type | length i32   | payload (length − 4 bytes)  |      integers are big endian
//   +------+--------------+-----------------------------+
//
// The client's messages before the server has accepted the connection have no type: | length i32 | code i32 | … |.
// https://www.postgresql.org/docs/current/protocol-message-formats.html

const none = new Uint8Array(0);
const headBytes = 5;

/** Reads one direction. What a payload holds beyond `keep` bytes is skipped, never copied. */
export class MessageReader {
  /** After `read`: a message's head is complete. */
  headed = false;
  /** After `read`: a message is complete; the beginning of its payload is `bytes[from, to)` until the next call. */
  whole = false;
  bytes: Uint8Array = none;
  from = 0;
  to = 0;
  /** The message's type; 0 for one without. */
  type = 0;
  /** Bytes of the payload; negative when the length makes no sense. */
  length = 0;
  /** How many rows the last `skipRows` skipped. */
  rows = 0;

  private readonly keep: number;
  private kept: Uint8Array = none;
  private keptBytes = 0;
  /** Bytes of the head read so far; 5 = inside the payload. */
  private head = 0;
  private left = 0;

  constructor(keep: number) {
    this.keep = keep;
  }

  /** True between messages. */
  get atBorder(): boolean {
    return this.head === 0;
  }

  /** At a border: the next message has no type. */
  beginUntyped(): void {
    this.type = 0;
    this.length = 0;
    this.head = 1;
  }

  /** Lets go of the chunk. */
  release(): void {
    this.bytes = none;
    this.headed = false;
    this.whole = false;
  }

  /** Reads on from `at` to the end of a head, of a message, or of the chunk, whichever comes first; says where. */
  read(chunk: Uint8Array, at: number): number {
    this.headed = false;
    this.whole = false;
    return this.head < headBytes ? this.readHead(chunk, at) : this.readPayload(chunk, at);
  }

  private readHead(chunk: Uint8Array, at: number): number {
    while (at < chunk.length) {
      const byte = chunk[at++] as number;
      if (this.head === 0) {
        this.type = byte;
        this.length = 0;
      } else this.length = (this.length << 8) | byte;
      if (++this.head < headBytes) continue;
      this.length -= 4;
      this.left = this.length;
      this.keptBytes = 0;
      this.headed = true;
      return this.length <= 0 ? this.readPayload(chunk, at) : at;
    }
    return at;
  }

  private readPayload(chunk: Uint8Array, at: number): number {
    const take = Math.max(0, Math.min(this.left, chunk.length - at));
    const isInOneChunk = take === this.length;
    if (!isInOneChunk) this.keepSome(chunk, at, at + take);
    this.left -= take;
    if (this.left > 0) return at + take;
    this.head = 0;
    this.whole = true;
    this.bytes = isInOneChunk ? chunk : this.kept;
    this.from = isInOneChunk ? at : 0;
    this.to = isInOneChunk ? at + take : this.keptBytes;
    return at + take;
  }

  private keepSome(chunk: Uint8Array, from: number, to: number): void {
    const take = Math.min(Math.min(this.keep, this.length) - this.keptBytes, to - from);
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

  /** From a border, skips the DataRow (and CopyData) messages that lie whole in the chunk; counts the rows. */
  skipRows(chunk: Uint8Array, at: number): number {
    let rows = 0;
    while (at + headBytes <= chunk.length) {
      const type = chunk[at];
      if (type !== Backend.DataRow && type !== Backend.CopyData) break;
      const length =
        ((chunk[at + 1] as number) << 24) |
        ((chunk[at + 2] as number) << 16) |
        ((chunk[at + 3] as number) << 8) |
        (chunk[at + 4] as number);
      const next = at + 1 + length;
      if (length < 4 || next > chunk.length) break;
      if (type === Backend.DataRow) rows++;
      at = next;
    }
    this.rows = rows;
    return at;
  }
}

const typesOf = <const T extends Record<string, string>>(types: T): { readonly [N in keyof T]: number } => {
  const codes: Record<string, number> = {};
  for (const name in types) codes[name] = (types[name] as string).charCodeAt(0);
  return codes as { readonly [N in keyof T]: number };
};

/** The client's messages. */
export const Frontend = typesOf({
  Bind: 'B',
  Close: 'C',
  CopyData: 'd',
  CopyDone: 'c',
  CopyFail: 'f',
  Describe: 'D',
  Execute: 'E',
  Flush: 'H',
  FunctionCall: 'F',
  Parse: 'P',
  Password: 'p', // and SASL, GSS
  Query: 'Q',
  Sync: 'S',
  Terminate: 'X',
});

/** The server's messages. */
export const Backend = typesOf({
  Authentication: 'R',
  BackendKeyData: 'K',
  BindComplete: '2',
  CloseComplete: '3',
  CommandComplete: 'C',
  CopyBothResponse: 'W',
  CopyData: 'd',
  CopyDone: 'c',
  CopyInResponse: 'G',
  CopyOutResponse: 'H',
  DataRow: 'D',
  EmptyQueryResponse: 'I',
  ErrorResponse: 'E',
  FunctionCallResponse: 'V',
  NegotiateProtocolVersion: 'v',
  NoData: 'n',
  NoticeResponse: 'N',
  NotificationResponse: 'A',
  ParameterDescription: 't',
  ParameterStatus: 'S',
  ParseComplete: '1',
  PortalSuspended: 's',
  ReadyForQuery: 'Z',
  RowDescription: 'T',
});

const bitmap = (codes: Record<string, number>): Uint8Array => {
  const map = new Uint8Array(256);
  for (const code of Object.values(codes)) map[code] = 1;
  return map;
};
/** 1 for each byte that is a type. */
export const isFrontend = bitmap(Frontend);
export const isBackend = bitmap(Backend);

/** The second i32 of a message without a type: what the client wants. */
export const Startup = { Cancel: 80877102, SSL: 80877103, GSSENC: 80877104, major3: 3 } as const;
/** A startup message is no longer (the server's own limit). */
export const maxStartup = 10_000;
/** No message is longer: the server's limit of an allocation, with room for a head. */
export const maxMessage = 0x3fffffff + 1024;

export const int32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);

/** Where the text that begins at `at` has its NUL; `to` when it has none. */
export function nulAt(bytes: Uint8Array, at: number, to: number): number {
  // Names are short, most of them empty: a loop, where a call would not pay.
  const near = Math.min(to, at + 64);
  for (let i = at; i < near; i++) if (bytes[i] === 0) return i;
  const nul = near < to ? bytes.indexOf(0, near) : -1;
  return nul < 0 || nul > to ? to : nul;
}
