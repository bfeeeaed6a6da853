// Outgoing connections of net and tls, seen where every client's bytes pass:
//
//   Socket.prototype.connect        a connection begins; its handle's events run in nobody's context
//   Socket.prototype.emit           'lookup', 'connect', 'secure': when; no listener is added
//   Socket.prototype._writeGeneric  bytes out, plain (a TLSSocket's before encryption)
//   Socket.prototype.cork           bytes are held back, to be written with others' in one go: whose they are
//   Socket.prototype.push           bytes in, plain (the `onread` option's own buffer: its callback)
//   Socket.prototype._destroy       the end, and why
//
// Accepted sockets carry no Connection and cost one look for it: inbound HTTP is patch-http.ts's.

import net from 'node:net';
import tls from 'node:tls';
import { enterOwn, leaveOwn } from './budget.ts';
import { now } from './clock.ts';
import { Connection, type Witnesses } from './connection.ts';
import { neutral } from './context.ts';
import type { Options } from './options.ts';
import { handedOver, handOver } from './ownership.ts';
import { patch } from './patch.ts';
import { handerOf } from './patch-stream.ts';
import { type Propagate, propagation } from './propagate.ts';
import { count } from './span-buffer.ts';
import { newStamp } from './stamp.ts';

interface Entry {
  chunk: string | Buffer;
  encoding: string;
}
type Writes = (string | Buffer | Entry)[] & { allBuffers?: boolean };

/** What we use of a socket that its type does not say. */
interface Inner extends net.Socket {
  _handle: object | null;
  readonly _writableState: { readonly bufferedRequestCount: number };
  /** What a TLSSocket wraps: a Socket, or a JSStreamSocket around any stream. */
  _parent?: { stream?: Inner } & Inner;
  encrypted?: boolean;
  servername?: string | false;
}

const connections = newStamp<Connection>();

/** The connection whose program-side bytes pass this socket. */
export const connectionOf = (socket: object): Connection | undefined => connections.get(socket);

function find(socket: Inner): Connection | undefined {
  const own = connections.get(socket);
  if (own !== undefined) return own.on && own.top === socket ? own : undefined;
  return socket._parent ? takeOver(socket) : undefined;
}

/** A TLSSocket around a socket that we follow goes on with its connection. */
function takeOver(socket: Inner): Connection | undefined {
  const parent = socket._parent;
  if (!parent) return undefined;
  const connection = connections.get(parent) ?? (parent.stream ? connections.get(parent.stream) : undefined);
  if (!connection?.on) return undefined;
  try {
    const name = typeof socket.servername === 'string' ? socket.servername : undefined;
    connection.wrapped(socket, name ? `${name}:443` : undefined);
    connections.set(socket, connection);
    return connection;
  } catch (fault) {
    connection.switchOff(fault);
    return undefined;
  }
}

export function patchNet(options: Options, witnesses: Witnesses): void {
  const socket = net.Socket.prototype;
  const propagate = propagation(options);

  patch<Inner['connect']>(
    socket,
    'connect',
    (original) =>
      function (this: Inner) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        const args = arguments;
        let connection: Connection | undefined;
        try {
          const address = addressOf(args);
          if (address && !runnersPipe.test(address)) {
            connection = new Connection(this, address, this.encrypted === true, now(), witnesses);
            connections.set(this, connection);
            followOwnBuffer(this);
          }
        } catch {
          count('off.connections', 'connect', 1);
        }
        return neutral(connection, () => Reflect.apply(original, this, args));
      } as unknown as Inner['connect'],
  );

  patch<(event: string | symbol) => boolean>(
    socket,
    'emit',
    (original) =>
      function (this: Inner, event: string | symbol) {
        if (event === 'connect' || event === 'lookup' || event === 'secure') opening(this, event);
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never);
      },
  );

  patch<(writev: boolean, data: string | Buffer | Writes, encoding: string, done: unknown) => unknown>(
    socket,
    '_writeGeneric',
    (original) =>
      function (this: Inner, writev, data, encoding, done) {
        // A connecting socket calls again once it is connected.
        if (this.connecting) find(this)?.writtenEarly();
        else if (this._handle) {
          const since = enterOwn();
          const connection = find(this);
          if (connection !== undefined) {
            try {
              const at = now();
              if (!writev) connection.gave(handerOf(data), 0);
              if (writev) data = writtenMany(connection, data as Writes, at, propagate);
              else data = written(connection, data as string | Buffer, encoding, at, propagate);
              connection.wrote();
            } catch (fault) {
              connection.switchOff(fault);
            }
          }
          leaveOwn(since);
        }
        return original.call(this, writev, data, encoding, done);
      },
  );

  patch<() => void>(
    socket,
    'cork',
    (original) =>
      function (this: Inner) {
        find(this)?.corked(this._writableState.bufferedRequestCount);
        original.call(this);
      },
  );

  patch<(chunk: Uint8Array | null, encoding?: BufferEncoding) => boolean>(
    socket,
    'push',
    (original) =>
      function (this: Inner, chunk, encoding) {
        const since = enterOwn();
        const connection = find(this);
        if (connection === undefined) return original.call(this, chunk, encoding);
        if (!(chunk instanceof Uint8Array)) {
          if (chunk === null) connection.ended('');
          return original.call(this, chunk, encoding);
        }
        handOver();
        connection.received(chunk, now());
        leaveOwn(since);
        try {
          return original.call(this, chunk, encoding);
        } finally {
          handedOver();
        }
      },
  );

  patch<(error: (Error & { code?: string }) | null, done: unknown) => void>(
    socket,
    '_destroy',
    (original) =>
      function (this: Inner, error, done) {
        const connection = find(this);
        if (connection !== undefined) connection.ended(error ? errorType(error) : '');
        original.call(this, error, done);
      },
  );

  // The handshake begins in the call: what follows it must not run in the caller's context either.
  patch<typeof tls.connect>(
    tls,
    'connect',
    (original) =>
      function (this: unknown) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        const args = arguments;
        const socket = neutral(undefined, () => Reflect.apply(original, this, args as never)) as unknown as Inner;
        if (socket._parent) takeOver(socket);
        return socket;
      } as unknown as typeof tls.connect,
  );
}

