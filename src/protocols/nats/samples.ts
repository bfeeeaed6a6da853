// Conversations for the contract that no recording holds, made by hand.

import type { LongSample, Sample } from '../contract.ts';

const info = 'INFO {"server_id":"NDTR3","version":"2.9.10","headers":true,"max_payload":1048576} \r\n';
const connect = (verbose = false): string =>
  `CONNECT {"lang":"nats.js","verbose":${verbose},"user":"jane","pass":"hunter2","headers":true}\r\n`;
const opening: Sample = [
  ['s', info],
  ['c', `${connect()}PING\r\n`],
  ['s', 'PONG\r\n'],
];
const pub = (subject: string, message: string, reply = ''): string =>
  `PUB ${subject}${reply && ` ${reply}`} ${message.length}\r\n${message}\r\n`;
const msg = (subject: string, sid: number, message: string, reply = ''): string =>
  `MSG ${subject} ${sid}${reply && ` ${reply}`} ${message.length}\r\n${message}\r\n`;
const hmsg = (subject: string, sid: number, headers: string, message = '', reply = ''): string =>
  `HMSG ${subject} ${sid}${reply && ` ${reply}`} ${headers.length} ${headers.length + message.length}\r\n${headers}${message}\r\n`;
const mux = 'SUB _INBOX.dR7nhYWqTTzqicG1BcZrM6.* 1\r\n';
const reply = (n: string): string => `_INBOX.dR7nhYWqTTzqicG1BcZrM6.${n}`;

