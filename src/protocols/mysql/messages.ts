// What is read from the payloads of MySQL packets; everything else in them is skipped.

import { nameText } from '../names/sql.ts';
import { Fields } from './packets.ts';
import { Capability, Status, sessionTrackSchema } from './spec.ts';

/**
 * HandshakeV10, the server's greeting.
 *
 *   | 0x0a | version NUL | thread id u32 | nonce 8 | 0x00 | capabilities u16 | charset u8 | status u16 |
 *   | capabilities, high u16 | nonce length u8 | 10 × 0x00 (MariaDB: 6, then its own capabilities u32) | … |
 */
export interface Greeting {
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  readonly status: number;
}

export function readGreeting(bytes: Uint8Array, from: number, to: number): Greeting | undefined {
  const fields = new Fields(bytes, from, to);
  if (fields.u8() !== 0x0a) return undefined;
  fields.toNul();
  fields.skip(4 + 8);
  if (fields.u8() !== 0 || fields.isShort) return undefined;
  let capabilities = fields.u16();
  if (fields.isShort) return undefined;
  fields.skip(1);
  const status = fields.u16();
  capabilities |= fields.u16() << 16;
  fields.skip(1 + 6);
  const mariadb = fields.u32();
  return {
    capabilities,
    mariadbCapabilities: capabilities & Capability.CLIENT_MYSQL ? 0 : mariadb,
    status,
  };
}

/**
 * HandshakeResponse41, the client's answer. Its first 32 bytes alone, with CLIENT_SSL, are an SSLRequest: TLS follows,
 * and inside it the whole answer.
 *
 *   | capabilities u32 | max packet u32 | charset u8 | 19 × 0x00 | MariaDB's capabilities u32 |
 *   | user NUL | authentication (lenenc, u8 or NUL) | database NUL | … |
 */
export interface Response {
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  readonly isSslRequest: boolean;
  readonly database: string;
}

export function readResponse(bytes: Uint8Array, from: number, to: number): Response {
  const fields = new Fields(bytes, from, to);
  let capabilities = fields.u16();
  if (!(capabilities & Capability.CLIENT_PROTOCOL_41)) {
    // HandshakeResponse320: | capabilities u16 | max packet u24 | user NUL | authentication NUL | database |
    fields.skip(3);
    const isSslRequest = fields.left === 0 && (capabilities & Capability.CLIENT_SSL) !== 0;
    fields.toNul();
    fields.toNul();
    const end = fields.left > 0 && bytes[to - 1] === 0 ? to - 1 : to;
    return { capabilities, mariadbCapabilities: 0, isSslRequest, database: nameText(bytes, fields.at, end) };
  }
  capabilities |= fields.u16() << 16;
  fields.skip(4 + 1 + 19);
  const mariadb = fields.u32();
  const mariadbCapabilities = capabilities & Capability.CLIENT_MYSQL ? 0 : mariadb;
  if (fields.left === 0 && capabilities & Capability.CLIENT_SSL)
    return { capabilities, mariadbCapabilities, isSslRequest: true, database: '' };
  fields.toNul();
  if (capabilities & Capability.CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA) fields.skip(fields.lenenc());
  else if (capabilities & Capability.CLIENT_SECURE_CONNECTION) fields.skip(fields.u8());
  else fields.toNul();
  let database = '';
  if (capabilities & Capability.CLIENT_CONNECT_WITH_DB) {
    const start = fields.at;
    database = nameText(bytes, start, fields.toNul());
  }
  return { capabilities, mariadbCapabilities, isSslRequest: false, database };
}

/** The database of a COM_CHANGE_USER: | 0x11 | user NUL | authentication u8 length | database NUL | … | */
export function readChangeUser(bytes: Uint8Array, from: number, to: number): string {
  const fields = new Fields(bytes, from + 1, to);
  fields.toNul();
  fields.skip(fields.u8());
  const start = fields.at;
  return nameText(bytes, start, fields.toNul());
}

