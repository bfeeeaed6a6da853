// HTTP/2 of node:http2, and gRPC on it: a session owns its socket's handle, so no byte passes the socket, and each
// stream is one exchange.
//
//   client   connect() ─► session.request() ─► stream: 'ready', 'response', push(chunk)…, 'trailers' or 'end', 'close'
//   server   'stream' on the server runs in a root of its own ─► stream: 'close'
//
// Sessions and streams have no public class: their prototypes are patched when the first of each is seen.

import http2 from 'node:http2';
import { Kind } from '../model/schema.ts';
import { Exchange } from '../protocols/decoder.ts';
import { pathPattern } from '../protocols/names/path.ts';
import { now } from './clock.ts';
import { type Connection, nextConnectionNumber } from './connection.ts';
import { endRoot, neutral, runInRoot } from './context.ts';
import { Operation, type Peer, type Root } from './operation.ts';
import type { Options } from './options.ts';
import { adopt, answered, asked, failed, snapshot } from './ownership.ts';
import { patch } from './patch.ts';
import { openInbound, patchServer } from './patch-http.ts';
import { connectionOf, errorType } from './patch-net.ts';
import { hostOf, mayCarry, traceparentOf } from './propagate.ts';
import { count, writeServerSpan } from './span-buffer.ts';
import { newStamp } from './stamp.ts';

type Headers = Record<string, unknown>;
type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/** An operation on its way, or an inbound request, by its stream. */
type Exchanged = Asked | Served;

/** A session until its first answer. */
interface Beginning {
  /** Of the first request's context. */
  readonly root: Root | undefined;
  over: boolean;
}

class Asked {
  readonly op: Operation;
  readonly grpc: boolean;
  readonly beginning: Beginning;
  /** Its context is its own as far as is known, so that its trace may be told to the server. */
  readonly mayTell: boolean;
  /** When the client gives up (gRPC's deadline); NaN = never. */
  deadline = Number.NaN;
  answered = false;
  /** All has been told but what is still to be read: by trailers, with gRPC by its status. */
  told = false;
  /** The body has been read. */
  ended = false;
  done = false;
  error = '';

  constructor(op: Operation, grpc: boolean, beginning: Beginning, mayTell: boolean) {
    this.op = op;
    this.grpc = grpc;
    this.beginning = beginning;
    this.mayTell = mayTell;
  }
}

class Served {
  readonly root: Root;
  readonly operation: string;
  readonly grpc: boolean;
  bytesIn = 0;
  bytesOut = 0;
  done = false;
  error = '';

  constructor(root: Root, operation: string, grpc: boolean) {
    this.root = root;
    this.operation = operation;
    this.grpc = grpc;
  }
}

const exchanged = newStamp<Exchanged>();
const peers = newStamp<Peer>();
const beginnings = newStamp<Beginning>();
const open = new Set<object>();
const patched = new WeakSet<object>();

/** https://grpc.io/docs/guides/status-codes/, by number. */
const grpcCodes = (
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED ' +
  'RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS ' +
  'UNAUTHENTICATED'
).split(' ');
const cancelled = 1;
const deadlineExceeded = 4;
const internal = 13;
/** What a gRPC client makes of the code of a stream that ended without a status; of others INTERNAL. */
const ofRstCode = new Map([
  [http2.constants.NGHTTP2_REFUSED_STREAM, 14],
  [http2.constants.NGHTTP2_CANCEL, cancelled],
  [http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 8],
  [http2.constants.NGHTTP2_INADEQUATE_SECURITY, 7],
]);
/** Of these the server is at fault: OpenTelemetry's semantic conventions for RPC. */
const serverFaults = new Set([2, 4, 12, 13, 14, 15]);

const isGrpc = (type: unknown): boolean => typeof type === 'string' && type.startsWith('application/grpc');

function nameOf(method: unknown, path: unknown, grpc: boolean): string {
  const target = typeof path === 'string' ? path : '/';
  // gRPC's HTTP/2 mapping: Path → ":path" "/" Service-Name "/" {method name}. Anything else is a path like others.
  if (grpc && /^\/[\w.]{1,150}\/\w{1,100}$/.test(target)) return target.slice(1);
  return `${typeof method === 'string' ? method : 'GET'} ${pathPattern(target)}`.slice(0, 200);
}

