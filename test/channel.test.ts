// whywait that somebody starts with a channel (fork(), a process manager): the program speaks on it as it does alone.

import assert from 'node:assert/strict';
import { fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { clean, Place, whywait } from './command-kit.ts';

const place = new Place();
after(() => place.remove());
place.put({
  // Its words, in the order in which it has them.
  'speaks.cjs': `
    const say = (...words) => process.send(words);
    say('here', process.connected, typeof process.channel, Object.keys(process.env).filter((name) => name.startsWith('NODE_CHANNEL')).length);
    process.on('message', (message, handle) => {
      if (message === 'server') handle.on('connection', (socket) => socket.end('from the program'));
      if (message === 'server') return say('listens', handle.address().port);
      if (message === 'leave') return process.disconnect();
      if (message === 'exit') return process.send('last', () => process.exit(5));
      if (message === 'many') { for (let i = 0; i < 500; i++) process.send({ i, text: 'x'.repeat(1000) }); return; }
      say('heard', message, message && message.constructor && message.constructor.name);
    });
    process.on('disconnect', () => { console.log('disconnected', process.connected); });`,
  'listens.cjs': `process.on('message', () => {});`,
  'listens-not.cjs': `process.send('ends by itself');`,
});

/** Starts a file alone, or under whywait. */
function start(file: string, recorded: boolean, serialization: 'json' | 'advanced' = 'json') {
  const args = ['run', '--no-ui', '--no-report', '--dir', place.newRoot(), '--', process.execPath, file];
  const child = fork(recorded ? whywait : join(place.dir, file), recorded ? args : [], {
    cwd: place.dir,
    env: clean,
    execArgv: [],
    serialization,
    silent: true,
    timeout: 60_000,
  });
  const heard: Serializable[] = [];
  const waiting: { count: number; done: () => void }[] = [];
  child.on('message', (message) => {
    heard.push(message);
    for (const one of waiting) if (heard.length >= one.count) one.done();
  });
  let stdout = '';
  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  child.stderr?.resume();
  // Not 'close', which Node forgets where it was this side that disconnected.
  const ended = Promise.all([once(child, 'exit'), once(child.stdout!, 'close')]);
  return {
    child,
    heard,
    said: () => stdout,
    /** Ends when so many messages have come. */
    until: (count: number) =>
      heard.length >= count ? Promise.resolve() : new Promise<void>((done) => waiting.push({ count, done })),
    end: async () => (await ended)[0][0] as number | null,
  };
}

for (const serialization of ['json', 'advanced'] as const) {
  test(`messages go both ways, written as ${serialization}, as they do alone`, async () => {
    const talks = [];
    for (const recorded of [false, true]) {
      const { child, heard, until, end } = start('speaks.cjs', recorded, serialization);
      // The first ones before the program is there.
      const sent: Serializable[] = ['a text', { a: [1, null, { b: 'ä' }] }, new Date(0), 'x'.repeat(300_000)];
      if (serialization === 'advanced')
        sent.push(new Map([[1, new Set(['two'])]]), { big: 10n }, new Uint8Array([1, 2]));
      for (const message of sent) child.send(message);
      await until(1 + sent.length);
      child.send('many');
      await until(501 + sent.length);
      child.send('exit');
      const code = await end();
      talks.push({ heard, code });
    }
    assert.equal(talks[1].code, 5);
    assert.deepEqual(talks[1], talks[0]);
  });
}

test('a server that is handed over takes its connections in the program', async () => {
  const { child, heard, until, end } = start('speaks.cjs', true);
  await until(1);
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  child.send('server', server);
  await until(2);
  assert.deepEqual(heard[1], ['listens', port]);
  server.close();
  for (let i = 0; i < 3; i++) {
    const socket = net.connect(port, '127.0.0.1').setEncoding('utf8');
    assert.deepEqual(await once(socket, 'data'), ['from the program']);
    socket.destroy();
  }
  child.send('exit');
  assert.equal(await end(), 5);
});

test('either side may leave: the other hears of it, and the program goes on', async () => {
  for (const who of ['program', 'we']) {
    const { child, until, said, end } = start('speaks.cjs', true);
    await until(1);
    const left = once(child, 'disconnect');
    if (who === 'program') child.send('leave');
    else child.disconnect();
    await left;
    assert.equal(await end(), 0, who);
    assert.equal(said(), 'disconnected false\n', who);
  }
});

test('who has left before the program is there has left it too', async () => {
  const { child, end } = start('listens.cjs', true);
  child.disconnect();
  assert.equal(await end(), 0, 'nothing keeps it alive');
});

test('a channel that nobody listens on keeps no program alive', async () => {
  const { heard, end } = start('listens-not.cjs', true);
  assert.equal(await end(), 0);
  assert.deepEqual(heard, ['ends by itself']);
});

test('without a channel the program has none', () => {
  place.put({ 'none.cjs': `console.log(process.send, process.connected, process.channel);` });
  const args = ['run', '--no-ui', '--no-report', '--dir', place.newRoot(), '--', process.execPath, 'none.cjs'];
  assert.equal(place.cli(args).stdout, 'undefined undefined undefined\n');
});