function opening(socket: Inner, event: 'connect' | 'lookup' | 'secure'): void {
  const connection = find(socket);
  if (connection === undefined) return;
  try {
    if (event === 'lookup') connection.lookedUp(now());
    else if (event === 'connect') connection.connected(now());
    else connection.secured(now());
  } catch (fault) {
    connection.switchOff(fault);
  }
}

const scratch = Buffer.allocUnsafeSlow(64 * 1024);
/** Its first bytes, by how many: short texts are written again and again. */
const maxViews = 1024;
const views: (Uint8Array | undefined)[] = new Array(maxViews).fill(undefined);

/** The bytes of a string, in a buffer that the next call overwrites. */
function bytesOf(text: string, encoding: string): Uint8Array {
  const name = encoding as BufferEncoding;
  if (text.length * 3 > scratch.length) return Buffer.from(text, name);
  const length = scratch.write(text, 0, name);
  if (length >= maxViews) return scratch.subarray(0, length);
  const view = views[length];
  if (view !== undefined) return view;
  const made = scratch.subarray(0, length);
  views[length] = made;
  return made;
}

/** Decodes what is written; answers what to write: the same, or a copy that carries a traceparent. */
function written(connection: Connection, data: string | Buffer, encoding: string, at: number, propagate: Propagate) {
  // Node is about to refuse it.
  if (typeof data === 'string' && encoding !== 'utf8' && !Buffer.isEncoding(encoding)) return data;
  const mayBegin = connection.idle;
  connection.newest = undefined;
  const bytes = typeof data === 'string' ? bytesOf(data, encoding) : data;
  connection.written(bytes, at);
  if (!mayBegin || connection.newest === undefined || connection.protocol !== 'http') return data;
  // In hex or base64 the text is not the head.
  return typeof data === 'string' && !isPlain(encoding) ? data : propagate(connection, data, bytes);
}

const isPlain = (encoding: string): boolean => /^(?:utf-?8|latin1|binary|ascii)$/i.test(encoding);

function writtenMany(connection: Connection, data: Writes, at: number, propagate: Propagate): Writes {
  const count = data.length;
  let result = data;
  for (let i = 0; i < count && connection.on; i++) {
    const item = data[i];
    const isBare = item instanceof Uint8Array || typeof item === 'string';
    connection.gave(handerOf(isBare ? item : item.chunk), i);
    if (isBare) {
      const after = written(connection, item as Buffer, 'utf8', at, propagate);
      if (after !== item) result = replaced(result, data, i, after);
    } else {
      const after = written(connection, item.chunk, item.encoding, at, propagate);
      if (after !== item.chunk) result = replaced(result, data, i, { ...item, chunk: after });
    }
  }
  return result;
}

/** The stream's own list stays as it is. */
function replaced(result: Writes, data: Writes, i: number, item: string | Buffer | Entry): Writes {
  if (result === data) {
    result = data.slice() as Writes;
    if (data.allBuffers !== undefined) result.allBuffers = data.allBuffers;
  }
  result[i] = item;
  return result;
}

/** A socket made with the `onread` option reads into its own buffer and never pushes. */
function followOwnBuffer(socket: Inner): void {
  for (const key of Object.getOwnPropertySymbols(socket)) {
    if (key.description !== 'kBufferCb') continue;
    const holder = socket as unknown as Record<symbol, ((size: number, buffer: Uint8Array) => boolean) | null>;
    const callback = holder[key];
    if (typeof callback !== 'function') return;
    holder[key] = function (this: Inner, size, buffer) {
      const connection = find(socket);
      if (connection !== undefined && size > 0) connection.received(buffer.subarray(0, size), now());
      return callback.call(this, size, buffer);
    };
    return;
  }
}

/** How tsx's two processes speak to each other: the runner's affair, not the program's. */
const runnersPipe = /[\\/]tsx-[^\\/]*[\\/]\d+\.pipe$/;

/** "host:port" or a path, from the arguments of `connect` in any of its forms; undefined when it will throw. */
function addressOf(args: ArrayLike<unknown>): string | undefined {
  let first = args[0];
  let host = args[1];
  if (Array.isArray(first)) {
    host = first[1];
    first = first[0];
  }
  if (typeof first === 'object' && first !== null) {
    const { path, port, host: name } = first as { path?: unknown; port?: unknown; host?: unknown };
    if (typeof path === 'string' && path !== '') return path;
    if (port === undefined) return undefined;
    return hostPort(name, port);
  }
  if (typeof first === 'string' && !(Number(first) >= 0)) return first;
  if (first === undefined) return undefined;
  return hostPort(host, first);
}

function hostPort(host: unknown, port: unknown): string {
  const name = typeof host === 'string' && host !== '' ? host : 'localhost';
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}

/** error.type of an error: its code, else its class; never its message. */
export function errorType(error: Error & { code?: unknown }): string {
  try {
    if (typeof error.code === 'string') return error.code;
    return /time.?out/i.test(error.message) ? 'timeout' : error.name || 'Error';
  } catch {
    // Whatever `destroy` was given.
    return 'Error';
  }
}
