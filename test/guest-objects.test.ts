// What a program can read off its own objects, functions and errors is what it reads alone.

import { after } from 'node:test';
import { Place } from './command-kit.ts';
import { type Program, sameAsAlone, service } from './guest-kit.ts';

const place = new Place();
after(() => place.remove());

/** An object in every way that the language and Node have to look at it; ports, ids and addresses are other ones. */
const look = `
const util = require('node:util');
// Numbers of asynchronous resources, times, and where Node 20 keeps an AsyncLocalStorage's value.
const plain = (text) => text.replace(/_timerArgs: \\[Told\\]/g, '_timerArgs: undefined').replace(/\\b\\d{2,}\\b/g, 'N').replace(/^.*(?:kResourceStore|kAsyncContextFrame|async_?[iI]d|trigger_?(?:[aA]sync|[iI]d)|_idleStart|idleStart).*\\n/gm, '').replace(/,\\n/g, '\\n').replace(/(async_id_symbol\\)\\]|Symbol\\((?:asyncId|triggerId)\\)\\]): -?[\\dN]+/g, '$1');
// What we patch where it is inherited is the class's own then.
const patched = new Set(['cork', 'emit', 'push', '_writeGeneric']);
const look = (name, one) => {
  const forIn = []; for (const key in one) forIn.push(key);
  const tried = (what) => { try { return what(); } catch (error) { return error.name; } };
  console.log(name, forIn.sort().join());
  console.log(Object.keys(one).join(), '|', Object.getOwnPropertyNames(one).join(), '|', Object.getOwnPropertySymbols(one).map(String).join());
  for (const [key, { enumerable, configurable, writable, get, set }] of Object.entries(Object.getOwnPropertyDescriptors(one))) console.log(key, enumerable, configurable, writable, !!get, !!set);
  for (let at = Object.getPrototypeOf(one); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) console.log(at.constructor?.name, Object.keys(at).filter((key) => !patched.has(key)).join());
  console.log(plain(util.inspect(one, { depth: 1, showHidden: true })));
  console.log(tried(() => typeof structuredClone(one)), tried(() => typeof JSON.stringify(one)));
  console.log(Object.isExtensible(one), Object.isFrozen(one), one.constructor.name, Object.prototype.toString.call(one));
};`;

const oneLiners = `
class Ours extends Error { constructor(text) { super(text); this.code = 'E_OURS'; } }
const ours = (text) => { throw new Ours(text); };
async function first(x) { await null; \tawait 1; return await second(x, () => 1, await third()); }
const second = async (x, f) => { try { await f(); return await (x > 1 ? x.y.z() : ours('second')); } finally { await null; } };
async function third() { for await (const one of [1, 2]) { await one; } return [await 1, await 2]; }
const called = (f) => f(); const later = (f) => new Promise((done, fail) => setTimeout(() => { try { done(f()); } catch (error) { fail(error); } }, 1));`;
const places = `
const places = (error) => error.stack.split('\\n').filter((line) => !/node:internal/.test(line)).join('\\n');`;

const stacks = `${oneLiners}${places}
(async () => {
  for (const f of [() => first(1), () => first(2), () => called(() => ours('called')), () => later(() => ours('later')), () => later(() => null.x), () => [3, 1].map((n) => [n].map((m) => called(() => ours('deep'))))]) {
    try { await f(); } catch (error) { console.log(places(error)); }
  }
  const { prepareStackTrace } = Error; console.log(typeof prepareStackTrace, Error.stackTraceLimit);
  Error.prepareStackTrace = (error, sites) => sites[0].getFunctionName() + ' ' + sites[0].getLineNumber();
  try { ours('prepared'); } catch (error) { console.log(error.stack); }
  Error.prepareStackTrace = undefined; const held = {}; Error.captureStackTrace(held); console.log(places(held)); console.trace('traced');
  process.emitWarning('a warning', { code: 'W1', detail: 'in detail' });
})();`;

