// The recorder in a real process: what it sees of connections and requests, and that the program does not notice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes, run } from './recorder-kit.ts';

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
}