export const samples: Record<string, Sample> = {
  'publish, subscribe, flush': [
    ...opening,
    ['c', `SUB orders.* 1\r\nSUB jobs.mail workers 2\r\n${pub('orders.created', 'secret value')}`],
    ['s', msg('orders.created', 1, 'secret value')],
    ['c', `HPUB users.9f3ac01b77aa.mail 23 28\r\nNATS/1.0\r\nA: secret\r\n\r\nhello\r\n${pub('empty', '')}PING\r\n`],
    ['s', `PONG\r\nPING\r\n${hmsg('jobs.mail', 2, 'NATS/1.0\r\nA: b\r\n\r\n', 'hello')}`],
    ['c', 'PONG\r\nUNSUB 2 1\r\nUNSUB 1\r\n'],
    ['s', msg('jobs.mail', 2, 'x')],
  ],
  'requests: answered, out of order, by nobody, never': [
    ...opening,
    ['c', mux + pub('users.42.get', 'secret value', reply('a1')) + pub('pins.list', '', reply('a2'))],
    ['s', msg(reply('a2'), 1, 'two') + hmsg(reply('a1'), 1, 'NATS/1.0\r\nX: y\r\n\r\n', 'one')],
    ['c', pub('nobody.there', 'x', reply('a3')) + pub('slow', 'x', reply('a4'))],
    ['s', hmsg(reply('a3'), 1, 'NATS/1.0 503\r\n\r\n')],
    [
      'c',
      `SUB _INBOX.zz1 7\r\nUNSUB 7 1\r\n${pub('once', 'x', '_INBOX.zz1')}${pub('to.others', 'x', 'their.subject')}`,
    ],
    ['s', msg('_INBOX.zz1', 7, 'one')],
    ['c', `SUB _INBOX.zz2 8\r\n${pub('once', 'x', '_INBOX.zz2')}UNSUB 8\r\n`],
    ['s', '-ERR \'Permissions Violation for Publish to "slow"\'\r\n'],
    ['c', pub('last', 'x', reply('a5'))],
  ],
  'a service answers': [
    ...opening,
    ['c', 'SUB Greeter.> 1\r\n'],
    ['s', msg('Greeter.SayHello', 1, 'world', '_INBOX.0XEGzLYG5gnvtA4SYvY6MU.e4lZhf8l')],
    ['c', pub('_INBOX.0XEGzLYG5gnvtA4SYvY6MU.e4lZhf8l', 'Hello world') + pub('_INBOX.unknown.x', '')],
  ],
  JetStream: [
    ...opening,
    [
      'c',
      mux + pub('$JS.API.STREAM.INFO.orders', '', reply('b1')) + pub('orders.created', 'secret value', reply('b2')),
    ],
    [
      's',
      msg(
        reply('b1'),
        1,
        '{"type":"io.nats.jetstream.api.v1.stream_info_response","error":{"code":404,"err_code":10059,"description":"stream not found"}}',
      ),
    ],
    ['s', msg(reply('b2'), 1, '{"stream":"orders","seq":17}')],
    ['c', `SUB _INBOX.pull1 2\r\n${pub('$JS.API.CONSUMER.MSG.NEXT.orders.worker', '{"batch":2}', '_INBOX.pull1')}`],
    ['s', hmsg('_INBOX.pull1', 2, 'NATS/1.0 100 Idle Heartbeat\r\n\r\n')],
    ['s', msg('orders.created', 2, 'secret value', '$JS.ACK.orders.worker.1.5.7.1700000000000000000.0')],
    ['s', msg('orders.created', 2, 'secret value', '$JS.ACK.orders.worker.1.6.8.1700000000000000001.0')],
    ['c', pub('$JS.ACK.orders.worker.1.5.7.1700000000000000000.0', '+ACK')],
    ['c', pub('$JS.ACK.orders.worker.1.6.8.1700000000000000001.0', '+ACK', reply('b3'))],
    ['s', msg(reply('b3'), 1, '')],
    ['c', pub('$JS.API.CONSUMER.MSG.NEXT.orders.worker', '{"batch":2}', '_INBOX.pull1')],
    ['s', hmsg('_INBOX.pull1', 2, 'NATS/1.0 408 Request Timeout\r\n\r\n')],
    ['c', pub('$JS.API.CONSUMER.MSG.NEXT.orders.worker', '{"batch":2}', '_INBOX.pull1')],
  ],
  'verbose: each answered': [
    ['s', info],
    ['c', connect(true)],
    ['s', '+OK\r\n'],
    ['c', `SUB a.b 2\r\n${pub('a.b', 'x')}PING\r\n${mux}${pub('c', 'x', reply('c1'))}`],
    ['s', `+OK\r\n+OK\r\n${msg('a.b', 2, 'x')}PONG\r\n`],
    ['s', `+OK\r\n+OK\r\n${msg(reply('c1'), 1, 'x')}`],
    ['c', pub('not.mine', 'x')],
    ['s', '-ERR \'Permissions Violation for Publish to "not.mine"\'\r\n'],
  ],
  'refused: a wrong password': [
    ['s', info],
    ['c', `${connect()}PING\r\n`],
    ['s', "-ERR 'Authorization Violation'\r\n"],
  ],
  'no PING behind CONNECT, then an error': [
    ['s', info],
    ['c', connect() + pub('a', 'x')],
    ['c', 'what is this\r\n'],
    ['s', "-ERR 'Unknown Protocol Operation'\r\n"],
  ],
  'no NATS after a while': [...opening, ['c', mux + pub('a', 'x', reply('d1'))], ['s', 'HTTP/1.1 400 Bad Request\r\n']],
};

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

export const long: Record<string, LongSample> = {
  'a long answer': {
    before: [...opening, ['c', mux + pub('big', '', reply('e1'))], ['s', `MSG ${reply('e1')} 1 ${65536 * 4096}\r\n`]],
    from: 's',
    piece: text('x'.repeat(65536)),
    times: 4096,
    after: [['s', '\r\n']],
    exchanges: 3,
  },
  'many messages published': {
    before: opening,
    from: 'c',
    piece: text(pub('orders.created', 'some message that is not kept').repeat(400)),
    times: 500,
    after: [],
    exchanges: 1 + 400 * 500,
  },
};
