// A collector that does not do its part: it reads slowly, goes and comes back, answers nonsense. The program does not
// notice, and each operation of its is with the collector once, or is counted as dropped. One that stands still, is
// killed, or has a full disk: bad-input.test.ts; one that never acknowledges: recorder-shell.test.ts.

import assert from 'node:assert/strict';
import type net from 'node:net';
import { test } from 'node:test';
import { run } from './recorder-kit.ts';

/**
 * Asks a server of its own, which answers as Redis does, again and again, and says a word now and then; begins after
 * the first second, when a recorder speaks at all. Ends once it has asked `count` times.
 */
const program = (count: number) => `
const net = require('node:net');
const server = net.createServer((socket) => socket.on('data', (bytes) => {
  let asked = 0; for (const byte of bytes) if (byte === 42) asked++; socket.write('+PONG\\r\\n'.repeat(asked));
}));
server.listen(0, '127.0.0.1', () => {
  const socket = net.connect(server.address().port, '127.0.0.1').setNoDelay(); let asked = 0, open = 0;
  const some = () => { for (; open < 200; open++, asked++) socket.write('*1\\r\\n$4\\r\\nPING\\r\\n'); };
  socket.on('data', (bytes) => {
    for (const byte of bytes) if (byte === 43) open--;
    if (open > 0) return;
    if (asked % 2000 === 0) process.stdout.write('.');
    if (asked >= ${count}) { socket.destroy(); server.close(); }
    else if (asked % 1000 === 0) setTimeout(some, 10); else setImmediate(some);
  });
  setTimeout(some, 1100);
});
process.on('exit', (code) => console.log(' asked', ${count}, code));
`;

interface Fault {
  readonly asked: number;
  readonly onRecorder: (socket: net.Socket, server: net.Server, path: string) => void;
  /** The program has said a word. */
  readonly onWord: (text: string) => void;
}

function slowly(): Fault {
  const sockets: net.Socket[] = [];
  let isOver = false;
  return {
    asked: 40_000,
    onRecorder: (socket) => {
      sockets.push(socket);
      socket.on('data', () => {
        if (!isOver) socket.pause();
      });
    },
    onWord: (text) => {
      isOver ||= text.includes('asked');
      for (const socket of sockets) socket.resume();
    },
  };
}

function goesAndComesBack(): Fault {
  let words = 0;
  let gone: { server: net.Server; path: string } | undefined;
  return {
    asked: 30_000,
    onRecorder: (socket, server, path) => {
      if (gone !== undefined) return;
      // In the middle of what it is sent, before it has acknowledged.
      socket.once('data', () => {
        socket.destroy();
        server.close();
        gone = { server, path };
        words = 0;
      });
    },
    onWord: () => {
      if (++words === 3) gone?.server.listen(gone.path);
    },
  };
}

const answersNonsense = (): Fault => ({
  asked: 20_000,
  onRecorder: (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  onWord: () => {},
});

const hangsUp = (): Fault => ({
  asked: 20_000,
  onRecorder: (socket) => socket.destroy(),
  onWord: () => {},
});

const faults: Record<string, () => Fault> = {
  'that reads slowly': slowly,
  'that goes and comes back': goesAndComesBack,
  'that answers nonsense': answersNonsense,
  'that hangs up at once': hangsUp,
};
for (const [what, make] of Object.entries(faults)) {
  test(`a collector ${what}: the program does not notice, and what is lost is counted`, async () => {
    const { asked, onRecorder, onWord } = make();
    const { code, signal, stdout, stderr, spans, counters } = await run(program(asked), {
      onRecorder,
      onStdout: onWord,
    });
    assert.equal(stderr, '');
    assert.equal(stdout, `${'.'.repeat(asked / 2000)} asked ${asked} 0\n`);
    assert.deepEqual([code, signal], [0, null]);
    const dropped = counters['dropped.spans'] ?? 0;
    assert.equal(spans.length + dropped, asked, JSON.stringify(counters));
    assert.equal(new Set(spans.map(({ span }) => span)).size, spans.length, 'none counts twice');
    assert.ok(spans.length > 8_000, `${spans.length} of them`);
  });
}