export function patchHttp2(options: Options): void {
  patch<typeof http2.connect>(
    http2,
    'connect',
    (original) =>
      function (this: unknown) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        const args = arguments;
        const session = neutral(undefined, () => Reflect.apply(original, this, args as never));
        try {
          patchSession(Object.getPrototypeOf(session), options);
        } catch {
          count('off.connections', 'http2', 1);
        }
        return session;
      } as unknown as typeof http2.connect,
  );
  for (const name of ['createServer', 'createSecureServer']) {
    patch<() => object>(
      http2,
      name,
      (original) =>
        function (this: unknown) {
          // biome-ignore lint/complexity/noArguments: handed on as they came
          const server = Reflect.apply(original, this, arguments as never);
          patchStreamServer(Object.getPrototypeOf(server));
          return server;
        },
    );
  }
}

/** True the first time. */
function isNew(prototype: object): boolean {
  if (patched.has(prototype)) return false;
  patched.add(prototype);
  return true;
}

// --- client

interface Session {
  readonly connecting: boolean;
  readonly encrypted?: boolean;
}

/** The connection that a session runs on: noted by its socket, which the session hides behind a symbol. */
function peerOf(session: Session, authority: string): Peer {
  const known = peers.get(session);
  if (known) return known;
  let peer: Peer | undefined;
  for (const key of Object.getOwnPropertySymbols(session)) {
    if (key.description !== 'socket') continue;
    const socket = (session as unknown as Record<symbol, object | undefined>)[key];
    const connection: Connection | undefined = socket && connectionOf(socket);
    connection?.giveToStreams();
    peer = connection;
  }
  peer ??= {
    number: nextConnectionNumber(),
    address: authority || 'unknown',
    secure: session.encrypted === true,
    connectAt: Number.NaN,
    dns: 0,
    connect: 0,
    tls: 0,
    greeting: 0,
    heardAt: Number.NaN,
    charged: true,
  };
  peers.set(session, peer);
  return peer;
}

function patchSession(prototype: object, options: Options): void {
  if (!isNew(prototype)) return;
  patch<(headers?: Headers | unknown[], settings?: object) => object>(
    prototype,
    'request',
    (original) =>
      function (this: Session, headers, settings) {
        let asked: Asked | undefined;
        let sent = headers;
        try {
          asked = ask(this, headers);
          if (asked.mayTell && mayAdd(options, this, asked.op.peer, headers)) {
            sent = withParent(headers as Headers, traceparentOf(asked.op.root as Root, asked.op.lo));
          }
        } catch {
          count('off.requests', 'http2', 1);
        }
        const stream = original.call(this, sent, settings);
        if (sent !== headers) hideParent(stream, headers as Headers);
        if (asked) follow(stream, asked);
        return stream;
      },
  );
}

/** Headers as an object, or (Node 24) a flat list of names and values. */
function header(headers: Headers | unknown[] | undefined, name: string): unknown {
  if (headers === undefined || headers === null) return undefined;
  if (!Array.isArray(headers)) return headers[name];
  for (let i = 0; i + 1 < headers.length; i += 2) if (String(headers[i]).toLowerCase() === name) return headers[i + 1];
  return undefined;
}

function ask(session: Session, headers: Headers | unknown[] | undefined): Asked {
  const peer = peerOf(session, String(header(headers, ':authority') ?? ''));
  const grpc = isGrpc(header(headers, 'content-type'));
  const exchange = new Exchange(Kind.client);
  exchange.operation = nameOf(header(headers, ':method'), header(headers, ':path'), grpc);
  const op = new Operation(exchange, peer);
  op.protocol = grpc ? 'grpc' : 'http';
  op.service = `${grpc ? 'grpc' : peer.secure ? 'https' : 'http'}://${peer.address}`;
  exchange.firstOut = now();
  exchange.lastOut = exchange.firstOut;
  // Not known exactly: gRPC's channel keeps calls until it is ready, and makes their streams in another's context.
  asked(op);
  const { root } = op;
  let beginning = beginnings.get(session);
  const isFirst = beginning === undefined;
  if (beginning === undefined) {
    beginning = { root, over: false };
    beginnings.set(session, beginning);
  }
  // It makes them in the context of the first, all before an answer can come: there only the first may be believed.
  const mayTell = root !== undefined && (isFirst || beginning.over || beginning.root !== root);
  const result = new Asked(op, grpc, beginning, mayTell);
  if (grpc) result.deadline = exchange.firstOut + timeoutOf(header(headers, 'grpc-timeout'));
  return result;
}

