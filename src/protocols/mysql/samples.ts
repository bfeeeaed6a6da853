// Conversations for the contract, made by hand: what no recording holds.

import type { LongSample, Sample } from '../contract.ts';
import { Capability, Com, maxPacket, Status } from './spec.ts';

type Piece = string | number | Uint8Array;

/** Pieces one behind the other: text as Latin-1, a number as a byte. */
export function bytes(...pieces: readonly Piece[]): Uint8Array {
  const parts = pieces.map((piece) =>
    typeof piece === 'number'
      ? Uint8Array.of(piece)
      : typeof piece === 'string'
        ? Uint8Array.from(piece, (c) => c.charCodeAt(0))
        : piece,
  );
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** An integer of `size` bytes. */
export const int = (value: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 0xff);

export function packet(sequence: number, ...pieces: readonly Piece[]): Uint8Array {
  const payload = bytes(...pieces);
  return bytes(int(payload.length, 3), sequence & 0xff, payload);
}

const base =
  Capability.CLIENT_MYSQL |
  Capability.CLIENT_CONNECT_WITH_DB |
  Capability.CLIENT_PROTOCOL_41 |
  Capability.CLIENT_SECURE_CONNECTION;

export const greeting = (capabilities = 0): Uint8Array => {
  const all = base | capabilities;
  const nonce = 'abcdefgh';
  const low = int(all & 0xffff, 2);
  const high = int(all >>> 16, 2);
  return packet(
    0,
    0x0a,
    '8.4.0\0',
    int(7, 4),
    nonce,
    0,
    low,
    33,
    int(2, 2),
    high,
    21,
    '\0'.repeat(10),
    'ijklmnopqrst\0',
  );
};

export const response = (capabilities = 0, sequence = 1): Uint8Array =>
  packet(sequence, int(base | capabilities, 4), int(maxPacket, 4), 33, '\0'.repeat(23), 'user\0', 4, 'hash', 'pins\0');

export const ok = (sequence: number, status = 2, affected = 0): Uint8Array =>
  packet(sequence, 0, affected, 0, int(status, 2), int(0, 2));
export const eof = (sequence: number, status = 2): Uint8Array => packet(sequence, 0xfe, int(0, 2), int(status, 2));
/** The OK that ends rows under CLIENT_DEPRECATE_EOF. */
export const end = (sequence: number, status = 2): Uint8Array =>
  packet(sequence, 0xfe, 0, 0, int(status, 2), int(0, 2));
export const err = (sequence: number, code: number, text = '#42000no'): Uint8Array =>
  packet(sequence, 0xff, int(code, 2), text);
export const query = (sql: string): Uint8Array => packet(0, Com.QUERY, sql);
export const column = (sequence: number, name = 'a'): Uint8Array =>
  packet(sequence, 3, 'def', 0, 0, 0, name.length, name, 0, 12, int(33, 2), int(80, 4), 0xfd, int(0, 2), 0, 0, 0);
export const row = (sequence: number, text: string): Uint8Array => packet(sequence, text.length, text);

/** A result set of one column with EOF packets. */
const result = (from: number, rows: number, status = 2): Uint8Array =>
  bytes(
    packet(from, 1),
    column(from + 1),
    eof(from + 2),
    ...Array.from({ length: rows }, (_, i) => row(from + 3 + i, `row ${i}`)),
    eof(from + 3 + rows, status),
  );

const opening: Sample = [
  ['s', greeting()],
  ['c', response()],
  ['s', ok(2)],
];
const modern = Capability.CLIENT_DEPRECATE_EOF | Capability.CLIENT_SESSION_TRACK;
const modernOpening: Sample = [
  ['s', greeting(modern)],
  ['c', response(modern)],
  ['s', ok(2)],
];
const more = 2 | Status.SERVER_MORE_RESULTS_EXISTS;

const prepared = (id: number): Uint8Array =>
  bytes(packet(1, 0, int(id, 4), int(1, 2), int(1, 2), 0, int(0, 2)), column(2, '?'), eof(3), column(4), eof(5));
const execute = (id: number): Uint8Array =>
  packet(0, Com.STMT_EXECUTE, int(id, 4), 0, int(1, 4), 0, 1, 3, 0, int(5, 4));

export const samples: Record<string, Sample> = {
  'a text query': [...opening, ['c', query("SELECT a FROM t WHERE b = 'x'")], ['s', result(1, 3)]],
  'rows end with OK': [
    ...modernOpening,
    ['c', query('SELECT a FROM t')],
    ['s', bytes(packet(1, 1), column(2), row(3, 'x'), row(4, ''), end(5))],
    ['c', query('SELECT a FROM nothing')],
    ['s', bytes(packet(1, 1), column(2), end(3))],
  ],
  'a refused connection': [['s', packet(0, 0xff, int(1040, 2), 'Too many connections')]],
  'a wrong password': [
    ['s', greeting()],
    ['c', response()],
    ['s', err(2, 1045, '#28000Access denied')],
  ],
  'TLS, then the other method of authentication in full': [
    ['s', greeting(Capability.CLIENT_SSL)],
    ['c', packet(1, int(base | Capability.CLIENT_SSL, 4), int(maxPacket, 4), 33, '\0'.repeat(23))],
    ['c', response(Capability.CLIENT_SSL, 2)],
    ['s', packet(3, 0xfe, 'caching_sha2_password\0', 'nonce 2 0123456789\0')],
    ['c', packet(4, 'scrambled secret')],
    ['s', packet(5, 0x01, 0x04)],
    ['c', packet(6, 'secret\0')],
    ['s', ok(7)],
    ['c', query('SELECT 1')],
    ['s', result(1, 1)],
  ],
  'TLS that nobody decrypts': [
    ['s', greeting(Capability.CLIENT_SSL)],
    ['c', packet(1, int(base | Capability.CLIENT_SSL, 4), int(maxPacket, 4), 33, '\0'.repeat(23))],
    ['c', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['s', '\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03'],
  ],
  'several statements with several results': [
    ...opening,
    ['c', query('SELECT 1; UPDATE t SET a = 1 WHERE b = 2; SELECT a FROM t')],
    ['s', result(1, 1, more)],
    ['s', ok(6, more, 4)],
    ['s', result(7, 2)],
  ],
  'the second statement fails': [
    ...opening,
    ['c', query('SELECT 1; SELECT nope')],
    ['s', bytes(result(1, 1, more), err(6, 1054))],
  ],
  'an error among rows': [
    ...opening,
    ['c', query('SELECT a FROM t')],
    ['s', bytes(packet(1, 1), column(2), eof(3), row(4, 'x'), err(5, 1317, '#70100interrupted'))],
  ],
  'a prepared statement': [
    ...opening,
    ['c', packet(0, Com.STMT_PREPARE, 'SELECT a FROM t WHERE id = ?')],
    ['s', prepared(9)],
    ['c', execute(9)],
    ['s', result(1, 2)],
    ['c', bytes(packet(0, Com.STMT_SEND_LONG_DATA, int(9, 4), int(0, 2), 'long'), execute(9))],
    ['s', result(1, 0)],
    ['c', packet(0, Com.STMT_RESET, int(9, 4))],
    ['s', ok(1)],
    ['c', bytes(packet(0, Com.STMT_CLOSE, int(9, 4)), packet(0, Com.PING))],
    ['s', ok(1)],
    ['c', execute(9)],
    ['s', err(1, 1243, '#HY000Unknown statement')],
  ],
  'a cursor': [
    ...opening,
    ['c', packet(0, Com.STMT_PREPARE, 'SELECT a FROM t WHERE id = ?')],
    ['s', prepared(1)],
    ['c', execute(1)],
    ['s', bytes(packet(1, 1), column(2), eof(3, 2 | Status.SERVER_STATUS_CURSOR_EXISTS))],
    ['c', packet(0, Com.STMT_FETCH, int(1, 4), int(2, 4))],
    ['s', bytes(row(1, 'x'), row(2, 'y'), eof(3))],
  ],
  'prepare and execute sent at once': [
    ...opening,
    ['c', bytes(packet(0, Com.STMT_PREPARE, 'SELECT a FROM t WHERE id = ?'), execute(0xffffffff))],
    ['s', prepared(4)],
    ['s', result(1, 1)],
  ],
  'pipelined queries': [
    ...opening,
    ['c', bytes(query('SELECT a FROM t'), query('SELECT b FROM u'), packet(0, Com.PING))],
    ['s', bytes(result(1, 1), err(1, 1146), ok(1))],
  ],
  'a file from the client': [
    ...opening,
    ['c', query("LOAD DATA LOCAL INFILE '/secret' INTO TABLE t")],
    ['s', packet(1, 0xfb, '/secret')],
    ['c', packet(2, '1,secret\n2,secret\n')],
    ['c', packet(3)],
    ['s', ok(4, 2, 2)],
  ],
  'databases change': [
    ...modernOpening,
    ['c', packet(0, Com.INIT_DB, 'other')],
    ['s', ok(1)],
    ['c', query('USE `third`')],
    ['s', packet(1, 0, 0, 0, int(2 | Status.SERVER_SESSION_STATE_CHANGED, 2), int(0, 2), 0, 8, 1, 6, 5, 'Third')],
    ['c', query('USE missing')],
    ['s', err(1, 1049)],
    ['c', query('SELECT a FROM t')],
    ['s', bytes(packet(1, 1), column(2), end(3))],
    ['c', packet(0, Com.CHANGE_USER, 'user\0', 4, 'hash', 'fourth\0', int(33, 2))],
    ['s', packet(1, 0xfe, 'mysql_native_password\0', 'nonce\0')],
    ['c', packet(2, 'scrambled')],
    ['s', ok(3)],
    ['c', packet(0, 0x1f)],
    ['s', ok(1)],
    ['c', packet(0, Com.QUIT)],
  ],
  'query attributes are values': [
    ['s', greeting(Capability.CLIENT_QUERY_ATTRIBUTES)],
    ['c', response(Capability.CLIENT_QUERY_ATTRIBUTES)],
    ['s', ok(2)],
    ['c', packet(0, Com.QUERY, 2, 1, 0, 1, 0xfd, 0, 1, 'k', 8, 0, 1, 'n', 6, 'secret', int(7, 8), 'SELECT a FROM t')],
    ['s', result(1, 1)],
    ['c', packet(0, Com.QUERY, 0, 1, 'SELECT b FROM t')],
    ['s', result(1, 1)],
  ],
  'quotes without backslash escapes': [
    ...opening,
    ['c', query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")],
    ['s', ok(1, 2 | Status.SERVER_STATUS_NO_BACKSLASH_ESCAPES)],
    ['c', query("SELECT a FROM t WHERE b = '\\' AND c = 'secret'")],
    ['s', result(1, 0)],
  ],
  'columns, statistics, progress, the binary log': [
    ...opening,
    ['c', packet(0, Com.FIELD_LIST, 't\0')],
    ['s', bytes(column(1), column(2), eof(3))],
    ['c', packet(0, Com.STATISTICS)],
    ['s', packet(1, 'Uptime: 5')],
    ['c', query('ALTER TABLE t ADD b int')],
    ['s', packet(1, 0xff, int(0xffff, 2), 1, 1, 2, int(5, 3), 0)],
    ['s', ok(2)],
    ['c', packet(0, Com.BINLOG_DUMP, int(4, 4), int(0, 2), int(1, 4), 'log.1')],
    ['s', packet(1, 0, 'event')],
    ['s', packet(2, 0, 'event')],
  ],
  'compressed when long': [
    ['s', greeting(Capability.CLIENT_COMPRESS)],
    ['c', response(Capability.CLIENT_COMPRESS)],
    ['s', ok(2)],
    ...(() => {
      const frame = (sequence: number, data: Uint8Array, plain = 0) =>
        bytes(int(data.length, 3), sequence, int(plain, 3), data);
      const zlib = bytes('\x78\x9c opaque');
      return [
        ['c', frame(0, query('SELECT a FROM t'))],
        ['s', frame(1, result(1, 1))],
        ['c', frame(0, query('SELECT b FROM t'))],
        ['s', frame(1, zlib, 500)],
        ['c', frame(0, zlib, 90)],
        ['s', frame(1, result(1, 1))],
        ['c', frame(0, query('SELECT c FROM t'))],
        ['s', frame(1, ok(1))],
      ] as const;
    })(),
  ],
  'joined at a command': [
    ['c', query('SELECT a FROM t')],
    ['s', result(1, 2)],
    ['c', packet(0, Com.PING)],
    ['s', ok(1)],
  ],
};

/** 256 rows, so that their sequences go round. */
const rows = (size: number): Uint8Array =>
  bytes(...Array.from({ length: 256 }, (_, i) => packet((i + 4) & 0xff, 0xfc, int(size, 2), 'x'.repeat(size))));

export const long: Record<string, LongSample> = {
  'rows without end': {
    before: [...opening, ['c', query('SELECT a FROM t')], ['s', bytes(packet(1, 1), column(2), eof(3))]],
    from: 's',
    piece: rows(1000),
    times: 4096,
    after: [['s', eof(4)]],
    exchanges: 2,
  },
  'a statement over many packets': {
    before: [...opening, ['c', bytes(int(maxPacket, 3), 0, Com.QUERY, 'INSERT INTO t VALUES ("')]],
    from: 'c',
    piece: new Uint8Array(maxPacket - 24).fill(0x78),
    times: 1,
    after: [
      ['c', bytes(int(4, 3), 1, 'x")\n')],
      ['s', ok(2, 2, 1)],
    ],
    exchanges: 2,
  },
};