const programs: Record<string, Program> = {
  'sockets, requests, responses and servers, in every way to look at them': {
    file: 'look.cjs',
    flags: ['--no-warnings'],
    source: `${service}${look}
      const net = require('node:net'); const tls = require('node:tls'); const dgram = require('node:dgram'); const http2 = require('node:http2');
      server.on('request', (request, response) => { if (request.url === '/look') { look('request', request); look('response', response); look('accepted', request.socket); } });
      serve().then(async () => {
        await new Promise((done) => { const request = http.get({ port: server.address().port, host: '127.0.0.1', path: '/look', agent: false }, (answer) => {
          look('answer', answer); look('its socket', answer.socket); answer.resume(); answer.on('end', done); }); look('client request', request); });
        look('server', server); look('agent', new http.Agent());
        const socket = net.connect(server.address().port, '127.0.0.1'); look('connecting', socket);
        await new Promise((done) => socket.on('connect', done)); look('connected', socket); socket.write('GET / HTTP/1.0\\r\\n\\r\\n');
        await new Promise((done) => socket.on('close', done).resume()); look('closed', socket);
        const udp = dgram.createSocket('udp4'); look('udp', udp); udp.close();
        look('fresh', new net.Socket()); for (const one of [net.Socket, net.Server, tls.TLSSocket, http.Server, http.ClientRequest, http.ServerResponse, dgram.Socket]) console.log(one.name, Object.getOwnPropertyNames(one.prototype).filter((key) => !patched.has(key)).join(), Object.keys(one).join());
        console.log(Object.keys(await fetch('http://127.0.0.1:' + server.address().port)).join());
        server.close(); server.closeAllConnections();
      });`,
  },
  'modules: require.cache, module.paths, children, what is loaded': {
    file: 'modules.cjs',
    source: `console.log(Object.keys(require.cache).map((name) => name.replace(/.*\\//, '')).join(), module.paths.length, module.children.length, module.parent, require.main.filename === __filename);
      console.log(Object.keys(require('node:module')).join(), Object.keys(require.extensions).join(), require('node:module').globalPaths?.length);
      console.log(Object.getOwnPropertyNames(Error).join(), Object.getOwnPropertyNames(Function.prototype).join(), Error.stackTraceLimit);
      console.log(process.env.NODE_OPTIONS?.replace(/^--require \\S+recorder\\.cjs ?/, '') || undefined, process.execArgv.length, process.eventNames().map(String).join());`,
  },
  'functions as text: their own, which another context can run': {
    file: 'text.cjs',
    source: `async function named(a, b = 2) { /* a comment */ return await a(b); } function plain(f) { return f(() => 1); }
      const arrow = async x => await x(), short = async (x) => ({ y: await x }), generator = async function* (n) { for (let i = 0; i < n; i++) yield await i; };
      class Feed { static async load(x) { return await x(); } get one() { return 1; } async *all() { yield* [await 1]; } ['a' + 1](f) { return f(() => 2); } #hidden = async () => await 1; constructor(f) { this.f = () => f(1); } }
      const object = { async method() { await 1; }, get value() { return 1; }, field: async () => await 1 };
      for (const one of [named, plain, arrow, short, generator, Feed, Feed.load, Feed.prototype.all, Feed.prototype.a1, object.method, object.field, function () { return named(() => 1); }]) {
        console.log(String(one), one.name, one.length, Function.prototype.toString.call(one) === one.toString(), Object.getOwnPropertyNames(one).join(), one.hasOwnProperty('prototype'), \`\${one}\`.length);
      }
      console.log(String(Function.prototype.toString), Function.prototype.toString.name, Function.prototype.toString.length, String(Math.max), String(class {}), String(process.cwd));
      try { Function.prototype.toString.call({}); } catch (error) { console.log(error.name, error.message); }
      try { new Function.prototype.toString(); } catch (error) { console.log(error.name); }
      Promise.all([require('node:vm').runInNewContext('(' + named + ')(async (x) => x + 40)'), require('node:vm').runInNewContext('(' + short + ')(3).then(({ y }) => y)')]).then((values) => console.log(values.join()));`,
  },
  'stacks, to the column, CommonJS': { file: 'stacks.cjs', source: stacks },
  'stacks, to the column, ES module': { file: 'stacks.mjs', source: stacks },
  'stacks, to the last of Node\u2019s own frames': {
    file: 'whole.cjs',
    flags: ['--stack-trace-limit=60'],
    source: `${service}
      const net = require('node:net'), dgram = require('node:dgram'), http2 = require('node:http2'), { Readable } = require('node:stream');
      // Where Node calls a timer differs by its arguments, and Node before 24 calls handles' callbacks through another function when async_hooks are in use.
      // Two sockets come in either order.
      const all = []; const whole = (name) => all.push(name + ' ' + new Error('here').stack.replace(/(node:[\\w/]+):\\d+:\\d+/g, '$1').replace(/\\n.*callbackTrampoline.*/g, ''));
      const once = (one, name, f = () => {}) => new Promise((done) => one.once(name, (...all) => { whole(name); f(...all); done(...all); }));
      server.prependListener('request', (request, response) => { whole('request'); response.on('finish', () => whole('finish')); request.on('close', () => whole('close')); });
      server.on('upgrade', (request, socket) => { whole('upgrade'); socket.end('HTTP/1.1 101 x\\r\\nConnection: Upgrade\\r\\nUpgrade: x\\r\\n\\r\\n'); });
      async function main() {
        await serve(); await ask(); const { port } = server.address();
        const socket = net.connect(port, 'localhost'); await Promise.all([once(socket, 'lookup'), once(socket, 'connect')]);
        socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n', () => whole('written')); await once(socket, 'data'); socket.resume(); await once(socket, 'close');
        await new Promise((done) => http.get({ port, host: '127.0.0.1', headers: { Connection: 'Upgrade', Upgrade: 'x' } }).on('upgrade', (answer, raw) => { whole('upgraded'); raw.resume().on('close', done); }));
        const h2 = http2.createServer((request, response) => { whole('stream'); response.end('x'); }).listen(0, '127.0.0.1'); await once(h2, 'listening');
        const session = http2.connect('http://127.0.0.1:' + h2.address().port); const stream = session.request(); await once(stream, 'response'); await once(stream, 'data'); session.close(); h2.close();
        const udp = dgram.createSocket('udp4'); await new Promise((done) => udp.bind(0, '127.0.0.1', done)); udp.send('x', udp.address().port, '127.0.0.1'); await once(udp, 'message'); udp.close();
        await fetch('http://127.0.0.1:' + port).then((answer) => { whole('fetched'); return answer.text(); });
        setTimeout((word) => whole(word), 1, 'timeout'); setImmediate(whole, 'immediate'); await new Promise((done) => setTimeout(done, 20));
        [1].map(() => [2].forEach(() => whole('called back'))); await Promise.all([1].map(async () => { await null; whole('awaited'); }));
        for await (const part of Readable.from(['a'])) whole('read ' + part);
        const { Worker } = require('node:worker_threads');
        try { new Worker(7); } catch (error) { console.log(error.stack.split('\\n').length); }
        const first = new Worker('const e = new Error("in a thread"); require("node:worker_threads").parentPort.postMessage(e.stack);', { eval: true }); await new Promise((done) => first.on('message', (text) => { console.log(text); done(); }));
        require('node:fs').writeFileSync(__filename + '-thrower.cjs', 'exports.stack = new Error("loaded").stack;'); console.log(require(__filename + '-thrower.cjs').stack);
        try { JSON.parse('{', () => 1); } catch (error) { whole(error.name); }
        for (const limit of [1, 2]) { Error.stackTraceLimit = limit; whole('limited'); await ask(); whole('limited'); }
        console.log(all.sort().join('\\n')); server.close(); server.closeAllConnections();
      }
      main();`,
  },
  'a rejection that nobody takes, from a line that is rewritten, CommonJS': {
    file: 'fatal.cjs',
    source: `${oneLiners}\nfirst(1);`,
  },
  'a rejection that nobody takes, from a line that is rewritten, ES module': {
    file: 'fatal.mjs',
    source: `${oneLiners}\nawait first(2);`,
  },
  'a rejection with a cause and fields of its own': {
    file: 'cause.cjs',
    source: `async function fails() { await 1; throw Object.assign(new TypeError('two\\nlines', { cause: new Error('why') }), { path: '/x', errno: -2 }); }
      async function calls() { return [await fails()]; } calls();`,
  },
  'a rejection that is no error': { file: 'no-error.cjs', source: 'Promise.reject({ a: 1 });' },
  'a rejection of a frozen error': {
    file: 'frozen.cjs',
    source: `async function fails() { await 1;\n throw Object.freeze(new Error('cold'));\n} fails();`,
  },
  'an exception that nobody takes': {
    file: 'uncaught.cjs',
    source: `${service}\nserve().then(ask).then(() => setTimeout(() => {\n  throw new Error('in a timer');\n}, 1));`,
  },
  'an exception thrown again': {
    file: 'again.cjs',
    source: `const risky = () => {\n  throw new Error('once');\n};\ntry {\n  risky();\n} catch (error) {\n  throw error;\n}`,
  },
  'an exit code of its own, and an exit handler, at a rejection that nobody takes': {
    file: 'fatal-code.cjs',
    source: `process.on('exit', (code) => { console.log('exit', code, process.exitCode); }); process.on('uncaughtExceptionMonitor', (error, origin) => console.log(origin, error.stack));
      async function fails() { await 1; throw new Error('with a code'); } process.exitCode = 9; fails();`,
  },
  'warnings: deprecated, too many listeners, unhandled': {
    file: 'warnings.cjs',
    flags: ['--unhandled-rejections=warn'],
    source: `async function fails() { await 1;\n throw new Error('only warned of'); } fails();
      const emitter = new (require('node:events'))(); for (let i = 0; i < 12; i++) emitter.on('many', () => {});
      process.emitWarning('old', 'DeprecationWarning', 'D1'); require('node:util').deprecate(() => {}, 'older', 'D2')();`,
  },
};
for (const mode of ['strict', 'none', 'warn-with-error-code', 'throw']) {
  programs[`a rejection that nobody takes, --unhandled-rejections=${mode}`] = {
    file: 'fatal.cjs',
    flags: [`--unhandled-rejections=${mode}`],
    source: programs['a rejection that nobody takes, from a line that is rewritten, CommonJS'].source,
  };
}

