// Datagrams that the program sends. One is an exchange of its own: answered by the next datagram from there, in the
// order of sending; one way when another is sent first to a peer that has never answered (a metrics daemon).
//
//   send ──► pending ── message from the same peer ──► answered
//               └────── the next send, close, exit ──► one way

import dgram from 'node:dgram';
import { Kind } from '../model/schema.ts';
import { Exchange } from '../protocols/decoder.ts';
import { now } from './clock.ts';
import { nextConnectionNumber } from './connection.ts';
import { neutral } from './context.ts';
import { Operation, type Peer } from './operation.ts';
import { answered, arrival, asked, failed } from './ownership.ts';
import { patch } from './patch.ts';
import { count } from './span-buffer.ts';
import { newStamp } from './stamp.ts';

/** Sent to one peer and not answered yet; of one that answers, at most so many are waited for. */
const mostPending = 64;
const mostPeers = 1_000;

class Correspondent {
  readonly peer: Peer;
  readonly service: string;
  readonly host: string;
  readonly port: number;
  readonly pending: Operation[] = [];
  answers = false;

  constructor(host: string, port: number) {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.host = host;
    this.port = port;
    this.service = `udp://${address}`;
    this.peer = {
      number: nextConnectionNumber(),
      address,
      secure: false,
      connectAt: Number.NaN,
      dns: 0,
      connect: 0,
      tls: 0,
      greeting: 0,
      heardAt: Number.NaN,
      charged: true,
    };
  }
}

class Mail {
  readonly correspondents = new Map<string, Correspondent>();
  /** Peers that spoke first: what is sent to them is an answer. */
  readonly callers = new Set<string>();
  /** Sends that Node will call again once the socket is bound. */
  queued = 0;
}

/** What we use of a socket that its type does not say: behind a symbol. */
interface State {
  /** 2 = bound */
  readonly bindState?: number;
  /** 2 = connected */
  readonly connectState?: number;
}

const mails = newStamp<Mail>();
const open = new Set<Mail>();
let stateKey: symbol | undefined;

function stateOf(socket: dgram.Socket): State {
  stateKey ??= Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  return (stateKey && (socket as unknown as Record<symbol, State>)[stateKey]) || {};
}

export function patchDgram(): void {
  const socket = dgram.Socket.prototype;

  // Its messages run in nobody's context.
  patch<typeof dgram.createSocket>(
    dgram,
    'createSocket',
    (original) =>
      function (this: unknown) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        const args = arguments;
        return neutral(undefined, () => Reflect.apply(original, this, args as never));
      } as typeof dgram.createSocket,
  );

  patch<(...args: unknown[]) => void>(
    socket,
    'send',
    (original) =>
      function (this: dgram.Socket) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        const args = arguments;
        let op: Operation | undefined;
        let to: Correspondent | undefined;
        let queued = 0;
        try {
          const mail = mailOf(this);
          queued = mail.queued;
          const { bindState, connectState } = stateOf(this);
          if (mail.queued > 0 && bindState === 2 && Array.isArray(args[0])) {
            mail.queued--;
          } else {
            const bytes = sizeOf(args);
            to = bytes === undefined ? undefined : correspondent(this, mail, args, connectState === 2);
            if (to && bytes !== undefined) op = send(to, bytes);
            if (op && bindState !== 2) mail.queued++;
          }
        } catch {
          count('off.sends', 'udp', 1);
        }
        try {
          return Reflect.apply(original, this, args as never);
        } catch (error) {
          // Not sent: wrong arguments, or closed.
          if (op && to) {
            to.pending.splice(to.pending.indexOf(op), 1);
            mailOf(this).queued = queued;
          }
          throw error;
        }
      },
  );

  patch<(event: string | symbol, ...args: unknown[]) => boolean>(
    socket,
    'emit',
    (original) =>
      function (this: dgram.Socket, event: string | symbol, first: unknown, second: unknown) {
        if (event === 'message' || event === 'close') {
          try {
            const mail = mailOf(this);
            if (event === 'close') close(mail);
            else received(mail, first as Buffer, second as dgram.RemoteInfo);
          } catch {
            count('off.sends', 'udp', 1);
          }
        }
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never);
      } as typeof original,
  );
}

