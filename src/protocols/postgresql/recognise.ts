// Is a connection PostgreSQL's? Told by the client's startup message or its request for encryption, or, where the
// connection was joined in the middle, by whole messages of the client and an answer that begins with whole ones.

import type { Recognition } from '../decoder.ts';
import { startsWithVerb } from '../names/sql-verbs.ts';
import { Backend, Frontend, int32, isBackend, isFrontend, maxMessage, maxStartup, nulAt, Startup } from './messages.ts';

export function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (client.length === 0) return server.length > 0 && isBackend[server[0] as number] !== 1 ? 'no' : 'more';
  if (client[0] === 0) return recogniseStartup(client);
  const requests = recogniseRequests(client);
  if (requests !== 'yes') return requests;
  return server.length === 0 ? 'more' : recogniseAnswer(server);
}

/** | length i32 | code i32 |, and for protocol 3: | name NUL value NUL … NUL | with "user" among the names. */
function recogniseStartup(client: Uint8Array): Recognition {
  if (client.length < 4) return client.every((byte, i) => i > 1 || byte === 0) ? 'more' : 'no';
  const length = int32(client, 0);
  if (length < 8 || length > maxStartup) return 'no';
  if (client.length < 8) return 'more';
  const code = int32(client, 4);
  if (code === Startup.SSL || code === Startup.GSSENC) return length === 8 ? 'yes' : 'no';
  if (code === Startup.Cancel) return length >= 16 && length <= 268 ? 'yes' : 'no';
  if (code >> 16 !== Startup.major3) return 'no';
  const end = Math.min(length, client.length);
  for (let at = 8; at < end; ) {
    const nul = nulAt(client, at, end);
    if (nul === end) break;
    if (nul - at === 4 && isUser(client, at)) return 'yes';
    at = nulAt(client, nul + 1, end) + 1;
  }
  return client.length >= length ? 'no' : 'more';
}

const isUser = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x75 && bytes[at + 1] === 0x73 && bytes[at + 2] === 0x65 && bytes[at + 3] === 0x72;

/** Whole messages up to a Query, a Sync or a Flush. A Query must be text that ends with its only NUL. */
function recogniseRequests(client: Uint8Array): Recognition {
  let at = 0;
  for (;;) {
    if (at >= client.length) return 'more';
    const type = client[at] as number;
    if (isFrontend[type] !== 1) return 'no';
    if (client.length < at + 5) return 'more';
    const length = int32(client, at + 1);
    const payload = at + 5;
    const end = at + 1 + length;
    if (length < 4 || length > maxMessage) return 'no';
    const shape = fitsRequest(client, type, payload, end);
    if (shape !== 'yes') return shape;
    if (type === Frontend.Query || type === Frontend.Sync || type === Frontend.Flush) {
      return client.length === end || isFrontend[client[end] as number] === 1 || client.length < end ? 'yes' : 'no';
    }
    at = end;
  }
}

function fitsRequest(client: Uint8Array, type: number, at: number, end: number): Recognition {
  const isSeen = client.length >= end;
  switch (type) {
    case Frontend.Query:
      if (isSeen) return end - at > 1 && nulAt(client, at, end) === end - 1 && isText(client, at) ? 'yes' : 'no';
      return client.length < 4096 ? (isText(client, at) ? 'more' : 'no') : startsWithVerb(client, at, end);
    case Frontend.Parse: {
      const nul = nulAt(client, at, Math.min(end, client.length));
      if (nul + 1 >= client.length) return client.length >= 4096 || isSeen ? 'no' : 'more';
      return startsWithVerb(client, nul + 1, end);
    }
    case Frontend.Bind:
    case Frontend.Execute:
      return end - at >= (type === Frontend.Bind ? 8 : 5) ? 'yes' : 'no';
    case Frontend.Describe:
    case Frontend.Close:
      if (client.length <= at) return 'more';
      return end - at >= 2 && (client[at] === 0x53 || client[at] === 0x50) ? 'yes' : 'no';
    case Frontend.Sync:
    case Frontend.Flush:
      return end === at ? 'yes' : 'no';
    default:
      return 'no';
  }
}

/** No control characters at the beginning but white space. */
function isText(bytes: Uint8Array, at: number): boolean {
  const end = Math.min(bytes.length, at + 32);
  for (; at < end && bytes[at] !== 0; at++) {
    const byte = bytes[at] as number;
    if (byte < 9 || (byte > 13 && byte < 32) || byte === 127) return false;
  }
  return true;
}

/** Answers begin with one of these; each has a form of its own. */
function recogniseAnswer(server: Uint8Array): Recognition {
  if (isBackend[server[0] as number] !== 1) return 'no';
  if (server.length < 5) return 'more';
  const length = int32(server, 1);
  const end = 1 + length;
  switch (server[0]) {
    case Backend.ParseComplete:
    case Backend.BindComplete:
    case Backend.CloseComplete:
    case Backend.EmptyQueryResponse:
    case Backend.NoData:
      return length === 4 ? 'yes' : 'no';
    case Backend.ReadyForQuery:
      return length === 5 ? 'yes' : 'no';
    case Backend.CommandComplete:
      if (length < 6 || length > 100) return 'no';
      if (server.length < end) return 'more';
      return nulAt(server, 5, end) === end - 1 && isText(server, 5) ? 'yes' : 'no';
    case Backend.ErrorResponse:
    case Backend.NoticeResponse:
      // | 'S' severity NUL | … : the severity is a word of capitals
      if (length < 10 || length > 65536) return 'no';
      if (server.length < 9) return 'more';
      return server[5] === 0x53 && isText(server, 6) ? 'yes' : 'no';
    case Backend.RowDescription:
    case Backend.ParameterDescription: {
      if (length < 6 || length > 1e6) return 'no';
      if (server.length < 7) return 'more';
      const columns = ((server[5] as number) << 8) | (server[6] as number);
      return columns <= 1664 && length >= 6 + columns * (server[0] === Backend.RowDescription ? 19 : 4) ? 'yes' : 'no';
    }
    case Backend.CopyInResponse:
    case Backend.CopyOutResponse:
      return length >= 7 && length < 8192 ? 'yes' : 'no';
    default:
      return 'no';
  }
}
