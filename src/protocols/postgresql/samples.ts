// Conversations for the contract, made by hand: what no recording holds.

import type { LongSample, Sample } from '../contract.ts';

type Piece = string | Uint8Array;

const bytes = (...pieces: readonly Piece[]): Uint8Array =>
  Uint8Array.from(
    pieces.flatMap((piece) => (typeof piece === 'string' ? [...piece].map((c) => c.charCodeAt(0)) : [...piece])),
  );

/** An integer of `size` bytes. */
const int = (value: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (value >>> (8 * (size - 1 - i))) & 0xff);

const message = (type: string, ...pieces: readonly Piece[]): Uint8Array => {
  const payload = bytes(...pieces);
  return bytes(type, int(payload.length + 4, 4), payload);
};

const startup = bytes(int(48, 4), int(196608, 4), 'user\0me\0database\0pins\0application_name\0');
const whole = bytes(int(startup.length + 3, 4), startup.subarray(4), 'x\0\0');
const ready = message('Z', 'I');
const tag = (text: string) => message('C', text, '\0');
const row = message('D', int(1, 2), int(6, 4), 'secret');
const columns = message('T', int(1, 2), 'a\0', int(0, 4), int(0, 2), int(25, 4), int(0xffff, 2), int(0, 4), int(0, 2));
const error = (code: string) => message('E', 'SERROR\0VERROR\0C', code, '\0Msecret message\0\0');
const query = (sql: string) => message('Q', sql, '\0');

const parse = (name: string, sql: string) => message('P', name, '\0', sql, '\0', int(0, 2));
const bind = (portal: string, statement: string) =>
  message('B', portal, '\0', statement, '\0', int(0, 2), int(1, 2), int(6, 4), 'secret', int(0, 2));
const describe = (what: string, name = '') => message('D', what, name, '\0');
const execute = (portal = '', rows = 0) => message('E', portal, '\0', int(rows, 4));
const sync = message('S');
const flush = message('H');
const one = message('1');
const two = message('2');

const opening: Sample = [
  ['c', whole],
  [
    's',
    bytes(
      message('R', int(0, 4)),
      message('S', 'standard_conforming_strings\0on\0'),
      message('K', int(1, 4), int(2, 4)),
      ready,
    ),
  ],
];

