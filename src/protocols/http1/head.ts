// Where the head ends of a request that is about to be written, when its framing proves that it is one.

import { startsWith } from './reader.ts';

export interface RequestHead {
  /** Offset just after the empty line that ends the head: a header line may be put two bytes before. */
  readonly end: number;
  /** The head holds a traceparent header already. */
  readonly traceparent: boolean;
  /** Its headers are signed, and must not change: AWS SigV4 and its like, HTTP Signatures of any draft. */
  readonly signed: boolean;
}

const LF = 10;
const CR = 13;

/**
 * The head of the request that begins at the chunk's first byte. The caller must know that one begins there: the
 * connection's decoder is `idle` and speaks 'http'.
 * @returns undefined when the chunk does not prove it: no complete head, a malformed line, a bare LF, a CONNECT, or
 *   another version than HTTP/1.1.
 */
export function requestHead(bytes: Uint8Array): RequestHead | undefined {
  const lineEnd = bytes.indexOf(LF);
  if (lineEnd < 14 || bytes[lineEnd - 1] !== CR) return undefined;
  if (!isRequestLine(bytes, lineEnd - 1)) return undefined;
  let traceparent = false;
  let signed = false;
  let at = lineEnd + 1;
  for (;;) {
    const end = bytes.indexOf(LF, at);
    if (end <= at || bytes[end - 1] !== CR) return undefined;
    if (end === at + 1) return { end: end + 1, traceparent, signed };
    const colon = nameEnd(bytes, at, end);
    if (colon < 0) return undefined;
    if (colon - at === 11 && startsWith(bytes, at, colon, 'traceparent')) traceparent = true;
    else if (!signed) signed = signs(bytes, at, colon, end);
    at = end + 1;
  }
}

const schemes = ['aws', 'signature', 'sharedkey', 'hmac', 'goog4-', 'tc3-', 'acs'];

/** The header bytes[at, colon), whose line ends before `end`, holds a signature of headers. */
function signs(bytes: Uint8Array, at: number, colon: number, end: number): boolean {
  switch (colon - at) {
    case 9:
      return startsWith(bytes, at, colon, 'signature');
    case 10:
      return startsWith(bytes, at, colon, 'x-amz-date');
    case 15:
      return startsWith(bytes, at, colon, 'signature-input');
    case 20:
      return startsWith(bytes, at, colon, 'x-amz-content-sha256');
    case 13: {
      if (!startsWith(bytes, at, colon, 'authorization')) return false;
      let value = colon + 1;
      while (bytes[value] === 32 || bytes[value] === 9) value++;
      return schemes.some((scheme) => startsWith(bytes, value, end, scheme));
    }
    default:
      return false;
  }
}

/** method SP target SP "HTTP/1.1", of visible characters. */
function isRequestLine(bytes: Uint8Array, to: number): boolean {
  const version = to - 9;
  if (!startsWith(bytes, version, to, ' http/1.1') || bytes[version + 1] !== 72) return false;
  let space = 0;
  while (space < version && isUpper(bytes[space] as number)) space++;
  if (space < 3 || bytes[space] !== 32 || space + 1 >= version) return false;
  for (let i = space + 1; i < version; i++) if ((bytes[i] as number) <= 32 || bytes[i] === 127) return false;
  return !(space === 7 && startsWith(bytes, 0, 7, 'connect'));
}

const isUpper = (byte: number): boolean => (byte >= 65 && byte <= 90) || byte === 45;

/** Offset of the colon after a header's name; -1 when the line is not a header. */
function nameEnd(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte === 58) return i > from ? i : -1;
    if (byte <= 32 || byte >= 127) return -1;
  }
  return -1;
}
