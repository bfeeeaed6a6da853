// The decoder contract: what watches the bytes of one connection and says which exchanges they were.
//
// A decoder is an observer, not a client. It sees both directions; may join in the middle of a connection; never
// throws; holds a bounded amount of memory whatever the bytes; on nonsense resynchronises or goes quiet
// (`lost` becomes true, it reports nothing more); and what it reports does not depend on where chunks are cut.
// It is pure: no Node API, no clock (times are handed to it and only copied). It keeps no reference to a chunk
// after the call. contract.ts beside this file checks all of that for every protocol.

import type { Kind } from '../model/schema.ts';

/**
 * A request and its answer on one connection.
 * Names follow OpenTelemetry's semantic conventions. No literal, key tail, value, credential, header value or body
 * is ever put here.
 */
export class Exchange {
  /** Name that groups: 'SELECT pins WHERE user_id = ?', 'get user:?', 'GET /home/:id'. Final at `closed`. */
  operation = '';
  /** db.query.text with every literal replaced by ?, at most 2,000 characters; '' where operation says it all. */
  statement = '';
  /** db.namespace or the like at the time of the request ('pins'); '' = not known. */
  namespace = '';
  /** error.type: the protocol's code ('1064', '42P01', '503', 'WRONGTYPE', 'SERVER_ERROR'), never a message; '' = none. */
  error = '';
  /** http.response.status_code; 0 elsewhere. */
  status = 0;
  /** CLIENT for a request, PRODUCER for a message handed over, CONSUMER for a message delivered (pushed). */
  kind: Kind;
  /** The request expects no answer (Redis pub/sub push, memcached noreply): answer times stay NaN. */
  oneWay = false;
  /** Time spent in it is by its nature idle: a blocking pop, SUBSCRIBE, LISTEN, a long poll. */
  idle = false;
  /** Part of opening the connection (handshake, authentication, SELECT of a database), not asked by the user. */
  setup = false;
  /** The later exchange whose answer brings its result, where its own says only that it was taken: Redis's EXEC. */
  within: Exchange | undefined = undefined;
  /** Rows or messages answered; -1 = the protocol does not say. */
  rows = -1;
  bytesOut = 0;
  bytesIn = 0;
  /** Times of bytes on the wire, in the caller's clock; NaN until seen. */
  firstOut = Number.NaN;
  lastOut = Number.NaN;
  firstIn = Number.NaN;
  lastIn = Number.NaN;
  /** The observer's own note (the recorder keeps the owner here); decoders leave it alone. */
  note: unknown = undefined;

  constructor(kind: Kind) {
    this.kind = kind;
  }
}

/** Who is told. Both calls are synchronous, inside the decoder's `client`, `server` or `close`. */
export interface Sink {
  /** The first byte of a request was seen (or of a pushed message). In the order of the wire. */
  opened(exchange: Exchange): void;
  /** The exchange is over: answered in full, failed, or the connection ended. Each opened one is closed exactly once. */
  closed(exchange: Exchange): void;
  /** From here on the connection is a tunnel, and its protocol is recognised anew. */
  tunnelled?(): void;
}

export interface Decoder {
  /** Bytes from the client to the server, seen at time `at`. */
  client(bytes: Uint8Array, at: number): void;
  /** Bytes from the server to the client, seen at time `at`. */
  server(bytes: Uint8Array, at: number): void;
  /** The connection ended; `error` is '' for an orderly end or a code like 'ECONNRESET'. Closes what is in flight. */
  close(at: number, error: string): void;
  /** True once the decoder has given up on this connection. Never becomes false again. */
  readonly lost: boolean;
  /**
   * True while every exchange that was opened has been closed and both directions stand at a message border, so that
   * the next client byte begins a request. (HTTP propagation adds a header only then.)
   */
  readonly idle: boolean;
}

/** What the first bytes of a connection say about a protocol. */
export type Recognition = 'yes' | 'no' | 'more';

/**
 * Told by a decoder when the rest of its connection is another protocol's: WebSocket behind 101, whatever a tunnel
 * carries. The exchange that led there is closed before. Nothing more is fed to the decoder.
 * @param to undefined = to be recognised anew
 * @param left bytes of the server's that came in the same chunk and belong to it
 */
export type HandOver = (to: Protocol | undefined, left: Uint8Array, at: number) => void;

export interface Protocol {
  /** As in a service's URL: 'http', 'mysql', 'postgresql', 'redis', 'memcached'. Also the folder's name. */
  readonly name: string;
  /** Some of what a client says is never answered. */
  readonly tells?: true;
  /**
   * Decides from the first bytes of both directions (either may be empty, each at most 4,096 long), never from a
   * port. 'more' while they could still become it. Pure, quick, never throws. 'yes' and 'no' are final.
   */
  recognise(client: Uint8Array, server: Uint8Array): Recognition;
  /** @param handOver where it is not given, a decoder is quiet from there on */
  decode(sink: Sink, handOver?: HandOver): Decoder;
}