export const samples: Record<string, Sample> = {
  'a simple query': [
    ...opening,
    ['c', query("SELECT a FROM t WHERE b = 'secret'")],
    ['s', bytes(columns, row, row, tag('SELECT 2'), ready)],
  ],
  'GSS, then TLS, then neither, then SCRAM': [
    ['c', bytes(int(8, 4), int(80877104, 4))],
    ['s', 'N'],
    ['c', bytes(int(8, 4), int(80877103, 4))],
    ['s', 'N'],
    ['c', whole],
    ['s', message('R', int(10, 4), 'SCRAM-SHA-256\0\0')],
    ['c', message('p', 'SCRAM-SHA-256\0', int(6, 4), 'secret')],
    ['s', message('R', int(11, 4), 'r=nonce')],
    ['c', message('p', 'c=biws,p=secret')],
    ['s', bytes(message('R', int(12, 4), 'v=x'), message('R', int(0, 4)), ready)],
    ['c', query('SELECT 1')],
    ['s', bytes(columns, row, tag('SELECT 1'), ready)],
    ['c', message('X')],
  ],
  'TLS, decrypted': [['c', bytes(int(8, 4), int(80877103, 4))], ['s', 'S'], ...opening],
  'TLS that nobody decrypts': [
    ['c', bytes(int(8, 4), int(80877103, 4))],
    ['s', 'S'],
    ['c', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['s', '\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03'],
  ],
  'a wrong password': [
    ['c', whole],
    ['s', message('R', int(5, 4), 'salt')],
    ['c', message('p', 'md5secret\0')],
    ['s', error('28P01')],
  ],
  'a request to cancel': [['c', bytes(int(16, 4), int(80877102, 4), int(1, 4), int(2, 4))]],
  'several statements in one query': [
    ...opening,
    ['c', query('SELECT 1; UPDATE t SET a = 1 WHERE b = 2; BEGIN')],
    ['s', bytes(columns, row, tag('SELECT 1'), tag('UPDATE 7'), tag('BEGIN'), ready)],
  ],
  'a prepared statement, then only bound': [
    ...opening,
    ['c', bytes(parse('s1', 'SELECT a FROM t WHERE id = $1'), describe('S', 's1'), sync)],
    ['s', bytes(one, message('t', int(1, 2), int(23, 4)), columns, ready)],
    ['c', bytes(bind('', 's1'), execute(), sync)],
    ['s', bytes(two, row, tag('SELECT 1'), ready)],
    ['c', bytes(message('C', 'Ss1\0'), sync)],
    ['s', bytes(message('3'), ready)],
    ['c', bytes(bind('', 's1'), execute(), sync)],
    ['s', bytes(error('26000'), ready)],
  ],
  'a pipeline with a Sync each': [
    ...opening,
    ['c', bytes(parse('', 'SELECT a FROM t'), bind('', ''), describe('P'), execute(), sync)],
    ['c', bytes(parse('', 'SELECT b FROM u'), bind('', ''), describe('P'), execute(), sync)],
    ['s', bytes(one, two, columns, row, tag('SELECT 1'), ready, one, two, columns, tag('SELECT 0'), ready)],
  ],
  'a pipeline with one Sync': [
    ...opening,
    [
      'c',
      bytes(
        parse('', 'BEGIN'),
        bind('', ''),
        execute(),
        parse('', 'INSERT INTO t VALUES ($1)'),
        bind('', ''),
        execute(),
      ),
    ],
    ['c', bytes(parse('', 'COMMIT'), bind('', ''), execute(), sync)],
    ['s', bytes(one, two, tag('BEGIN'), one, two, tag('INSERT 0 1'), one, two, tag('COMMIT'), ready)],
  ],
  'an error skips the rest of the pipeline': [
    ...opening,
    [
      'c',
      bytes(parse('', 'SELECT a FROM t'), bind('', ''), execute(), parse('', 'SELECT nope'), bind('', ''), execute()),
    ],
    ['c', bytes(parse('', 'SELECT b FROM u'), bind('', ''), execute(), sync, query('SELECT 1'))],
    ['s', bytes(one, two, row, tag('SELECT 1'), error('42703'), ready, columns, row, tag('SELECT 1'), ready)],
  ],
  'a portal in pieces': [
    ...opening,
    ['c', bytes(parse('', 'SELECT a FROM t'), bind('c1', ''), describe('P', 'c1'), flush)],
    ['s', bytes(one, two, columns)],
    ['c', bytes(execute('c1', 2), flush)],
    ['s', bytes(row, row, message('s'))],
    ['c', bytes(execute('c1', 2), flush)],
    ['s', bytes(row, tag('SELECT 1'))],
    ['c', bytes(message('C', 'Pc1\0'), sync)],
    ['s', bytes(message('3'), ready)],
  ],
  'COPY in, out and both ways': [
    ...opening,
    ['c', query('COPY t FROM STDIN')],
    ['s', message('G', '\0', int(1, 2), int(0, 2))],
    ['c', bytes(message('d', 'secret\n'), message('d', 'secret\n'), message('c'))],
    ['s', bytes(tag('COPY 2'), ready)],
    ['c', query('COPY t TO STDOUT')],
    [
      's',
      bytes(message('H', '\0', int(1, 2), int(0, 2)), message('d', 'secret\n'), message('c'), tag('COPY 1'), ready),
    ],
    ['c', bytes(parse('', 'COPY t FROM STDIN'), bind('', ''), execute(), sync)],
    ['s', bytes(one, two, message('G', '\0', int(1, 2), int(0, 2)))],
    ['c', bytes(message('d', 'secret\n'), message('f', 'stopped\0'), sync)],
    ['s', bytes(error('57014'), ready)],
    ['c', query('START_REPLICATION SLOT s LOGICAL 0/0')],
    ['s', bytes(message('W', '\0', int(0, 2)), message('d', 'w secret'))],
    ['c', message('d', 'r status')],
    ['s', message('d', 'k alive')],
  ],
  'notifications, notices and parameters come unasked': [
    ...opening,
    ['c', query('LISTEN user_42')],
    ['s', bytes(tag('LISTEN'), ready)],
    ['s', message('A', int(7, 4), 'user_42\0secret\0')],
    ['s', message('S', 'TimeZone\0UTC\0')],
    ['c', query('SELECT a FROM t')],
    [
      's',
      bytes(
        columns,
        row,
        message('A', int(7, 4), 'other\0\0'),
        message('N', 'SNOTICE\0C00000\0\0'),
        row,
        tag('SELECT 2'),
        ready,
      ),
    ],
    ['s', error('57P01')],
  ],
  'a function call, an empty query, backslashes': [
    ...opening,
    ['c', message('F', int(1, 4), int(0, 2), int(0, 2), int(0, 2))],
    ['s', bytes(message('V', int(0xffffffff, 4)), ready)],
    ['c', query('')],
    ['s', bytes(message('I'), ready)],
    ['c', query('SET standard_conforming_strings = off')],
    ['s', bytes(message('S', 'standard_conforming_strings\0off\0'), tag('SET'), ready)],
    ['c', query("SELECT a FROM t WHERE b = 'x\\' secret'")],
    ['s', bytes(columns, tag('SELECT 0'), ready)],
  ],
  'joined at a bound statement': [
    ['c', bytes(bind('', 'unseen'), execute(), sync)],
    ['s', bytes(two, row, tag('SELECT 1'), ready)],
    ['c', query('SELECT a FROM t')],
    ['s', bytes(columns, tag('SELECT 0'), ready)],
  ],
};

export const long: Record<string, LongSample> = {
  'rows without end': {
    before: [...opening, ['c', query('SELECT a FROM t')], ['s', columns]],
    from: 's',
    piece: bytes(...Array.from({ length: 64 }, () => message('D', int(1, 2), int(1000, 4), 'x'.repeat(1000)))),
    times: 16384,
    after: [['s', bytes(tag('SELECT 1048576'), ready)]],
    exchanges: 2,
  },
  'COPY of one long piece': {
    before: [
      ...opening,
      ['c', query('COPY t FROM STDIN')],
      ['s', message('G', '\0', int(0, 2))],
      ['c', bytes('d', int(4 + 65536 * 4096, 4))],
    ],
    from: 'c',
    piece: new Uint8Array(65536),
    times: 4096,
    after: [
      ['c', message('c')],
      ['s', bytes(tag('COPY 1'), ready)],
    ],
    exchanges: 2,
  },
};
