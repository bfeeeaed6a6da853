// The recorder in a real process: what it sees of connections and requests, and that the program does not notice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes, pair, run } from './recorder-kit.ts';

/** A line server that answers each line with its upper case, and a client function `ask`. */
const lines = `
const net = require('node:net');
const listen = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
const upper = net.createServer((socket) => socket.on('data', (bytes) => socket.write(String(bytes).toUpperCase())));
const once = (emitter, name) => new Promise((done) => emitter.once(name, done));
`;

for (const node of nodes) {
  const on = node === process.execPath ? '' : ` (${node})`;

  test(`a connection of an unknown protocol gives its turns${on}`, async () => {
    const { spans, stdout, stderr, code } = await run(
      `${lines}
      (async () => {
        const port = await listen(upper);
        const socket = net.connect(port, '127.0.0.1');
        for (const word of ['one', 'three']) {
          socket.write(word);
          console.log(String(await once(socket, 'data')));
        }
        socket.end();
        upper.close();
        console.log(port);
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const [one, three, port] = stdout.trim().split('\n');
    assert.deepEqual([one, three], ['ONE', 'THREE']);
    assert.deepEqual(
      spans.map(({ operation, service, protocol, bytesOut, bytesIn }) => [
        operation,
        service,
        protocol,
        bytesOut,
        bytesIn,
      ]),
      [
        ['turn', `tcp://127.0.0.1:${port}`, 'unknown', 3, 3],
        ['turn', `tcp://127.0.0.1:${port}`, 'unknown', 5, 5],
      ],
    );
  });

  test(`an inbound request is a SERVER span, and what it asks for lies under it${on}`, async () => {
    const { spans, stdout, stderr, code } = await run(
      `${lines}
      const http = require('node:http');
      const back = http.createServer((req, res) => {
        res.setHeader('x-got', String(req.headers.traceparent));
        res.statusCode = req.url === '/broken' ? 503 : 200;
        res.end('four');
      });
      const front = http.createServer(async (req, res) => {
        const answer = await fetch('http://127.0.0.1:' + back.address().port + '/users/12?secret=1');
        await answer.text();
        const broken = await new Promise((done) => http.get({ port: back.address().port, host: '127.0.0.1', path: '/broken' }, done));
        broken.resume();
        await once(broken, 'end');
        res.end(answer.headers.get('x-got') + ' ' + broken.headers['x-got']);
      });
      (async () => {
        await listen(back);
        await listen(front);
        const socket = net.connect(front.address().port, '127.0.0.1');
        socket.write('GET /home/7 HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n' +
          'traceparent: 00-11111111111111112222222222222222-3333333333333333-01\\r\\n\\r\\n');
        let text = '';
        for await (const chunk of socket) text += chunk;
        console.log(text.split('\\r\\n\\r\\n')[1]);
        back.closeAllConnections();
        back.close();
        front.close();
        const gone = net.createServer();
        const port = await listen(gone);
        gone.close();
        await once(gone, 'close');
        await fetch('http://127.0.0.1:' + port).catch(() => {});
        process.exit(3);
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(code, 3);
    // What we add to a request is taken out of it again.
    assert.equal(stdout, 'undefined undefined\n');
    const servers = spans.filter(({ kind }) => kind === 2 - 1);
    const home = servers.find(({ operation }) => operation === 'GET /home/:id');
    assert.equal(home?.trace, '11111111111111112222222222222222');
    assert.equal(home?.parent, '3333333333333333');
    assert.equal(home?.status, 200);
    const users = servers.find(({ operation }) => operation === 'GET /users/:id');
    const broken = servers.find(({ operation }) => operation === 'GET /broken');
    assert.equal(users?.trace, home?.trace);
    assert.equal(broken?.trace, home?.trace);
    assert.equal(broken?.error, '503');
    const asked = spans.filter(({ kind, trace }) => kind === 2 && trace === home?.trace);
    const [toUsers, toBroken] = ['GET /users/:id', 'GET /broken'].map((name) =>
      asked.filter((s) => s.operation === name),
    );
    assert.deepEqual([toUsers.length, toBroken.length], [1, 1]);
    assert.equal(users?.parent, toUsers[0].span);
    assert.equal(broken?.parent, toBroken[0].span);
    assert.equal(toUsers[0].parent, home?.span);
    assert.match(toUsers[0].service, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(spans.filter(({ error }) => error === 'ECONNREFUSED').length, 1);
  });

  test(`HTTP/2 and gRPC streams are operations and requests${on}`, async () => {
    const { spans, stdout, stderr, code } = await run(
      `${lines}
      const http2 = require('node:http2');
      const server = http2.createServer();
      server.on('stream', (stream, headers) => {
        if (headers['content-type'] === 'application/grpc') {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5' }));
          stream.resume();
          stream.end('reply');
        } else {
          stream.respond({ ':status': 404 });
          stream.end('none');
        }
      });
      (async () => {
        const port = await listen(server);
        const session = http2.connect('http://127.0.0.1:' + port);
        const plain = session.request({ ':path': '/pins/12' });
        await new Promise((done) => plain.on('response', (...all) => done(all)));
        console.log(JSON.stringify([plain.listenerCount('response'), plain.listenerCount('end'), plain.listenerCount('close')]));
        for await (const chunk of plain);
        const call = session.request({ ':method': 'POST', ':path': '/pins.Pins/Get', 'content-type': 'application/grpc' });
        call.resume();
        call.end('ask');
        await once(call, 'close');
        session.close();
        server.close();
        console.log(port);
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const [counts, port] = stdout.trim().split('\n');
    assert.equal(counts, '[1,0,0]');
    const brief = (kind: number) =>
      spans
        .filter((span) => span.kind === kind)
        .map(({ operation, service, protocol, status, error, bytesIn }) => [
          operation,
          service,
          protocol,
          status,
          error,
          bytesIn,
        ]);
    assert.deepEqual(brief(2), [
      ['GET /pins/:id', `http://127.0.0.1:${port}`, 'http', 404, '404', 4],
      ['pins.Pins/Get', `grpc://127.0.0.1:${port}`, 'grpc', 1005, 'NOT_FOUND', 5],
    ]);
    assert.deepEqual(brief(1), [
      ['GET /pins/:id', '', 'http', 404, '', 0],
      ['pins.Pins/Get', '', 'grpc', 1005, '', 3],
    ]);
  });

  test(`a traceparent in HTTP/2 is seen by neither program, and links their spans${on}`, async () => {
    const { spans, stdout, stderr } = await run(
      `${lines}
      const http = require('node:http');
      const http2 = require('node:http2');
      const say = (...all) => console.log(JSON.stringify(all));
      const server = http2.createServer();
      server.on('stream', (stream, headers, flags, raw) => {
        say(headers.traceparent, raw.includes('traceparent'), headers[http2.sensitiveHeaders]);
        stream.respond({ ':status': 200 });
        stream.end('pins');
      });
      const front = http.createServer(async (req, res) => {
        const session = http2.connect('http://127.0.0.1:' + server.address().port);
        for (const given of [{ ':path': '/1' }, { ':path': '/2', secret: 'x', [http2.sensitiveHeaders]: ['secret'] }]) {
          const stream = session.request(given);
          const { sentHeaders } = stream;
          say(sentHeaders.traceparent, sentHeaders[http2.sensitiveHeaders]);
          for await (const chunk of stream);
        }
        session.close();
        res.end();
      });
      (async () => {
        await listen(server);
        const socket = net.connect(await listen(front), '127.0.0.1');
        socket.write('GET /home HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n');
        for await (const chunk of socket);
        server.close();
        front.close();
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trim().split('\n'), [
      '[null,null]',
      '[null,false,[]]',
      '[null,["secret"]]',
      '[null,false,["secret"]]',
    ]);
    const inner = spans.filter(({ operation }) => operation === 'GET /:id');
    const servers = inner.filter(({ kind }) => kind === 1);
    const asked = inner.filter(({ kind }) => kind === 2);
    assert.equal(servers.length, 2);
    assert.deepEqual(servers.map(({ parent }) => parent).sort(), asked.map(({ span }) => span).sort());
  });

  test(`a closed socket is kept by nobody, the first one included${on}`, async () => {
    const { stdout, stderr } = await run(
      `${lines}
      require('node:v8').setFlagsFromString('--expose-gc');
      const gc = require('node:vm').runInNewContext('gc');
      const server = net.createServer((socket) => socket.end('bye'));
      let gone = 0;
      const registry = new FinalizationRegistry(() => gone++);
      async function call(port) {
        // By a name: what Node makes for the first of them, it keeps, with its context.
        const socket = net.connect({ port, host: 'localhost', family: 4 });
        registry.register(socket);
        socket.end('hello');
        for await (const chunk of socket);
      }
      (async () => {
        const port = await listen(server);
        for (let i = 0; i < 3; i++) await call(port);
        server.close();
        for (let i = 0; i < 200 && gone < 3; i++) {
          await new Promise(setImmediate);
          gc();
        }
        console.log(gone);
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(stdout, '3\n');
  });

  test(`inside TLS the plain bytes are seen, also when it begins later on the connection${on}`, async () => {
    const { spans, stdout, stderr, code } = await run(
      `${lines}
      const https = require('node:https');
      const tls = require('node:tls');
      const pair = { key: ${JSON.stringify(pair.key)}, cert: ${JSON.stringify(pair.cert)} };
      const secure = https.createServer(pair, (req, res) => res.end('hello'));
      // Speaks plainly until it is asked to start TLS.
      const later = net.createServer((socket) => {
        socket.once('data', () => {
          socket.write('go ahead');
          const inner = new tls.TLSSocket(socket, { isServer: true, ...pair });
          inner.on('data', (bytes) => inner.write(String(bytes).toUpperCase()));
        });
      });
      (async () => {
        const port = await listen(secure);
        const answer = await new Promise((done) => https.get({ port, host: '127.0.0.1', rejectUnauthorized: false, path: '/a/7' }, done));
        answer.resume();
        await once(answer, 'end');
        secure.close();
        const laterPort = await listen(later);
        const socket = net.connect(laterPort, '127.0.0.1');
        socket.write('start tls');
        await once(socket, 'data');
        const inner = tls.connect({ socket, rejectUnauthorized: false });
        await once(inner, 'secureConnect');
        inner.write('secret');
        console.log(String(await once(inner, 'data')));
        // A TLSSocket around a socket that is still connecting.
        const early = tls.connect({ socket: net.connect(laterPort, '127.0.0.1').on('connect', function () {}), rejectUnauthorized: false });
        early.on('error', () => {});
        early.destroy();
        inner.destroy();
        later.close();
        console.log(port, laterPort);
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const [answer, ports] = stdout.trim().split('\n');
    const [port, laterPort] = ports.split(' ');
    assert.equal(answer, 'SECRET');
    assert.deepEqual(
      spans
        .filter(({ kind, error }) => kind === 2 && error === '')
        .map(({ operation, service, bytesOut, bytesIn, tls }) => [
          operation,
          service,
          bytesOut > 5,
          bytesIn > 5,
          // Who opened it and asks at once may have waited for the handshake, too: the turns' is not looked at.
          operation === 'turn' || tls > 0,
        ]),
      [
        ['GET /a/:id', `https://127.0.0.1:${port}`, true, true, true],
        ['turn', `tls://127.0.0.1:${laterPort}`, true, true, true],
        ['turn', `tls://127.0.0.1:${laterPort}`, true, true, true],
      ],
    );
  });

  test(`a datagram is answered by the next one from there, or one way${on}`, async () => {
    const { spans, stdout, stderr, code } = await run(
      `${lines}
      const dgram = require('node:dgram');
      const echo = dgram.createSocket('udp4', (bytes, from) => {
        if (String(bytes).endsWith('?')) echo.send('answer', from.port, from.address);
      });
      (async () => {
        await new Promise((done) => echo.bind(0, '127.0.0.1', done));
        const { port } = echo.address();
        const socket = dgram.createSocket('udp4');
        socket.send('first?', port, '127.0.0.1');
        await once(socket, 'message');
        socket.send(Buffer.from('xxsecond?'), 2, 7, port, 'localhost', () => {});
        await once(socket, 'message');
        const metrics = dgram.createSocket('udp4');
        await new Promise((done) => metrics.connect(port, '127.0.0.1', done));
        metrics.send('a:1|c');
        await new Promise((done) => metrics.send(['bb:1', '|c'], done));
        try { socket.send(12, port); } catch (error) { console.log(error.code); }
        socket.close();
        metrics.close();
        echo.close();
        console.log(port);
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const [thrown, port] = stdout.trim().split('\n');
    assert.equal(thrown, 'ERR_INVALID_ARG_TYPE');
    assert.deepEqual(spans.map(({ service, bytesOut, bytesIn }) => `${bytesOut} → ${bytesIn} ${service}`).sort(), [
      `5 → 0 udp://127.0.0.1:${port}`,
      `6 → 0 udp://127.0.0.1:${port}`,
      `6 → 6 udp://127.0.0.1:${port}`,
      `7 → 6 udp://localhost:${port}`,
    ]);
  });

  test(`the program's listeners, properties and exit are as without us${on}`, async () => {
    const script = `${lines}
      const http = require('node:http');
      const describe = (object, name) => {
        const property = Object.getOwnPropertyDescriptor(object, name);
        return property && [name, property.enumerable, property.writable, property.configurable, property.value.length, property.value.name];
      };
      const seen = [];
      (async () => {
        const server = http.createServer((req, res) => {
          seen.push(res.eventNames(), req.eventNames(), req.socket.eventNames(), Object.keys(req.headers));
          res.end('x');
        });
        const port = await listen(server);
        const request = http.get({ port, host: '127.0.0.1' });
        const response = await once(request, 'response');
        seen.push(request.eventNames(), request.socket.eventNames(), Object.keys(request.getHeaders()));
        seen.push(Object.getOwnPropertySymbols(request.socket).map(String), Object.keys(request.socket));
        response.resume();
        await once(response, 'end');
        server.close();
        seen.push(process.eventNames(), process.listenerCount('exit'), Object.keys(process), Object.keys(globalThis));
        seen.push(describe(http, 'request'), describe(http, 'get'), describe(net.Socket.prototype, 'connect'));
        seen.push(describe(net.Socket.prototype, '_writeGeneric'), describe(net.Socket.prototype, '_destroy'));
        // What is patched where it was inherited is the class's own: for … in must find it.
        const keys = (one) => Object.keys(one).filter((key) => !['emit', 'push', 'cork', '_writeGeneric'].includes(key));
        seen.push(keys(net.Socket.prototype), keys(http.ServerResponse.prototype), server.eventNames());
        process.on('exit', (code) => { console.log('exit', code, process.exitCode); process.exitCode = 7; });
        console.log(require('node:util').inspect(seen, { depth: 5, maxArrayLength: null, showHidden: false }));
      })();`;
    const recorded = await run(script, { node });
    const bare = await run(script, { node, env: { NODE_OPTIONS: '' } });
    assert.equal(bare.spans.length, 0);
    assert.equal(recorded.stderr, bare.stderr);
    assert.equal(recorded.stdout, bare.stdout);
    assert.deepEqual([recorded.code, bare.code], [7, 7]);
    assert.deepEqual(recorded.spans.map(({ kind }) => kind).sort(), [1, 2]);
  });

  for (const [how, script, code] of [
    ['process.exit() in the middle', 'process.exit(5)', 5],
    ['process.exit() in an exit listener', "process.on('exit', () => process.exit(6))", 6],
    ['an uncaught exception', "throw new TypeError('no')", 1],
    ['an unhandled rejection', "Promise.reject(new TypeError('no'))", 1],
    ['the end of its work', '', 0],
  ] as const) {
    test(`what was seen before ${how} is kept${on}`, async () => {
      const outcome = await run(
        `${lines}
        (async () => {
          const port = await listen(upper);
          const socket = net.connect(port, '127.0.0.1');
          socket.write('word');
          await once(socket, 'data');
          socket.destroy();
          upper.close();
          process.on('exit', (code) => console.log('exit', code));
          setImmediate(() => { ${script} });
        })();`,
        { node, acknowledge: false },
      );
      assert.equal(outcome.code, code);
      assert.match(outcome.stdout, /^exit \d\n$/);
      assert.deepEqual(
        outcome.spans.map(({ operation }) => operation),
        ['turn'],
      );
      assert.equal(outcome.rest.length, 1);
    });
  }

  test(`worker threads, cluster workers and child processes are recorded by themselves${on}`, async () => {
    const { spans, hellos, stdout, stderr, code } = await run(
      `${lines}
      const { Worker, isMainThread, workerData, SHARE_ENV } = require('node:worker_threads');
      const cluster = require('node:cluster');
      const { spawn } = require('node:child_process');
      const ask = async (port, word) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.write(word);
        await once(socket, 'data');
        socket.destroy();
      };
      if (!isMainThread) ask(workerData.port, workerData.word);
      else if (process.argv[2]) ask(Number(process.argv[2]), process.argv[3]).then(() => cluster.isWorker && process.disconnect());
      else (async () => {
        const port = await listen(upper);
        for (const [word, env] of [['thread', undefined], ['sharing', SHARE_ENV], ['replaced', { A: '1' }]]) {
          await once(new Worker(__filename, { workerData: { port, word }, env }), 'exit');
        }
        await once(spawn(process.execPath, [__filename, port, 'child'], { stdio: 'inherit' }), 'close');
        cluster.setupPrimary({ args: [port, 'clustered'] });
        await once(cluster.fork(), 'exit');
        await ask(port, 'main');
        upper.close();
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(stdout, '');
    assert.equal(code, 0);
    const sizes = spans.filter(({ kind }) => kind === 2).map(({ bytesOut }) => bytesOut);
    assert.deepEqual(
      sizes.sort((a, b) => a - b),
      ['main', 'child', 'thread', 'sharing', 'replaced', 'clustered'].map((w) => w.length).sort((a, b) => a - b),
    );
    assert.equal(new Set(hellos.map(({ pid, thread }) => `${pid} ${thread}`)).size, 6);
  });

  test(`nothing is recorded in a package manager's own process, nor without a collector${on}`, async () => {
    const script = `${lines}
      (async () => {
        const port = await listen(upper);
        const socket = net.connect(port, '127.0.0.1');
        socket.write('word');
        await once(socket, 'data');
        socket.destroy();
        upper.close();
        console.log(Object.hasOwn(net.Socket.prototype, 'push'));
      })();`;
    const manager = await run(script, { node, file: 'npm-cli.js' });
    assert.equal(manager.stdout, 'false\n');
    assert.equal(manager.spans.length, 0);
    const alone = await run(script, { node, env: { WHYWAIT_DIR: '/nowhere/at/all' } });
    assert.equal(alone.stdout, 'false\n');
    assert.equal(alone.stderr, '');
  });

  test(`a header is added where a request head begins and nowhere else, and bytes stay as written${on}`, async () => {
    const { spans, stdout, stderr, code } = await run(
      `${lines}
      const http = require('node:http');
      const ok = 'HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n';
      let got = '';
      // Answers once it has seen the word 'over'.
      const raw = net.createServer((socket) => {
        let text = '';
        socket.on('data', (bytes) => {
          got += bytes.toString('latin1');
          text += bytes.toString('latin1');
          if (text.includes('over')) { text = ''; socket.write(ok); }
        });
        socket.on('error', () => {});
      });
      const head = (line, ...headers) => [line, 'host: x', ...headers, '', ''].join('\\r\\n');
      const post = head('POST /over HTTP/1.1', 'content-length: 60');
      const body = head('GET /inner HTTP/1.1').padEnd(60, '.');
      const cases = {
        plain: [(s) => s.write(head('GET /over HTTP/1.1'))],
        bytes: [(s) => s.write(Buffer.from(head('GET /over HTTP/1.1')))],
        latin: [(s) => s.write(head('GET /over HTTP/1.1', 'x: \\u00e9'), 'latin1')],
        hex: [(s) => s.write(Buffer.from(head('GET /over HTTP/1.1')).toString('hex'), 'hex')],
        corked: [(s) => { s.cork(); s.write(post); s.write(Buffer.from(body)); s.uncork(); }],
        parts: [(s) => { s.write(post.slice(0, 20)); s.write(post.slice(20)); s.write(body); }],
        together: [(s) => s.write(post + body)],
        two: [(s) => s.write(head('GET /a HTTP/1.1')), (s) => s.write(head('GET /over HTTP/1.1'))],
        has: [(s) => s.write(head('GET /over HTTP/1.1', 'TraceParent: mine'))],
        signed: [(s) => s.write(head('GET /over HTTP/1.1', 'Authorization: AWS4-HMAC-SHA256 Credential=x'))],
        old: [(s) => s.write(head('GET /over HTTP/1.0'))],
        tunnel: [(s) => s.write(head('CONNECT over:443 HTTP/1.1'))],
      };
      const front = http.createServer(async (req, res) => {
        const results = {};
        for (const [name, steps] of Object.entries(cases)) {
          got = '';
          const socket = net.connect(raw.address().port, '127.0.0.1');
          let count = 0;
          for (const step of steps) { step(socket); if (steps.length > 1) await new Promise(setImmediate); }
          await once(socket, 'data');
          results[name] = [got, socket.bytesWritten];
          socket.destroy();
        }
        // The program's own buffer is not touched, and a ClientRequest's headers say what it set.
        const chunk = Buffer.from(head('GET /over HTTP/1.1'));
        const before = String(chunk);
        const socket = net.connect(raw.address().port, '127.0.0.1');
        socket.write(chunk);
        await once(socket, 'data');
        socket.destroy();
        results.untouched = [String(chunk === null ? '' : chunk) === before];
        res.end(JSON.stringify(results));
      });
      (async () => {
        await listen(raw);
        const port = await listen(front);
        const response = await fetch('http://127.0.0.1:' + port);
        console.log(await response.text());
        front.close();
        front.closeAllConnections();
        raw.close();
      })();`,
      { node },
    );
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const results = JSON.parse(stdout) as Record<string, [string, number]>;
    const without = (text: string) => text.replace(/traceParent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n/g, '');
    const added = (text: string) => text.length - without(text).length;
    const line = 'traceParent: 00-'.length + 32 + 1 + 16 + '-01\r\n'.length;
    const counts = Object.fromEntries(
      Object.entries(results)
        .filter(([name]) => name !== 'untouched')
        .map(([name, [text]]) => [name, added(text) / line]),
    );
    assert.deepEqual(counts, {
      plain: 1,
      bytes: 1,
      latin: 1,
      hex: 0,
      corked: 1,
      parts: 0,
      together: 1,
      two: 1,
      has: 0,
      signed: 0,
      old: 0,
      tunnel: 0,
    });
    const get = 'GET /over HTTP/1.1\r\nhost: x\r\n\r\n';
    const inner = 'GET /inner HTTP/1.1\r\nhost: x\r\n\r\n'.padEnd(60, '.');
    const post = 'POST /over HTTP/1.1\r\nhost: x\r\ncontent-length: 60\r\n\r\n';
    assert.equal(without(results['plain'][0]), get);
    assert.equal(without(results['bytes'][0]), get);
    assert.equal(without(results['latin'][0]), 'GET /over HTTP/1.1\r\nhost: x\r\nx: \u00e9\r\n\r\n');
    assert.equal(results['hex'][0], get);
    for (const name of ['corked', 'parts', 'together']) assert.equal(without(results[name][0]), post + inner);
    assert.match(results['corked'][0], /^POST \/over HTTP\/1\.1\r\n.*\r\ntraceParent: [^\r]*\r\n\r\n/s);
    assert.deepEqual(results['untouched'], [true]);
    const posts = spans.filter(({ operation }) => operation === 'POST /over');
    assert.deepEqual(
      posts.map(({ bytesOut }) => bytesOut),
      [post.length + 60, post.length + 60, post.length + 60],
    );
  });
}

test('what a silent collector does not take is dropped in bounded memory, and counted', async () => {
  const sends = 260_000;
  const { spans, stdout, stderr, counters, code } = await run(
    `const socket = require('node:dgram').createSocket('udp4');
    let sent = 0;
    const send = () => {
      for (let i = 0; i < 500; i++, sent++) socket.send('x', 9, '127.0.0.1');
      if (sent < ${sends}) setImmediate(send);
      else { console.log(process.memoryUsage().rss / 1e6); socket.close(); }
    };
    socket.bind(0, send);`,
    { acknowledge: false },
  );
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.ok(counters['dropped.spans'] > 0);
  assert.equal(spans.length + counters['dropped.spans'], sends);
  assert.ok(Number(stdout) < 250, `${stdout} MB resident`);
});

test('a worker thread that is terminated is counted, one that ends by itself is not', async () => {
  const { code, stderr, counters } = await run(
    `const { Worker } = require('node:worker_threads');
    const ended = new Worker('', { eval: true });
    ended.on('exit', () => ended.terminate());
    const busy = new Worker('setInterval(() => {}, 1000)', { eval: true });
    busy.on('online', () => busy.terminate());`,
  );
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.equal(counters['lost.threads terminated'], 1, JSON.stringify(counters));
});

test('a native addon that was loaded is named: what it sends passes no socket of ours', async () => {
  const { code, counters } = await run("require('@duckdb/node-bindings');");
  assert.equal(code, 0);
  assert.equal(counters['blind.native-addon duckdb.node'], 1, JSON.stringify(counters));
});
