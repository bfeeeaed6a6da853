// The client protocol of NATS: its operations, and what its errors are called.
// https://docs.nats.io/reference/reference-protocols/nats-protocol

export type ClientOp = 'CONNECT' | 'PUB' | 'HPUB' | 'SUB' | 'UNSUB' | 'PING' | 'PONG';
export type ServerOp = 'INFO' | 'MSG' | 'HMSG' | 'PING' | 'PONG' | '+OK' | '-ERR';
export type Op = ClientOp | ServerOp;

const ops: readonly Op[] = [
  'CONNECT',
  'PUB',
  'HPUB',
  'SUB',
  'UNSUB',
  'PING',
  'PONG',
  'INFO',
  'MSG',
  'HMSG',
  '+OK',
  '-ERR',
];
const longestOp = 7;

/** Letters in either case count the same. */
const hashed = (hash: number, code: number): number => (Math.imul(hash, 31) + (code & 0xdf)) | 0;
const byHash = new Map(ops.map((op) => [[...op].reduce((hash, letter) => hashed(hash, letter.charCodeAt(0)), 0), op]));

/** The operation whose name is bytes[from, to), in upper or lower case. */
export function opOf(bytes: Uint8Array, from: number, to: number): Op | undefined {
  if (to - from > longestOp) return undefined;
  let hash = 0;
  for (let i = from; i < to; i++) hash = hashed(hash, bytes[i] as number);
  const op = byHash.get(hash);
  return op !== undefined && op.length === to - from ? op : undefined;
}

/** The server's errors, by how their text begins; what follows is data. */
const errors = [
  'Unknown Protocol Operation',
  'Attempted To Connect To Route Port',
  'Authorization Violation',
  'Authorization Timeout',
  'Authentication Timeout',
  'Authentication Expired',
  'User Authentication Expired',
  'User Authentication Revoked',
  'Account Authentication Expired',
  'Invalid Client Protocol',
  'Maximum Control Line Exceeded',
  'Parser Error',
  'Secure Connection - TLS Required',
  'Stale Connection',
  'Maximum Connections Exceeded',
  'Maximum Account Active Connections Exceeded',
  'Maximum Subscriptions Exceeded',
  'Slow Consumer',
  'Maximum Payload Violation',
  'Invalid Subject',
  'Invalid Publish Subject',
  'Permissions Violation',
  'Server Shutdown',
  'No Responders Requires Headers Support',
];

/** An error's text → its code: 'Permissions Violation for Publish to "orders"' → 'Permissions-Violation'. */
export function errorCode(text: string): string {
  const lower = text.toLowerCase();
  const found = errors.find((known) => lower.startsWith(known.toLowerCase()));
  return found ? found.replace(/\W+/g, '-') : 'ERR';
}
