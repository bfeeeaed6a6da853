// W3C Trace Context (https://www.w3.org/TR/trace-context/) on the wire: read from inbound requests, and added to
// outgoing ones that go to this machine, a private network, or a host that the user named.
//
// A header is added to HTTP/1.1 bytes only where they provably begin a request: the decoder stood at a message border,
// opened exactly there, and the bytes hold the whole head. It goes right behind the request line:
//
//   GET /users/7 HTTP/1.1\r\n ⟨traceparent: 00-…-01\r\n⟩ host: users:3000\r\n …\r\n\r\n
//
// Never to a head that has one, that is signed, or that opens a tunnel.

import type net from 'node:net';
import type { Connection } from './connection.ts';
import { hex8 } from './ids.ts';
import type { Operation, SpanId } from './operation.ts';
import type { Options } from './options.ts';

/** version 00, trace, span, flags: sampled. */
export function traceparentOf(trace: Uint32Array, span: SpanId): string {
  return `00-${hex8(trace[0])}${hex8(trace[1])}${hex8(trace[2])}${hex8(trace[3])}-${hex8(span.hi)}${hex8(span.lo)}-01`;
}

/** What an inbound `traceparent` says; undefined when it is none. */
export function parseTraceparent(value: unknown): { trace: Uint32Array; parent: SpanId } | undefined {
  if (typeof value !== 'string') return undefined;
  // A later version may be longer; its first fields are the same.
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/.exec(value.trim());
  if (!match) return undefined;
  const [, hex, span] = match;
  const trace = new Uint32Array(4);
  for (let i = 0; i < 4; i++) trace[i] = Number.parseInt(hex.slice(8 * i, 8 * i + 8), 16);
  const parent = { hi: Number.parseInt(span.slice(0, 8), 16), lo: Number.parseInt(span.slice(8), 16) };
  if ((trace[0] | trace[1] | trace[2] | trace[3]) === 0 || (parent.hi | parent.lo) === 0) return undefined;
  return { trace, parent };
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

/** Answers the bytes to write instead of a request's: with our header where it may have one, else the same. */
export function withTraceparent(options: Options): (connection: Connection, data: string | Buffer) => string | Buffer {
  if (options.propagate === 'none') return (_, data) => data;
  return (connection, data) => {
    if (connection.mayPropagate === false || connection.protocol !== 'http') return data;
    if (connection.mayPropagate === undefined) {
      const socket = connection.top as net.Socket;
      // A Unix socket leads to this machine.
      const local = connection.address.startsWith('/');
      connection.mayPropagate = local || mayCarry(options, hostOf(connection.address), socket.remoteAddress);
      if (!connection.mayPropagate) return data;
    }
    const op = connection.newest as Operation;
    if (!op.root) return data;
    return typeof data === 'string' ? intoText(data, op.root.trace, op.id) : intoBytes(data, op.root.trace, op.id);
  };
}

const maxHead = 16_384;

/** Where in a request's head a header line may be put; -1 when none may. */
function placeIn(head: string): number {
  const line = head.indexOf('\r\n');
  if (!/^(?!CONNECT )[A-Z-]{3,20} \S+ HTTP\/1\.1$/.test(head.slice(0, line))) return -1;
  // traceparent is there already; the request is signed (AWS SigV4, HTTP Signatures of any draft, Azure's SharedKey).
  if (/\r\n(?:traceparent|signature|signature-input|x-amz-content-sha256)[ \t]*:/i.test(head)) return -1;
  if (/\r\nauthorization[ \t]*:[ \t]*(?:aws|signature|sharedkey|hmac|google4-|tc3-|acs)/i.test(head)) return -1;
  return line + 2;
}

function intoText(data: string, trace: Uint32Array, span: SpanId): string {
  const end = data.indexOf('\r\n\r\n');
  if (end < 0 || end > maxHead) return data;
  const at = placeIn(data.slice(0, end + 2));
  return at < 0 ? data : `${data.slice(0, at)}traceparent: ${traceparentOf(trace, span)}\r\n${data.slice(at)}`;
}

function intoBytes(data: Buffer, trace: Uint32Array, span: SpanId): Buffer {
  const bytes = Buffer.isBuffer(data)
    ? data
    : Buffer.from((data as Uint8Array).buffer, (data as Uint8Array).byteOffset, (data as Uint8Array).byteLength);
  const head = bytes.toString('latin1', 0, Math.min(bytes.length, maxHead));
  const end = head.indexOf('\r\n\r\n');
  if (end < 0) return data;
  const at = placeIn(head.slice(0, end + 2));
  if (at < 0) return data;
  const line = Buffer.from(`traceparent: ${traceparentOf(trace, span)}\r\n`, 'latin1');
  return Buffer.concat([bytes.subarray(0, at), line, bytes.subarray(at)]);
}