/** gRPC's "grpc-timeout", up to eight digits and a unit, in ns; NaN = none. */
function timeoutOf(value: unknown): number {
  const found = typeof value === 'string' ? /^(\d{1,8})([HMSmun])$/.exec(value) : null;
  return found
    ? Number(found[1]) * ({ H: 3600e9, M: 60e9, S: 1e9, m: 1e6, u: 1e3 }[found[2] as string] ?? 1)
    : Number.NaN;
}

// A recorded server takes our traceparent out again (propagate.ts says why). Here ours is told by being sent as one that
// is never to be indexed (RFC 7541, 6.2.3), which suits a value that never comes twice.

const { sensitiveHeaders } = http2;

const hiddenOf = (headers: Headers | undefined): unknown => (headers as Record<symbol, unknown>)?.[sensitiveHeaders];

function withParent(headers: Headers | undefined, traceparent: string): Headers {
  const hidden = hiddenOf(headers);
  return { ...headers, traceparent, [sensitiveHeaders]: [...(Array.isArray(hidden) ? hidden : []), 'traceparent'] };
}

/** `stream.sentHeaders` is what the program gave. */
function hideParent(stream: object, given: Headers | undefined): void {
  const { sentHeaders } = stream as { sentHeaders?: Headers & Record<symbol, unknown> };
  if (!sentHeaders || Object.isFrozen(sentHeaders)) return;
  delete sentHeaders['traceparent'];
  const hidden = hiddenOf(given);
  if (hidden === undefined) delete sentHeaders[sensitiveHeaders];
  else sentHeaders[sensitiveHeaders] = hidden;
}

function takeParent(headers: Headers, raw: unknown): unknown {
  const value = headers['traceparent'];
  const hidden = hiddenOf(headers);
  if (value === undefined || !Array.isArray(hidden) || !hidden.includes('traceparent')) return value;
  delete headers['traceparent'];
  hidden.splice(hidden.indexOf('traceparent'), 1);
  if (Array.isArray(raw)) {
    const at = raw.lastIndexOf('traceparent');
    if (at % 2 === 0) raw.splice(at, 2);
  }
  return value;
}

function mayAdd(options: Options, session: Session, peer: Peer, headers: Headers | unknown[] | undefined): boolean {
  if (options.propagate === 'none' || Array.isArray(headers)) return false;
  for (const name of Object.keys(headers ?? {})) {
    if (name.length === 11 && name.toLowerCase() === 'traceparent') return false;
    if (name === 'signature' || name === 'x-amz-date') return false;
  }
  let remote: string | undefined;
  if (!session.connecting) remote = (peer as Partial<Connection>).remote;
  return mayCarry(options, hostOf(peer.address), remote);
}

function follow(stream: object, asked: Asked): void {
  exchanged.set(stream, asked);
  open.add(stream);
  patchStream(stream);
}

/**
 * The answer is here in full and has been read, or the stream has ended without. Not before: a library passes it on
 * when it has read the end.
 */
function closeAsked(stream: object, asked: Asked, error: string): void {
  if (asked.done) return;
  asked.done = true;
  open.delete(stream);
  const { op } = asked;
  const { exchange } = op;
  op.closedAt = now();
  if (exchange.error === '') exchange.error = error;
  asked.beginning.over ||= asked.answered;
  // One that was cut off wakes its caller now, not when its last bytes came.
  if (asked.answered && error === '') {
    if (Number.isNaN(exchange.lastIn)) exchange.lastIn = op.closedAt;
    answered(op, true);
  } else {
    failed(op);
  }
}

function heard(asked: Asked): void {
  if (asked.answered) return;
  asked.answered = true;
  asked.op.exchange.firstIn = now();
}

