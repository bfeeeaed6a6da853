// Conversations for the contract that no recording holds, made by hand.

import type { LongSample, Sample } from '../contract.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

export const samples: Record<string, Sample> = {
  'pipelined, with ids in the path': [
    [
      'c',
      'GET /users/42?token=secret HTTP/1.1\r\nHost: a\r\n\r\nGET /users/9f3ac01b77/pins/12 HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
    ['c', 'HEAD /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['s', `${ok}HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nbad`],
    ['s', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'],
  ],
  'chunked both ways, with extensions and trailers': [
    [
      'c',
      'POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0a \r\n0123456789\r\n0\r\nChecksum: 1\r\n\r\n',
    ],
    ['s', 'HTTP/1.1 201 Created\r\ntransfer-encoding:\tgzip, Chunked \r\n\r\n1\r\nx\r\n'],
    ['s', 'FF\r\n'.padEnd(259, 'y')],
    ['s', '\r\n0\r\n\r\n'],
    ['c', 'GET /after HTTP/1.1\r\n\r\n'],
    ['s', ok],
  ],
  'a body that looks like requests and answers': [
    ['c', 'POST /log HTTP/1.1\r\nContent-Length: 41\r\n\r\n\r\n\r\nGET /never HTTP/1.1\r\nHost: evil.test\r\n\r'],
    ['s', 'HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'],
  ],
  'interim answers': [
    ['c', 'PUT /things/1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n'],
    ['s', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['c', 'body'],
    ['s', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
    ['s', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ],
  'refused before its body was sent': [
    ['c', 'PUT /things/1 HTTP/1.1\r\nContent-Length: 8\r\n\r\nbody'],
    ['s', 'HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n'],
    ['c', 'rest'],
    ['c', 'GET /things HTTP/1.1\r\n\r\n'],
    ['s', ok],
  ],
  'folded headers, lines that end in LF': [
    ['c', '\r\nPOST /fold HTTP/1.1\nX: a\n b\nContent-Length:\n 3\n\nabc'],
    ['s', 'HTTP/1.1 503\nTransfer-Encoding: gzip,\n\tchunked\n\n3\nabc\n0\n\n'],
    ['c', 'GET http://proxied.test/a/b2 HTTP/1.0\n\n'],
    ['s', 'HTTP/1.0 304 Not Modified\nContent-Length: 5\n\n'],
  ],
  'an answer that ends with the connection': [
    ['c', 'GET /old HTTP/1.0\r\n\r\n'],
    ['s', 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello'],
    ['s', ' world'],
  ],
  'an answer cut short by the end of the connection': [
    ['c', 'GET /cut HTTP/1.1\r\n\r\nGET /never-answered HTTP/1.1\r\n\r\n'],
    ['s', 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello'],
  ],
  'server-sent events': [
    ['c', 'GET /events HTTP/1.1\r\n\r\n'],
    ['s', 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\ndata: 1\n\n'],
    ['s', 'data: 2\n\n'],
  ],
  'upgraded to a WebSocket': [
    ['c', 'GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
    ['s', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi'],
    ['c', '\x81\x82\0\0\0\0hi'],
    ['s', '\x81\x02hi'],
  ],
  'upgraded to another protocol': [
    ['c', 'GET /chat HTTP/1.1\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n'],
    ['s', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n\x81\x02hi'],
    ['c', 'GET / HTTP/1.1\r\n\r\n'],
  ],
  'HTTP through a tunnel': [
    ['c', 'CONNECT secret.test:80 HTTP/1.1\r\n\r\n'],
    ['s', 'HTTP/1.1 200 Connection established\r\n\r\n'],
    ['c', 'GET /a HTTP/1.1\r\n\r\n'],
    ['s', ok],
  ],
  'a tunnel': [
    ['c', 'CONNECT secret.test:443 HTTP/1.1\r\nHost: secret.test:443\r\n\r\n'],
    ['s', 'HTTP/1.1 200 Connection established\r\n\r\n'],
    ['c', '\x16\x03\x01\0\x05GET /'],
    ['s', '\x16\x03\x03\0\x05HTTP/'],
  ],
  'a tunnel refused': [
    ['c', 'CONNECT secret.test:443 HTTP/1.1\r\n\r\n'],
    ['s', 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno'],
    ['c', 'GET /next HTTP/1.1\r\n\r\n'],
    ['s', ok],
  ],
  'no HTTP after an answer': [
    ['c', 'GET /a HTTP/1.1\r\n\r\n'],
    ['s', ok],
    ['c', 'GET /b HTTP/1.1\r\n\r\n'],
    ['s', '\0\0\0\0\0\n'],
    ['c', 'GET /c HTTP/1.1\r\n\r\n'],
  ],
  'very long lines': [
    ['c', `GET /${'long/'.repeat(700)} HTTP/1.1\r\nCookie: ${'c'.repeat(9000)}\r\nContent-Length: 3\r\n\r\nabc`],
    ['s', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(2045)}\r\nContent-Length: 2\r\n\r\nok`],
  ],
};

const piece = new Uint8Array(65536).fill(10);

export const long: Record<string, LongSample> = {
  'an answer of a known length': {
    before: [
      ['c', 'GET /big HTTP/1.1\r\n\r\n'],
      ['s', `HTTP/1.1 200 OK\r\nContent-Length: ${piece.length * 4096}\r\n\r\n`],
    ],
    from: 's',
    piece,
    times: 4096,
    after: [
      ['c', 'GET /next HTTP/1.1\r\n\r\n'],
      ['s', ok],
    ],
    exchanges: 2,
  },
  'a request in chunks': {
    before: [['c', 'PUT /big HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n']],
    from: 'c',
    piece: new Uint8Array(Buffer.from(`fff0\r\n${'b'.repeat(0xfff0)}\r\n`)),
    times: 4096,
    after: [
      ['c', '0\r\n\r\n'],
      ['s', ok],
    ],
    exchanges: 1,
  },
  'a head without end': {
    before: [['c', 'GET /big HTTP/1.1\r\n']],
    from: 'c',
    piece: new Uint8Array(Buffer.from('X-Header: value\r\n'.repeat(4000))),
    times: 1000,
    after: [
      ['c', '\r\n'],
      ['s', ok],
    ],
    exchanges: 1,
  },
};
