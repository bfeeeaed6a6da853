// fetch and undici: their bytes are seen at the socket (patch-net.ts), often written in the connection's own events,
// when a new one is ready or an answer has made it free. Their diagnostics channels say whose request it was when it
// was made: a first guess that its answer must confirm, since a pool makes its requests late.

import { subscribe } from 'node:diagnostics_channel';
import { now } from './clock.ts';
import type { Guess } from './connection.ts';
import { currentRoot } from './context.ts';
import { count } from './span-buffer.ts';
import { newStamp } from './stamp.ts';

const made = newStamp<Guess>();
const next = newStamp<Guess | undefined>();

/** Whose request is about to be written to this socket; told once. */
export function guessOn(socket: object): Guess | undefined {
  const guess = next.get(socket);
  if (guess !== undefined) next.set(socket, undefined);
  return guess;
}

export function patchFetch(): void {
  listen('undici:request:create', ({ request }) => {
    const root = currentRoot();
    if (root && !root.ended) made.set(request, { root, at: now() });
  });
  listen('undici:client:sendHeaders', ({ request, socket }) => {
    if (socket) next.set(socket, made.get(request));
  });
}

/** What a subscriber throws would be the program's uncaught exception. */
function listen(channel: string, hear: (message: { request: object; socket?: object }) => void): void {
  subscribe(channel, (message) => {
    try {
      hear(message as { request: object; socket?: object });
    } catch {
      count('off.requests', 'fetch', 1);
    }
  });
}