/** Where the text of a COM_QUERY begins: behind its attributes, which are values, and those are not looked at. */
export function queryStart(bytes: Uint8Array, from: number, to: number, capabilities: number): number {
  // No attributes. No SQL begins so: this also holds where the capabilities were not seen.
  if (bytes[from + 1] === 0 && bytes[from + 2] === 1) return from + 3;
  if (!(capabilities & Capability.CLIENT_QUERY_ATTRIBUTES)) return from + 1;
  // | 0x03 | count lenenc | sets lenenc, always 1 | NULL bits | 0x01 | count × (type u16, name) | values | text |
  const fields = new Fields(bytes, from + 1, to);
  const count = fields.lenenc();
  fields.lenenc();
  if (count === 0) return fields.at;
  if (count > 1000) return to;
  const nulls = fields.at;
  fields.skip((count + 7) >> 3);
  if (fields.u8() !== 1) return to;
  const types: number[] = [];
  for (let i = 0; i < count && !fields.isShort; i++) {
    types.push(fields.u16() & 0xff);
    fields.skip(fields.lenenc());
  }
  for (let i = 0; i < count && !fields.isShort; i++) {
    const isNull = (bytes[nulls + (i >> 3)] as number) & (1 << (i & 7));
    if (!isNull) skipValue(fields, types[i] as number);
  }
  return fields.isShort ? to : fields.at;
}

/** Skips a binary value. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html */
function skipValue(fields: Fields, type: number) {
  switch (type) {
    case 0x01: // TINY
      return fields.skip(1);
    case 0x02: // SHORT
    case 0x0d: // YEAR
      return fields.skip(2);
    case 0x03: // LONG
    case 0x04: // FLOAT
    case 0x09: // INT24
      return fields.skip(4);
    case 0x05: // DOUBLE
    case 0x08: // LONGLONG
      return fields.skip(8);
    case 0x06: // NULL
      return;
    case 0x07: // TIMESTAMP
    case 0x0a: // DATE
    case 0x0b: // TIME
    case 0x0c: // DATETIME
      return fields.skip(fields.u8());
    default:
      return fields.skip(fields.lenenc());
  }
}

/**
 * OK_Packet, also the one with header 0xfe that ends rows under CLIENT_DEPRECATE_EOF.
 *
 *   | 0x00 | affected rows lenenc | last insert id lenenc | status u16 | warnings u16 |
 *   | info string<lenenc> | session state string<lenenc>, if SERVER_SESSION_STATE_CHANGED |
 */
export interface Ok {
  readonly affectedRows: number;
  readonly status: number;
  /** The database that the session now uses; '' when the packet does not say. */
  readonly database: string;
}

export function readOk(bytes: Uint8Array, from: number, to: number, capabilities: number): Ok | undefined {
  const fields = new Fields(bytes, from + 1, to);
  const affectedRows = fields.lenenc();
  fields.lenenc();
  const status = fields.u16();
  if (fields.isShort) return undefined;
  let database = '';
  if (capabilities & Capability.CLIENT_SESSION_TRACK && status & Status.SERVER_SESSION_STATE_CHANGED) {
    fields.skip(2);
    fields.skip(fields.lenenc());
    database = readSchema(bytes, fields);
  }
  return { affectedRows, status, database };
}

/** Session state: | length lenenc | { type u8 | data string<lenenc> } … |; type 1 is the schema's name. */
function readSchema(bytes: Uint8Array, fields: Fields): string {
  fields.lenenc();
  let database = '';
  while (fields.left > 0 && !fields.isShort) {
    const type = fields.u8();
    const length = fields.lenenc();
    const start = fields.at;
    fields.skip(length);
    if (fields.isShort) break;
    if (type !== sessionTrackSchema) continue;
    const name = new Fields(bytes, start, fields.at);
    const nameLength = name.lenenc();
    database = nameText(bytes, name.at, Math.min(name.at + nameLength, fields.at));
  }
  return database;
}
