// W3C Trace Context (https://www.w3.org/TR/trace-context/) on the wire: read from inbound requests, and added to
// outgoing ones that go to this machine, a private network, or a host that the user named.
//
// A header is added to HTTP/1.1 bytes only where they provably begin a request: the decoder stood at a message border,
// opened exactly there, and the bytes hold the whole head. It goes to the head's end:
//
//   GET /users/7 HTTP/1.1\r\n host: users:3000\r\n …\r\n ⟨traceParent: 00-…-01\r\n⟩ \r\n
//
// Never to a head that has one, that is signed, that opens a tunnel, or that might then be too long for its server.
//
// A recorded program takes ours out again of what it receives: its headers are those that the other program gave, and
// a proxy that hands them on does not hand on a parent that is not its own. Ours is told from anybody else's by its
// spelling: names mean the same in any case, and everybody else writes this one in lower case, or as Go does.

import type { IncomingMessage } from 'node:http';
import { requestHead } from '../protocols/http1/head.ts';
import type { Connection } from './connection.ts';
import { hex8, processHi } from './ids.ts';
import type { Root, SpanId } from './operation.ts';
import type { Options } from './options.ts';

const spelling = 'traceParent';

/** Servers refuse heads that are longer than 8 KiB (nginx, Apache) or 16 KiB (Node). */
const longestHead = 7 * 1024;

/** version 00, trace, span, flags: sampled or not. */
export function traceparentOf(root: Root, lo: number): string {
  const { trace, recorded } = root;
  if (root.header === '') {
    root.header = `00-${hex8(trace[0])}${hex8(trace[1])}${hex8(trace[2])}${hex8(trace[3])}-${hex8(processHi)}`;
  }
  return `${root.header}${hex8(lo)}-0${recorded ? 1 : 0}`;
}

/** What an inbound `traceparent` says; undefined when it is none. */
export function parseTraceparent(value: unknown): { trace: Uint32Array; parent: SpanId; sampled: boolean } | undefined {
  if (typeof value !== 'string') return undefined;
  // A later version may be longer; its first fields are the same.
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/.exec(value.trim());
  if (!match) return undefined;
  const [, hex, span, flags] = match;
  const trace = new Uint32Array(4);
  for (let i = 0; i < 4; i++) trace[i] = Number.parseInt(hex.slice(8 * i, 8 * i + 8), 16);
  const parent = { hi: Number.parseInt(span.slice(0, 8), 16), lo: Number.parseInt(span.slice(8), 16) };
  if ((trace[0] | trace[1] | trace[2] | trace[3]) === 0 || (parent.hi | parent.lo) === 0) return undefined;
  return { trace, parent, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** May requests to this peer carry our header? */
export function mayCarry(options: Options, host: string, remote: string | undefined): boolean {
  if (options.propagate === 'all') return true;
  if (options.propagate === 'none') return false;
  if (options.hosts.includes(host)) return true;
  return host === 'localhost' || isPrivate(remote ?? host);
}

/** Loopback, link-local and private addresses, IPv4 (RFC 1918, 6598) and IPv6 (RFC 4193, 4291). */
export function isPrivate(address: string): boolean {
  const ip = address.toLowerCase().replace(/^::ffff:/, '');
  const v4 = /^(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(ip);
  if (v4) {
    const a = Number(v4[1]);
    const b = Number(v4[2]);
    return (
      a === 127 ||
      a === 10 ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128)
    );
  }
  return ip === '::1' || /^f[cd][0-9a-f]{2}:/.test(ip) || /^fe[89ab][0-9a-f]:/.test(ip);
}

/** The host of an address as Peer has it. */
export function hostOf(address: string): string {
  const colon = address.lastIndexOf(':');
  return colon < 0 ? address : address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
}

/** What to write instead of `data`, whose bytes are `bytes`: with our header where it may have one, else the same. */
export type Propagate = (connection: Connection, data: string | Buffer, bytes: Uint8Array) => string | Buffer;

export function propagation(options: Options): Propagate {
  if (options.propagate === 'none') return (_, data) => data;
  return (connection, data, bytes) => {
    if (connection.mayPropagate === false || connection.protocol !== 'http') return data;
    if (connection.mayPropagate === undefined) {
      // A Unix socket leads to this machine.
      const local = connection.address.startsWith('/');
      connection.mayPropagate = local || mayCarry(options, hostOf(connection.address), connection.remote);
      if (!connection.mayPropagate) return data;
    }
    const op = connection.newest;
    if (op?.root === undefined) return data;
    const head = requestHead(bytes);
    if (head === undefined || head.traceparent || head.signed || head.end > longestHead) return data;
    const line = `${spelling}: ${traceparentOf(op.root, op.lo)}\r\n`;
    const at = head.end - 2;
    if (typeof data !== 'string') {
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(line, 'latin1'), bytes.subarray(at)]);
    }
    // The empty line's place in characters, whatever a character's width.
    const after = data.indexOf('\r\n\r\n') + 2;
    return data.slice(0, after) + line + data.slice(after);
  };
}

let countKey: symbol | undefined;

/** The `traceparent` of an inbound request; one of ours is taken out of its headers. */
export function takeTraceparent(request: IncomingMessage): unknown {
  const { rawHeaders, headers } = request;
  const at = rawHeaders.length - 2;
  if (rawHeaders[at] !== spelling) return headers['traceparent'];
  const value = rawHeaders[at + 1];
  countKey ??= Object.getOwnPropertySymbols(request).find(({ description }) => description === 'kHeadersCount');
  const counts = request as unknown as Record<symbol, unknown>;
  const count = countKey && counts[countKey];
  if (typeof count !== 'number') return value;
  rawHeaders.length = at;
  // So many of the raw ones count: no more than `server.maxHeadersCount`.
  if (count > at) {
    counts[countKey!] = at;
    delete headers['traceparent'];
  }
  return value;
}