/** 'response' or 'trailers': what their headers say of the outcome. */
function outcome(asked: Asked, headers: Headers): void {
  heard(asked);
  const { exchange } = asked.op;
  exchange.lastIn = now();
  const status = Number(headers[':status']);
  if (status >= 100 && !asked.grpc) {
    exchange.status = status;
    if (status >= 400) exchange.error = String(status);
  }
  if (!asked.grpc || headers['grpc-status'] === undefined) return;
  asked.told = true;
  setStatus(asked, Number(headers['grpc-status']));
}

function setStatus({ op: { exchange } }: Asked, code: number): void {
  exchange.status = 1000 + code;
  if (code !== 0) exchange.error = grpcCodes[code] ?? String(code);
}

/** The stream has ended, perhaps before its answer did. */
function cut(stream: object, asked: Asked, code: number): void {
  closeAsked(stream, asked, asked.told ? '' : errorOfCut(asked, code));
}

function errorOfCut(asked: Asked, code: number): string {
  const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL } = http2.constants;
  const isOwn = code === NGHTTP2_CANCEL;
  // The connection says more: ECONNRESET and the like.
  if (asked.error !== '' && !asked.error.startsWith('ERR_HTTP2')) return asked.error;
  if (!asked.grpc && code === NGHTTP2_NO_ERROR && asked.answered) return '';
  if (!asked.grpc) return asked.error || (isOwn ? 'cancelled' : 'closed');
  if (code === NGHTTP2_NO_ERROR) return 'closed';
  // A timer's clock is one of milliseconds.
  const isLate = isOwn && now() >= asked.deadline - 1e6;
  setStatus(asked, isLate ? deadlineExceeded : (ofRstCode.get(code) ?? internal));
  return asked.op.exchange.error;
}

function askedEvent(stream: object, asked: Asked, event: string | symbol, first: unknown): void {
  switch (event) {
    case 'ready': {
      // The session was still connecting when it was asked.
      const { exchange } = asked.op;
      exchange.firstOut = now();
      exchange.lastOut = exchange.firstOut;
      return;
    }
    case 'response':
    case 'trailers':
      outcome(asked, first as Headers);
      if (event === 'trailers') asked.told = true;
      if (asked.ended) closeAsked(stream, asked, '');
      return;
    case 'end':
      asked.ended = true;
      if (asked.answered && (asked.told || !asked.grpc)) closeAsked(stream, asked, '');
      return;
    case 'error':
      asked.error = errorType(first as Error);
      return;
    case 'close':
      cut(stream, asked, (stream as { rstCode?: number }).rstCode ?? 0);
  }
}

// --- streams

/** Both sides' streams share a prototype: where `sendTrailers` is. */
function patchStream(stream: object): void {
  let prototype: object | null = stream;
  while (prototype && !Object.hasOwn(prototype, 'sendTrailers')) prototype = Object.getPrototypeOf(prototype);
  if (!prototype || !isNew(prototype)) return;
  patch<Emit>(
    prototype,
    'emit',
    (original) =>
      function (this: object, event: string | symbol, first: unknown) {
        const exchange = exchanged.get(this);
        if (exchange !== undefined && !exchange.done) {
          try {
            if (exchange instanceof Asked) askedEvent(this, exchange, event, first);
            else if (event === 'close') closeServed(this, exchange);
            else if (event === 'error' || event === 'aborted') exchange.error ||= 'aborted';
          } catch {
            count('off.requests', 'http2', 1);
          }
        }
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never);
      } as Emit,
  );
  patchClose(prototype);
  patch<(chunk: Uint8Array | null, encoding?: BufferEncoding) => boolean>(
    prototype,
    'push',
    (original) =>
      function (this: object, chunk, encoding) {
        const exchange = exchanged.get(this);
        if (exchange !== undefined && chunk !== null) {
          if (exchange instanceof Served) exchange.bytesIn += chunk.length;
          else {
            heard(exchange);
            exchange.op.exchange.lastIn = now();
            exchange.op.exchange.bytesIn += chunk.length;
          }
        }
        return original.call(this, chunk, encoding);
      },
  );
  patch<(chunk: string | Uint8Array, encoding: BufferEncoding, done: unknown) => void>(
    prototype,
    '_write',
    (original) =>
      function (this: object, chunk, encoding, done) {
        sent(this, sizeOf(chunk, encoding));
        return original.call(this, chunk, encoding, done);
      },
  );
  patch<(data: ({ chunk: string | Uint8Array; encoding: BufferEncoding } | Uint8Array)[], done: unknown) => void>(
    prototype,
    '_writev',
    (original) =>
      function (this: object, data, done) {
        let bytes = 0;
        for (const item of data) bytes += 'chunk' in item ? sizeOf(item.chunk, item.encoding) : item.length;
        sent(this, bytes);
        return original.call(this, data, done);
      },
  );
}

