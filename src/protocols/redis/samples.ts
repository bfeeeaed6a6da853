// Conversations for the contract that no recording holds, made by hand.

import type { LongSample, Sample } from '../contract.ts';

/** A command as clients send it. */
export const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

export const samples: Record<string, Sample> = {
  'a client opens a connection, then works': [
    ['c', command('HELLO', '3', 'AUTH', 'default', 'hunter2', 'SETNAME', 'app')],
    ['s', '%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n'],
    ['c', command('CLIENT', 'SETINFO', 'LIB-NAME', 'ioredis') + command('SELECT', '2') + command('INFO')],
    ['s', '+OK\r\n+OK\r\n=12\r\ntxt:# Server\r\n'],
    ['c', command('GET', 'user:123:feed') + command('SET', 'user:123', 'secret value', 'EX', '60')],
    ['s', '$5\r\nhello\r\n+OK\r\n'],
    ['c', command('SELECT', '3')],
    ['s', '-ERR DB index is out of range\r\n'],
    ['c', command('AUTH', 'hunter2')],
    ['s', '-WRONGPASS invalid username-password pair\r\n'],
    ['c', command('get', 'session:9f3ac01b')],
    ['s', '_\r\n'],
  ],
  'a pipeline answered in pieces': [
    ['c', command('MGET', 'a:1', 'a:2', 'a:3') + command('HGETALL', 'user:1') + command('INCR', 'hits')],
    ['s', '*3\r\n$1\r\nx\r\n$-1\r\n$1\r\ny\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n'],
    ['s', '$1\r\nb\r\n$1\r\n2\r\n:42\r\n'],
    ['c', command('LPUSH', 'user:1', 'x') + command('DEL', 'a:1')],
    ['s', '-WRONGTYPE Operation against a key\r\n:1\r\n'],
  ],
  'a transaction': [
    ['c', command('MULTI') + command('INCR', 'n:1') + command('LPUSH', 'n:1', 'x') + command('EXEC')],
    ['s', '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n-WRONGTYPE no\r\n'],
    ['c', command('WATCH', 'n:1') + command('MULTI') + command('GET', 'n:1') + command('EXEC')],
    ['s', '+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n'],
  ],
  'pub/sub with RESP2': [
    ['c', command('SUBSCRIBE', 'news:1', 'news:2')],
    ['s', '*3\r\n$9\r\nsubscribe\r\n$6\r\nnews:1\r\n:1\r\n'],
    ['s', '*3\r\n$9\r\nsubscribe\r\n$6\r\nnews:2\r\n:2\r\n*3\r\n$7\r\nmessage\r\n$6\r\nnews:1\r\n$5\r\nhello\r\n'],
    ['c', command('PSUBSCRIBE', 'mail.*') + command('PING')],
    ['s', '*3\r\n$10\r\npsubscribe\r\n$6\r\nmail.*\r\n:3\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n'],
    ['s', '*4\r\n$8\r\npmessage\r\n$6\r\nmail.*\r\n$7\r\nmail.42\r\n$5\r\nhello\r\n'],
    ['c', command('UNSUBSCRIBE')],
    ['s', '*3\r\n$7\r\nmessage\r\n$6\r\nnews:2\r\n$2\r\nhi\r\n'],
    ['s', '*3\r\n$11\r\nunsubscribe\r\n$6\r\nnews:1\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$6\r\nnews:2\r\n:1\r\n'],
    ['c', command('PUNSUBSCRIBE', 'mail.*') + command('LRANGE', 'list:1', '0', '-1')],
    ['s', '*3\r\n$12\r\npunsubscribe\r\n$6\r\nmail.*\r\n:0\r\n*2\r\n$7\r\nmessage\r\n$1\r\nx\r\n'],
  ],
  'pub/sub and client-side caching with RESP3': [
    ['c', command('HELLO', '3')],
    ['s', '%1\r\n$5\r\nproto\r\n:3\r\n'],
    ['c', command('SUBSCRIBE', 'news:1') + command('GET', 'a:1')],
    [
      's',
      '>3\r\n$9\r\nsubscribe\r\n$6\r\nnews:1\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$6\r\nnews:1\r\n$1\r\nx\r\n$1\r\ny\r\n',
    ],
    ['s', '>2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\na:1\r\n'],
    ['c', command('LRANGE', 'list:1', '0', '-1')],
    ['s', '>2\r\n$10\r\ninvalidate\r\n_\r\n*2\r\n$7\r\nmessage\r\n$6\r\nsecret\r\n'],
  ],
  'every type of RESP3': [
    ['c', command('COMMAND', 'DOCS') + command('ZSCORE', 'z:1', 'm') + command('SISMEMBER', 's:1', 'm')],
    [
      's',
      '|1\r\n+ttl\r\n*2\r\n:1\r\n:2\r\n%2\r\n+a\r\n*2\r\n|1\r\n+x\r\n:1\r\n#t\r\n,1.5\r\n+b\r\n~1\r\n(12345678901234567890\r\n',
    ],
    ['s', ',1.5\r\n#f\r\n'],
    ['c', command('SMEMBERS', 's:1') + command('GET', 'a:1') + command('EVAL', 'return 1', '1', 'k:1', 'arg')],
    [
      's',
      '*?\r\n:1\r\n*?\r\n:2\r\n.\r\n%?\r\n+k\r\n+v\r\n.\r\n.\r\n$?\r\n;4\r\nhell\r\n;1\r\no\r\n;0\r\n!9\r\nBUSY wait\r\n',
    ],
    ['c', command('HSCAN', 'h:1', '0')],
    ['s', '*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n'],
  ],
  'waiting commands': [
    ['c', command('BLPOP', 'jobs:mail', '0')],
    ['s', '*2\r\n$9\r\njobs:mail\r\n$1\r\nx\r\n'],
    ['c', command('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '1', 'BLOCK', '5000', 'STREAMS', 'events:42', '>')],
    ['s', '*-1\r\n'],
    ['c', command('XREAD', 'STREAMS', 'events:42', '0')],
    ['s', '*1\r\n*2\r\n$9\r\nevents:42\r\n*0\r\n'],
    ['c', command('WAIT', '1', '0')],
  ],
  'answers switched off': [
    ['c', command('CLIENT', 'REPLY', 'SKIP') + command('SET', 'a:1', 'x') + command('GET', 'a:1')],
    ['s', '$1\r\nx\r\n'],
    ['c', command('CLIENT', 'REPLY', 'OFF') + command('SET', 'a:1', 'y') + command('CLIENT', 'REPLY', 'ON')],
    ['s', '+OK\r\n'],
    ['c', command('GET', 'a:1')],
    ['s', '$1\r\ny\r\n'],
  ],
  'secrets, odd names and inline commands': [
    ['c', `${command('CONFIG', 'SET', 'requirepass', 'hunter2')}${command('ACL', 'SETUSER', 'bob', '>hunter2')}`],
    ['s', '+OK\r\n+OK\r\n'],
    ['c', command('MY.COMMAND', 'secret') + command('GET', 'bob@example.com') + command('OBJECT', 'ENCODING', 'k:1')],
    ['s', "-ERR unknown command 'MY.COMMAND'\r\n$-1\r\n$3\r\nraw\r\n"],
    ['c', command('CLIENT', 'secret')],
    ['s', "-ERR unknown subcommand 'secret'\r\n"],
    ['c', 'PING\r\nGET user:17\r\n'],
    ['s', '+PONG\r\n$-1\r\n'],
  ],
  'inline from the start': [
    ['c', 'PING\r\n'],
    ['s', '+PONG\r\n'],
  ],
  'watched by MONITOR': [
    ['c', command('MONITOR')],
    ['s', '+OK\r\n+1339518083.107412 [0 127.0.0.1:60866] "get" "secret"\r\n'],
    ['s', '+1339518087.877697 [0 127.0.0.1:60866] "dbsize"\r\n'],
  ],
  'no Redis after an answer': [
    ['c', command('GET', 'a:1')],
    ['s', '$1\r\nx\r\n'],
    ['c', command('GET', 'a:2')],
    ['s', 'HTTP/1.1 400 Bad Request\r\n'],
  ],
};

const piece = (text: string, times: number): Uint8Array => new Uint8Array(Buffer.from(text.repeat(times)));

export const long: Record<string, LongSample> = {
  'a long string': {
    before: [
      ['c', command('GET', 'big:1')],
      ['s', `$${65536 * 4096}\r\n`],
    ],
    from: 's',
    piece: piece('x', 65536),
    times: 4096,
    after: [['s', '\r\n']],
    exchanges: 1,
  },
  'many elements': {
    before: [
      ['c', command('LRANGE', 'big:1', '0', '-1')],
      ['s', `*${4000 * 1000}\r\n`],
    ],
    from: 's',
    piece: piece('$10\r\n0123456789\r\n', 4000),
    times: 1000,
    after: [],
    exchanges: 1,
  },
  'deep nesting': {
    before: [['c', command('EVALSHA', 'abc', '0')]],
    from: 's',
    piece: piece('*1\r\n', 4000),
    times: 1000,
    after: [['s', ':1\r\n']],
    exchanges: 1,
  },
  'a long request': {
    before: [['c', `*3\r\n$3\r\nSET\r\n$5\r\nbig:1\r\n$${65536 * 4096}\r\n`]],
    from: 'c',
    piece: piece('x', 65536),
    times: 4096,
    after: [
      ['c', '\r\n'],
      ['s', '+OK\r\n'],
    ],
    exchanges: 1,
  },
};
