// Conversations for the contract that no recording holds, made by hand.

import type { LongSample, Sample } from '../contract.ts';

/** A packet of the binary protocol; `field` is a request's vbucket or an answer's status. */
export function packet(
  magic: 0x80 | 0x81,
  opcode: number,
  opaque: number,
  field = 0,
  extras = '',
  key = '',
  value = '',
): Uint8Array {
  const head = Buffer.alloc(24);
  head[0] = magic;
  head[1] = opcode;
  head.writeUInt16BE(key.length, 2);
  head[4] = extras.length;
  head.writeUInt16BE(field, 6);
  head.writeUInt32BE(extras.length + key.length + value.length, 8);
  head.writeUInt32BE(opaque, 12);
  return new Uint8Array(Buffer.concat([head, Buffer.from(extras + key + value, 'latin1')]));
}

const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const flags = '\0\0\0\0';

export const samples: Record<string, Sample> = {
  'text: storage and retrieval': [
    ['c', 'set user:17:name 0 60 5\r\nalice\r\n'],
    ['s', 'STORED\r\n'],
    ['c', 'get user:17:name user:18:name user:19:name\r\n'],
    ['s', 'VALUE user:17:name 0 5\r\nalice\r\nVALUE user:19:name 0 7\r\nEND\r\n\r\n\r\n'],
    ['s', 'END\r\n'],
    ['c', 'gets user:20\r\ncas user:20 0 0 2 77\r\nhi\r\nadd user:20 0 0 2\r\nhi\r\n'],
    ['s', 'VALUE user:20 0 2 77\r\nno\r\nEND\r\nEXISTS\r\nNOT_STORED\r\n'],
    ['c', 'gat 60 session:9f3ac01b\r\ntouch session:9f3ac01b 60\r\n'],
    ['s', 'END\r\nNOT_FOUND\r\n'],
    ['c', 'incr hits:42 1\r\ndecr hits:42 2\r\ndelete hits:42\r\n'],
    ['s', '43\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\nDELETED\r\n'],
    ['c', 'set big:1 0 0 4\r\nabcd\r\nget bob@example.com\r\n'],
    ['s', 'SERVER_ERROR object too large for cache\r\nEND\r\n'],
    ['c', 'quit\r\n'],
  ],
  'text: without answers, and of the server itself': [
    ['c', 'set a:1 0 0 7 noreply\r\nget a\r\n\r\ndelete a:1 noreply\r\ndelete noreply\r\n'],
    ['s', 'NOT_FOUND\r\n'],
    ['c', 'version\r\nstats\r\nflush_all 10\r\nverbosity 1 noreply\r\n'],
    ['s', 'VERSION 1.6.18\r\nSTAT pid 1\r\nSTAT uptime 2\r\nEND\r\nOK\r\n'],
    ['c', 'stats items\r\nget a:2\n'],
    ['s', 'END\r\nEND\r\n'],
  ],
  'meta: quiet ones, with and without opaque': [
    ['c', 'mg user:1 v Oa q\r\nmg user:2 v Ob q\r\nmg user:3 v Oc q\r\nmn\r\n'],
    ['s', 'VA 5 Ob\r\nhello\r\nMN\r\n'],
    ['c', 'mg user:1 v q\r\nmg user:2 v\r\nms user:4 2 T60 q\r\nhi\r\nmd user:5 q\r\nmn\r\n'],
    ['s', 'EN\r\nMN\r\n'],
    ['c', 'ms user:6 5 T60\r\nhello\r\nma hits:1\r\nmg c2VjcmV0OmtleQ== b s\r\nme user:6\r\n'],
    ['s', 'HD\r\nNF\r\nHD s5\r\nME user:6 exp=-1 la=1\r\n'],
  ],
  'binary: quiet ones end with a NoOp': [
    [
      'c',
      joined(
        packet(0x80, 0x0d, 1, 0, '', 'user:1'),
        packet(0x80, 0x0d, 2, 0, '', 'user:2'),
        packet(0x80, 0x09, 3, 0, '', 'user:3'),
        packet(0x80, 0x0a, 4),
      ),
    ],
    ['s', joined(packet(0x81, 0x0d, 2, 0, flags, 'user:2', 'hello'), packet(0x81, 0x0a, 4))],
    [
      'c',
      joined(
        packet(0x80, 0x11, 5, 0, flags + flags, 'user:4', 'hello'),
        packet(0x80, 0x01, 6, 0, flags + flags, 'a:1', 'x'),
      ),
    ],
    ['s', joined(packet(0x81, 0x11, 5, 3, '', '', 'Too large.'), packet(0x81, 0x01, 6))],
    ['c', joined(packet(0x80, 0x10, 7), packet(0x80, 0x00, 8, 0, '', 'user:5'))],
    [
      's',
      joined(
        packet(0x81, 0x10, 7, 0, '', 'pid', '1'),
        packet(0x81, 0x10, 7, 0, '', 'uptime', '2'),
        packet(0x81, 0x10, 7),
        packet(0x81, 0x00, 8, 1, '', '', 'Not found'),
      ),
    ],
    ['c', packet(0x80, 0x17, 9)],
  ],
  'binary: authentication': [
    ['c', packet(0x80, 0x20, 0)],
    ['s', packet(0x81, 0x20, 0, 0, '', '', 'PLAIN')],
    ['c', packet(0x80, 0x21, 0, 0, '', 'PLAIN', '\0bob\0hunter2')],
    ['s', packet(0x81, 0x21, 0, 0x20, '', '', 'Auth failure')],
    ['c', packet(0x80, 0x05, 0, 0, '\0'.repeat(20), 'hits:42')],
    ['s', packet(0x81, 0x05, 0, 6, '', '', 'Non-numeric')],
  ],
};

const piece = (text: string, times: number): Uint8Array => new Uint8Array(Buffer.from(text.repeat(times)));

export const long: Record<string, LongSample> = {
  'text: a long value': {
    before: [
      ['c', 'get big:1\r\n'],
      ['s', `VALUE big:1 0 ${65536 * 4096}\r\n`],
    ],
    from: 's',
    piece: piece('\n', 65536),
    times: 4096,
    after: [['s', '\r\nEND\r\n']],
    exchanges: 1,
  },
  'text: many values': {
    before: [['c', `get${' user:12'.repeat(5000)}\r\n`]],
    from: 's',
    piece: piece('VALUE user:12 0 30\r\n012345678901234567890123456789\r\n', 1000),
    times: 1000,
    after: [['s', 'END\r\n']],
    exchanges: 1,
  },
  'binary: a long value': {
    before: [
      ['c', packet(0x80, 0x00, 1, 0, '', 'big:1')],
      ['s', Uint8Array.of(0x81, 0, 0, 0, 4, 0, 0, 0, 16, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ],
    from: 's',
    piece: new Uint8Array(65536).fill(0x80),
    times: 4096,
    after: [],
    exchanges: 1,
  },
};