function mailOf(socket: dgram.Socket): Mail {
  let mail = mails.get(socket);
  if (!mail) {
    mail = new Mail();
    mails.set(socket, mail);
    open.add(mail);
  }
  return mail;
}

/** send(msg, [offset, length,] [port] [, address] [, callback]) */
const isLong = (args: ArrayLike<unknown>): boolean =>
  typeof args[2] === 'number' && (Boolean(args[4]) || (Boolean(args[3]) && typeof args[3] !== 'function'));

function correspondent(
  socket: dgram.Socket,
  mail: Mail,
  args: ArrayLike<unknown>,
  connected: boolean,
): Correspondent | undefined {
  let port: unknown;
  let host: unknown;
  if (connected) {
    const remote = socket.remoteAddress();
    port = remote.port;
    host = remote.address;
  } else {
    const at = isLong(args) ? 3 : 1;
    port = args[at];
    host = args[at + 1];
  }
  if (typeof host !== 'string' || host === '') {
    host = (socket as unknown as { type: string }).type === 'udp6' ? '::1' : '127.0.0.1';
  }
  const key = `${host} ${port}`;
  let to = mail.correspondents.get(key);
  if (!to) {
    if (mail.callers.has(key) || mail.callers.size >= mostPeers) return undefined;
    if (mail.correspondents.size >= mostPeers) return undefined;
    to = new Correspondent(host as string, Number(port));
    mail.correspondents.set(key, to);
  }
  return to;
}

/** Undefined when Node will refuse it. */
function sizeOf(args: ArrayLike<unknown>): number | undefined {
  const data = args[0];
  if (!Array.isArray(data) && typeof args[2] === 'number') return args[2];
  let bytes = 0;
  for (const part of Array.isArray(data) ? data : [data]) {
    if (typeof part === 'string') bytes += Buffer.byteLength(part);
    else if (ArrayBuffer.isView(part)) bytes += part.byteLength;
    else return undefined;
  }
  return bytes;
}

function send(to: Correspondent, bytes: number): Operation {
  const exchange = new Exchange(Kind.client);
  exchange.operation = 'datagram';
  exchange.bytesOut = bytes;
  exchange.firstOut = now();
  exchange.lastOut = exchange.firstOut;
  const op = new Operation(exchange, to.peer);
  op.service = to.service;
  op.protocol = 'unknown';
  asked(op);
  while (to.pending.length >= (to.answers ? mostPending : 1)) oneWay(to.pending.shift()!);
  to.pending.push(op);
  return op;
}

function oneWay(op: Operation): void {
  op.exchange.oneWay = true;
  op.closedAt = op.exchange.lastOut;
  failed(op);
}

function received(mail: Mail, message: Buffer, from: dgram.RemoteInfo): void {
  const key = `${from.address} ${from.port}`;
  let to = mail.correspondents.get(key);
  if (!to?.pending.length) {
    // Sent to a name.
    for (const one of mail.correspondents.values()) {
      if (one.port === from.port && one.pending.length > 0 && !/^[\d.]+$|:/.test(one.host)) to = one;
    }
  }
  if (!to && mail.callers.size < mostPeers) mail.callers.add(key);
  const op = to?.pending.shift();
  if (!to || !op) return;
  to.answers = true;
  arrival();
  const { exchange } = op;
  exchange.firstIn = now();
  exchange.lastIn = exchange.firstIn;
  exchange.bytesIn = message.length;
  op.closedAt = exchange.lastIn;
  answered(op);
}

function close(mail: Mail): void {
  open.delete(mail);
  for (const { pending } of mail.correspondents.values()) for (const op of pending.splice(0)) oneWay(op);
}

/** At exit: nothing is answered any more. */
export function settleDatagrams(): void {
  for (const mail of [...open]) close(mail);
}
