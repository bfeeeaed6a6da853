// Is a connection MySQL's? Told by the server's greeting, by the client's response to it, or, where the connection
// was joined in the middle, by a command and the beginning of an answer that fits it.

import type { Recognition } from '../decoder.ts';
import { startsWithVerb } from '../names/sql-verbs.ts';
import { Capability, Com, Header, maxPacket } from './spec.ts';

const maxGreeting = 1024;

export function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (server.length > 0) {
    const greeting = recogniseGreeting(server);
    if (greeting !== 'no') return greeting;
    if (client.length === 0) return 'no';
  }
  if (client.length < 5) return couldBegin(client) ? 'more' : 'no';
  if (client[3] === 1) return server.length === 0 ? recogniseResponse(client) : 'no';
  const command = recogniseCommand(client);
  if (command !== 'yes') return command;
  return server.length === 0 ? 'more' : recogniseAnswer(server);
}

const couldBegin = (client: Uint8Array): boolean => client.length < 4 || (client[3] as number) <= 1;

const lengthAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** HandshakeV10 (messages.ts), or the ERR of a server that refuses. */
function recogniseGreeting(server: Uint8Array): Recognition {
  if (server.length >= 3 && (lengthAt(server, 0) > maxGreeting || lengthAt(server, 0) < 8)) return 'no';
  if (server.length >= 4 && server[3] !== 0) return 'no';
  if (server.length < 6) return server.length < 5 || server[4] === 0x0a || server[4] === Header.ERR ? 'more' : 'no';
  const end = 4 + lengthAt(server, 0);
  if (server[4] === Header.ERR) return recogniseRefusal(server, end);
  if (server[4] !== 0x0a || !isDigit(server[5] as number)) return 'no';
  for (let at = 6; at < server.length && at < 100; at++) {
    if (server[at] !== 0) {
      if (!isPrintable(server[at] as number)) return 'no';
      continue;
    }
    // | thread id u32 | nonce 8 | 0x00 |
    const filler = at + 1 + 4 + 8;
    if (filler >= end) return 'no';
    if (filler >= server.length) return 'more';
    return server[filler] === 0 ? 'yes' : 'no';
  }
  return server.length < 100 ? 'more' : 'no';
}

/** | 0xff | code u16 | message |: too many connections, host is blocked, host is not allowed. */
function recogniseRefusal(server: Uint8Array, end: number): Recognition {
  if (server.length < 7) return 'more';
  const code = (server[5] as number) | ((server[6] as number) << 8);
  if (code < 1000 || code > 4999) return 'no';
  for (let at = 7; at < Math.min(end, server.length); at++) if (!isPrintable(server[at] as number)) return 'no';
  return server.length >= end ? 'yes' : 'more';
}

/** HandshakeResponse41 or SSLRequest (messages.ts), seen without the greeting. */
function recogniseResponse(client: Uint8Array): Recognition {
  const length = lengthAt(client, 0);
  if (length < 32 || length > 4096) return 'no';
  if (client.length < 36) return 'more';
  const capabilities = (client[4] as number) | ((client[5] as number) << 8);
  if (!(capabilities & Capability.CLIENT_PROTOCOL_41)) return 'no';
  for (let at = 13; at < 32; at++) if (client[at] !== 0) return 'no';
  return 'yes';
}

/** The first command that has an answer. */
function recogniseCommand(client: Uint8Array): Recognition {
  let at = 0;
  for (let commands = 0; commands < 16; commands++) {
    if (client.length < at + 5) return client.length < at + 4 || client[at + 3] === 0 ? 'more' : 'no';
    if (client[at + 3] !== 0) return 'no';
    const length = lengthAt(client, at);
    const code = client[at + 4] as number;
    const end = at + 4 + length;
    const hasNoAnswer = (code === Com.STMT_CLOSE && length === 5) || (code === Com.STMT_SEND_LONG_DATA && length > 6);
    if (!hasNoAnswer) {
      const fits = fitsCommand(client, at + 5, end, code, length);
      // Behind the command may be the next one, with sequence 0; behind 16 MiB the rest of it.
      if (fits === 'yes' && length < maxPacket && client.length > end + 3 && client[end + 3] !== 0) return 'no';
      return fits;
    }
    at = end;
    if (at > client.length) return 'more';
  }
  return 'no';
}

function fitsCommand(client: Uint8Array, at: number, end: number, code: number, length: number): Recognition {
  switch (code) {
    case Com.QUERY:
    case Com.STMT_PREPARE:
      if (length < 3) return 'no';
      if (client.length < at + 2) return 'more';
      // No query attributes: | 0 | 1 | text |
      return startsWithVerb(client, client[at] === 0 && client[at + 1] === 1 ? at + 2 : at, end);
    case Com.STMT_EXECUTE: {
      // | id u32 | flags u8 | iterations u32, always 1 | … |
      if (length < 10) return 'no';
      if (client.length < at + 9) return 'more';
      const isOnce = client[at + 5] === 1 && client[at + 6] === 0 && client[at + 7] === 0 && client[at + 8] === 0;
      return isOnce && (client[at + 4] as number) < 16 ? 'yes' : 'no';
    }
    case Com.PING:
      return length === 1 ? 'yes' : 'no';
    case Com.STMT_RESET:
      return length === 5 ? 'yes' : 'no';
    case Com.INIT_DB:
      if (length < 2 || length > 256) return 'no';
      for (; at < end && at < client.length; at++) if (!isPrintable(client[at] as number)) return 'no';
      return client.length < end ? 'more' : 'yes';
    default:
      return 'no';
  }
}

/** OK, ERR with its '#', EOF, or a column count with the first column's "def" behind it. */
function recogniseAnswer(server: Uint8Array): Recognition {
  if (server.length >= 4 && server[3] === 0) return 'no';
  if (server.length < 5) return 'more';
  const length = lengthAt(server, 0);
  const first = server[4] as number;
  if (first === Header.OK) return length >= 7 && length < 4096 ? 'yes' : 'no';
  if (first === Header.EOF) return length === 5 ? 'yes' : 'no';
  if (first === Header.ERR) {
    if (length < 9 || length > 1024) return 'no';
    return server.length < 8 ? 'more' : server[7] === 0x23 ? 'yes' : 'no';
  }
  if (first === 0 || first > 0xfa || length > 2) return 'no';
  const next = 4 + length;
  if (server.length < next + 8) return 'more';
  const isDef = [0x03, 0x64, 0x65, 0x66].every((byte, i) => server[next + 4 + i] === byte);
  return isDef && server[next + 3] === (((server[3] as number) + 1) & 0xff) ? 'yes' : 'no';
}
