// What is kept of connections and requests that are over: nothing, however they ended. Counted in heap snapshots, so that
// no other memory of the process, and no load on the machine, can hide or feign a leak.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './recorder-kit.ts';

const rounds = 3;
const each = 40;

test('connections that are dropped, half-open, refused or never answered leave no object of ours behind', async () => {
  const { stdout, stderr, code } = await run(
    `
    const http = require('node:http'), net = require('node:net'), v8 = require('node:v8');
    const names = ['Connection', 'Conversation', 'Operation', 'Root', 'Frame', 'Exchange', 'Socket', 'ClientRequest', 'IncomingMessage', 'ServerResponse'];
    async function count() {
      for (let i = 0; i < 5; i++) { global.gc(); await new Promise((done) => setTimeout(done, 20)); }
      const chunks = []; for await (const chunk of v8.getHeapSnapshot()) chunks.push(chunk);
      const { snapshot: { meta }, nodes, strings } = JSON.parse(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))).toString());
      const counts = Object.fromEntries(names.map((name) => [name, 0]));
      const width = meta.node_fields.length, type = meta.node_fields.indexOf('type'), name = meta.node_fields.indexOf('name');
      for (let i = 0; i < nodes.length; i += width) {
        const word = strings[nodes[i + name]].replace(/^_/, '');
        if (meta.node_types[type][nodes[i + type]] === 'object' && word in counts) counts[word]++;
      }
      return counts;
    }
    const served = new Set();
    const silent = net.createServer({ allowHalfOpen: true }, (socket) => { served.add(socket); socket.on('close', () => served.delete(socket)).on('error', () => {}).resume(); });
    const web = http.createServer((request, response) => { if (request.url !== '/silent') response.end('yes'); });
    const heard = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
    const closed = (socket) => new Promise((done) => socket.on('error', () => {}).on('close', done).resume());
    const redis = '*1\\r\\n$4\\r\\nPING\\r\\n';
    async function waitsForever(port) { const socket = net.connect(port, '127.0.0.1'); socket.write(redis); const over = closed(socket); await new Promise((done) => socket.once('connect', done)); await null; setTimeout(() => socket.destroy(), 1); await over; }
    async function round(quiet, port) {
      for (let i = 0; i < ${each}; i += 10) await Promise.all(Array.from({ length: 10 }, async () => {
        await waitsForever(quiet);
        const half = net.connect({ port: quiet, host: '127.0.0.1', allowHalfOpen: true }); half.end(redis); const halfOver = closed(half);
        await new Promise((done) => half.once('finish', done)); half.destroy(); await halfOver;
        await closed(net.connect(1, '127.0.0.1'));
        const unused = net.connect(quiet, '127.0.0.1'); await new Promise((done) => unused.once('connect', done)); unused.destroy(); await closed(unused);
        await new Promise((done) => { const request = http.get({ port, host: '127.0.0.1', path: '/silent', agent: false }).on('error', done); setTimeout(() => request.destroy(), 2); });
        await new Promise((done) => http.get({ port, host: '127.0.0.1', agent: false }, (answer) => answer.resume().on('close', done)));
      }));
      for (const socket of served) socket.destroy();
    }
    (async () => {
      const [quiet, port] = await Promise.all([silent, web].map(heard));
      const counts = [];
      for (let i = 0; i < ${rounds}; i++) { await round(quiet, port); counts.push(await count()); }
      console.log(JSON.stringify(counts)); process.exit();
    })();`,
    { args: ['--expose-gc'], options: { functions: 'on' }, env: { WHYWAIT_CACHE: '' } },
  );
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const counts = JSON.parse(stdout) as Record<string, number>[];
  const [first, last] = [counts[0], counts[rounds - 1]];
  // Six connections a turn: a leak of one kind of them shows as a hundred and more.
  for (const [name, number] of Object.entries(last)) {
    assert.ok(number - first[name] < each / 2, `${name}: ${counts.map((one) => one[name]).join(', ')}`);
  }
});