const messages = `
const f = async () => ({}), g = { h: async () => undefined, k: () => null };
const tries = [async () => (await f()).map(1), async () => (await g.h(1, 2)).map(1), async () => (await f())(), async () => { for (const a of await f()); },
  async () => [...(await f())], async () => Math.max(...(await f())), async () => { const { a } = await g.h(); }, async () => { const { a: { b } } = await f(); },
  async () => new (await f())(), async () => 'a' in (await g.h()), async () => (await f())\`x\`, async () => g.q(await f()), async () => await g.q(1),
  async () => { const it = (async function* () { (yield 1).x.y; })(); await it.next(); await it.next({}); }, async () => { try { (await f()).map(); } catch (error) { throw new Error(error.message); } },
  async () => { const { a } = g.k(); return a; }, async () => { const [a] = g.k(); }, async () => { let a; [a] = g.k(1); }, async () => { let a; ({ a } = g.k(() => 2)); }, async () => { const { a: { b } } = g.k(); }, async () => { for (const [a] of [g.k()]) await a; },
  async () => { class A extends (await f()) {} }, () => g.h(() => 1).q(() => { return 1; }), async () => { (await g.h()).x = 1; }, async () => { try { new (await f())(); } finally { await 1; } }];
(async () => { for (const one of tries) await one().then(() => console.log('fine'), (error) => console.log(error.message, error.stack.split('\\n')[0])); })();`;
programs['messages of TypeErrors, about what an await gave'] = { file: 'messages.cjs', source: messages };

sameAsAlone('a program reads off its objects, functions and errors what it reads alone', place, programs);
