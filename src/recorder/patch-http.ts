// HTTP/1.1 of node:http and node:https.
//
// Inbound: `Server.emit('request', req, res)` runs in a root of its own, until the response has been handed over or
// its connection is closed (`ServerResponse.emit` says so: no listener is added).
// Outgoing: bytes are seen at the socket (patch-net.ts); here only who made the ClientRequest is remembered, since an
// agent's queue may write it much later.

import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { pathPattern } from '../protocols/names/path.ts';
import { answeredRequest, enterOwn, leaveOwn, sample } from './budget.ts';
import { now } from './clock.ts';
import type { Asker } from './connection.ts';
import { endRoot, openRoot, runInRoot } from './context.ts';
import { newTrace } from './ids.ts';
import type { Root } from './operation.ts';
import { arrival, snapshot } from './ownership.ts';
import { patch } from './patch.ts';
import { isDue, leaves, seen } from './pauses.ts';
import { parseTraceparent, takeTraceparent } from './propagate.ts';
import { count, writeServerSpan } from './span-buffer.ts';
import { newStamp } from './stamp.ts';

// --- outgoing

const askers = newStamp<Asker>();

function remember(request: object): void {
  try {
    if (askers.get(request) === undefined) askers.set(request, { at: now(), snapshot: snapshot() });
  } catch {
    count('off.requests', '', 1);
  }
}

/** Who asks for the request that is being written to a socket. Node keeps the ClientRequest there. */
export function askerOn(socket: object): Asker | undefined {
  const request = (socket as { _httpMessage?: object | null })._httpMessage;
  return request ? askers.get(request) : undefined;
}

// --- inbound

/** An inbound request until it is answered. */
interface Inbound {
  readonly root: Root;
  readonly operation: string;
  readonly bytesIn: number;
  /** What the socket had written before. */
  readonly written: number;
  readonly socket: Socket;
  /** WebSocket or a tunnel: what happens on it later still belongs to the root. */
  readonly upgrade: boolean;
}

const inbound = newStamp<Inbound | null>();
const open = new Set<http.ServerResponse | Socket>();

/** Opens the root of an inbound request, which `traceparent` may have begun elsewhere. */
export function openInbound(traceparent: unknown): Root {
  // Its bytes do not pass a socket's push.
  arrival();
  const remote = parseTraceparent(traceparent);
  const start = now();
  if (isDue(start)) seen(start, undefined);
  const root = openRoot({ trace: remote?.trace ?? newTrace(), parent: remote?.parent, request: true, start });
  sample(root, remote?.sampled);
  return root;
}

function arrived(request: http.IncomingMessage, response: http.ServerResponse | Socket, upgrade: boolean): Root {
  const { method = '', url = '', headers, socket } = request;
  const root = openInbound(takeTraceparent(request));
  inbound.set(response, {
    root,
    operation: root.recorded ? `${method} ${pathPattern(url)}${upgrade ? ' (upgrade)' : ''}` : '',
    bytesIn: Number(headers['content-length']) || 0,
    written: socket.bytesWritten,
    socket,
    upgrade,
  });
  open.add(response);
  return root;
}

function settle(response: http.ServerResponse | Socket, error: string): void {
  const request = inbound.get(response);
  if (!request) return;
  const since = enterOwn();
  settleRequest(request, response, error);
  leaveOwn(since);
}

function settleRequest(request: Inbound, response: http.ServerResponse | Socket, error: string): void {
  inbound.set(response, null);
  open.delete(response);
  const end = now();
  const { root, operation, bytesIn, written, socket, upgrade } = request;
  if (upgrade) answeredRequest();
  else endRoot(root, end);
  if (!root.recorded) return;
  const status = upgrade ? 101 : (response as http.ServerResponse).statusCode;
  writeServerSpan(
    root,
    operation,
    'http',
    end,
    Math.max(0, socket.bytesWritten - written),
    bytesIn,
    status,
    error === '' && status >= 500 ? String(status) : error,
  );
}

/** At exit: requests that were not answered. */
export function settleInbound(): void {
  for (const response of [...open]) settle(response, 'unanswered');
}

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/** Opens roots for the requests that a server's class emits. */
export function patchServer(server: object): void {
  patch<Emit>(
    server,
    'emit',
    (original) =>
      function (this: unknown, event: string | symbol, request: unknown, response: unknown) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        const args = arguments;
        let root: Root | undefined;
        if (typeof event === 'string' && isRequest(event) && request instanceof http.IncomingMessage) {
          try {
            if (inbound.get(response as object) === undefined) {
              const since = enterOwn();
              root = arrived(request, response as http.ServerResponse, event === 'upgrade' || event === 'connect');
              leaveOwn(since);
            }
          } catch {
            count('off.requests', '', 1);
          }
        }
        if (root === undefined) return Reflect.apply(original, this, args as never);
        try {
          return runInRoot(root, original, this as never, args as never);
        } finally {
          try {
            leaves(root);
            // Its connection goes on as another protocol, for hours perhaps: the request itself is over.
            if (event === 'upgrade' || event === 'connect') settle(response as Socket, '');
          } catch {
            count('off.requests', '', 1);
          }
        }
      } as Emit,
  );
}

const isRequest = (event: string): boolean =>
  event === 'request' ||
  event === 'checkContinue' ||
  event === 'checkExpectation' ||
  event === 'upgrade' ||
  event === 'connect';

export function patchHttp(): void {
  for (const module of [http, https]) {
    for (const name of ['request', 'get']) {
      patch<(...args: unknown[]) => http.ClientRequest>(
        module,
        name,
        (original) =>
          function (this: unknown) {
            // biome-ignore lint/complexity/noArguments: handed on as they came
            const request = Reflect.apply(original, this, arguments as never);
            remember(request);
            return request;
          },
      );
    }
  }
  // A ClientRequest made by its constructor: no later than its head.
  patch<() => void>(
    http.ClientRequest.prototype,
    '_implicitHeader',
    (original) =>
      function (this: http.ClientRequest) {
        remember(this);
        return original.call(this);
      },
  );

  patchServer(http.Server.prototype);
  patchServer(https.Server.prototype);
  patch<Emit>(
    http.ServerResponse.prototype,
    'emit',
    (original) =>
      function (this: http.ServerResponse, event: string | symbol) {
        try {
          if (event === 'finish') settle(this, '');
          else if (event === 'close') settle(this, this.writableFinished ? '' : 'aborted');
        } catch {
          count('off.requests', '', 1);
        }
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never);
      },
  );
}