/** Whoever ends a stream tells the caller at once, and its 'close' comes later: then it is over now. */
function patchClose(prototype: object): void {
  patch<(code?: number, done?: () => void) => void>(
    prototype,
    'close',
    (original) =>
      function (this: object, code, _done) {
        const asked = exchanged.get(this);
        if (asked instanceof Asked && !asked.done && typeof code === 'number' && code !== 0) {
          try {
            // Who leaves a stream that has brought something is who read it.
            const leaver = snapshot();
            const isReader = asked.answered && leaver.frame !== undefined && asked.op.frame === undefined;
            if (isReader && (asked.op.root ?? leaver.root) === leaver.root)
              adopt(asked.op, { ...leaver, at: asked.op.askedAt });
            cut(this, asked, code);
          } catch {
            count('off.requests', 'http2', 1);
          }
        }
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never);
      },
  );
}

const sizeOf = (chunk: string | Uint8Array, encoding: BufferEncoding): number =>
  typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.length;

function sent(stream: object, bytes: number): void {
  const exchange = exchanged.get(stream);
  if (exchange === undefined) return;
  if (exchange instanceof Served) {
    exchange.bytesOut += bytes;
  } else {
    exchange.op.exchange.bytesOut += bytes;
    exchange.op.exchange.lastOut = now();
  }
}

// --- server

function patchStreamServer(prototype: object): void {
  if (!isNew(prototype)) return;
  // A secure server may speak HTTP/1.1 too.
  patchServer(prototype);
  patch<Emit>(
    prototype,
    'emit',
    (original) =>
      function (this: unknown, event: string | symbol, stream: unknown, headers: unknown, _: unknown, raw: unknown) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        const args = arguments;
        if (event !== 'stream') return Reflect.apply(original, this, args as never);
        let root: Root | undefined;
        try {
          root = serve(stream as object, headers as Headers, raw);
        } catch {
          count('off.requests', 'http2', 1);
        }
        return root === undefined
          ? Reflect.apply(original, this, args as never)
          : runInRoot(root, original, this as never, args as never);
      } as Emit,
  );
}

function serve(stream: object, headers: Headers, raw: unknown): Root {
  const root = openInbound(takeParent(headers, raw));
  const grpc = isGrpc(headers['content-type']);
  exchanged.set(stream, new Served(root, nameOf(headers[':method'], headers[':path'], grpc), grpc));
  open.add(stream);
  patchStream(stream);
  return root;
}

function closeServed(stream: object, served: Served): void {
  if (served.done) return;
  served.done = true;
  open.delete(stream);
  const end = now();
  endRoot(served.root, end);
  const { sentHeaders, sentTrailers } = stream as { sentHeaders?: Headers; sentTrailers?: Headers };
  let status = Number(sentHeaders?.[':status']) || 0;
  let { error } = served;
  if (served.grpc) {
    const code = Number(sentTrailers?.['grpc-status'] ?? sentHeaders?.['grpc-status']);
    status = Number.isNaN(code) ? 0 : 1000 + code;
    // A client may reset the stream once it has the status.
    if (!Number.isNaN(code)) error = serverFaults.has(code) ? grpcCodes[code] : '';
  } else if (status >= 500) {
    error = String(status);
  }
  const { root, operation, grpc, bytesOut, bytesIn } = served;
  writeServerSpan(root, operation, grpc ? 'grpc' : 'http', end, bytesOut, bytesIn, status, error);
}

/** At exit: what is in flight is over. */
export function settleStreams(): void {
  for (const stream of [...open]) {
    const exchange = exchanged.get(stream);
    if (exchange instanceof Asked) closeAsked(stream, exchange, '');
    else if (exchange) closeServed(stream, exchange);
  }
}
