// Faults of ours in somebody's process: recorders are built whose own functions throw, now and then or always, at each of
// their seams. The program must say, do and end as it does alone, and what is switched off is counted.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { pair, run } from './recorder-kit.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'whywait-faults-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A file of src/ and the functions in it that throw; those of a decoder are named `client`, `server`, `close`. */
interface Seam {
  readonly file: string;
  /** Left out: every exported function but `spared`. */
  readonly functions?: readonly string[];
  readonly spared?: readonly string[];
}

/** At the n-th call; counted over all functions of the seam, so that each has its turn. */
const thrower = (name: string, every: number) =>
  `let calls_${name} = ${name.length % every}; const fault_${name} = () => { if (++calls_${name} % ${every} === 0) throw new TypeError('injected'); };\n`;

/** The functions go on under another name, and one that may throw takes their place. */
function inject(source: string, { functions, spared = [] }: Seam, every: number): string {
  let after = '';
  const changed = source.replace(
    /^(export )?function (\w+)(<[^(]*>)?\(/gm,
    (whole, exported: string | undefined, name: string, types = '') => {
      if (functions ? !functions.includes(name) : !exported || spared.includes(name)) return whole;
      after += `${thrower(name, every)}${exported ?? ''}function ${name}(this: unknown, ...all: never[]): any { fault_${name}(); return (real_${name} as any).apply(this, all); }\n`;
      return `function real_${name}${types}(`;
    },
  );
  assert.notEqual(after, '', 'the functions are there');
  return `${changed}\n${after}`;
}

/** Each decoder that is made throws in one of its calls. */
const faultyDecoders = (
  source: string,
  every: number,
) => `${source.replace('export const protocols', 'const realProtocols')}
${thrower('decode', every)}
const faulty = (decoder: any) => new Proxy(decoder, { get(target, key) {
  if (key === 'client' || key === 'server' || key === 'close') return (...all: unknown[]) => { fault_decode(); return target[key](...all); };
  const value = Reflect.get(target, key, target); return typeof value === 'function' ? value.bind(target) : value;
} });
export const protocols = realProtocols.map((protocol) => ({ ...protocol, decode: (sink: any) => faulty(protocol.decode(sink)) }));`;

const built = new Map<string, Promise<string>>();
async function faultyRecorder(name: string, seam: Seam, every: number): Promise<string> {
  const outdir = join(folder, `${name}-${every}`);
  const faults: Plugin = {
    name: 'faults',
    setup({ onLoad }) {
      const filter = new RegExp(`${join(root, 'src', seam.file).replace(/[.\\/]/g, '\\$&')}$`);
      onLoad({ filter }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const contents = seam.file.endsWith('list.ts') ? faultyDecoders(source, every) : inject(source, seam, every);
        return { contents, loader: 'ts' };
      });
    },
  };
  const entry = `${name} ${every}`;
  let done = built.get(entry);
  if (!done) {
    done = build({
      absWorkingDir: root,
      outdir,
      bundle: true,
      platform: 'node',
      target: 'node20',
      entryPoints: { recorder: 'src/recorder/main.ts', transform: 'src/recorder/transform/file.ts' },
      outExtension: { '.js': '.cjs' },
      format: 'cjs',
      plugins: [faults],
      logLevel: 'silent',
    }).then(() => join(outdir, 'recorder.cjs'));
    built.set(entry, done);
  }
  return done;
}

/** Some of everything that is patched, each answer printed, and a few things that fail. */
const program = `
const http = require('node:http'), https = require('node:https'), http2 = require('node:http2'), net = require('node:net'), dgram = require('node:dgram');
const pair = ${JSON.stringify({ key: pair.key, cert: pair.cert })};
const heard = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
const say = (...words) => console.log(...words);
const once = (emitter, name) => new Promise((done, fail) => { emitter.once(name, done); if (name !== 'error') emitter.once('error', fail); });
const get = (module, port, path) => new Promise((done, fail) => module.get({ port, path, host: '127.0.0.1', rejectUnauthorized: false }, (answer) => {
  let text = ''; answer.on('data', (part) => { text += part; }); answer.on('end', () => done(answer.statusCode + ' ' + text)); }).on('error', fail));
const page = http.createServer(async (request, response) => {
  if (request.url === '/fails') { response.statusCode = 503; return response.end('no'); }
  if (request.url === '/cut') return request.socket.destroy();
  let size = 0; for await (const part of request) size += part.length;
  response.write('one '); await null; setTimeout(() => response.end(request.method + request.url + size), 1);
});
page.on('upgrade', (request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: x\\r\\n\\r\\nhello'));
// Answers as Redis does.
const redis = net.createServer((socket) => socket.on('data', () => socket.write('+OK\\r\\n')).on('error', () => {}));
const upper = net.createServer((socket) => socket.on('data', (bytes) => socket.write(String(bytes).toUpperCase())).on('error', () => {}));
const secure = https.createServer(pair, (request, response) => response.end('secret'));
const streams = http2.createServer((request, response) => response.end('streamed ' + request.url));
async function nested(n) { if (n === 0) { await null; return 'deep'; } try { return await nested(n - 1); } finally { await 0; } }
const later = (f) => new Promise((done) => setTimeout(() => done(f()), 1));
class Feed { constructor() { this.all = []; } async load(...what) { for await (const one of what.map((f) => f())) this.all.push(one); return this.all; } }
async function asks(port) {
  const socket = net.connect(port, '127.0.0.1'); await once(socket, 'connect'); const answers = [];
  for (const words of [['PING'], ['SET', 'a', '1'], ['GET', 'a']]) {
    socket.write('*' + words.length + '\\r\\n' + words.map((word) => '$' + word.length + '\\r\\n' + word + '\\r\\n').join(''));
    answers.push(String(await once(socket, 'data')).trim());
  }
  socket.destroy(); return answers.join();
}
async function main() {
  const [web, store, tcp, tls, h2] = await Promise.all([page, redis, upper, secure, streams].map(heard));
  for (let i = 0; i < 3; i++) {
    say(await get(http, web, '/a?x=' + i), await get(https, tls, '/b'), await get(http, web, '/fails'), await get(http, web, '/cut').catch((error) => error.code));
    say(await (await fetch('http://127.0.0.1:' + web + '/fetched', { method: 'POST', body: 'x'.repeat(1000) })).text());
    say(await asks(store), await nested(3), await later(() => 'later'), JSON.stringify(await new Feed().load(() => asks(store), () => later(() => 2), () => nested(1))));
    const socket = net.connect(tcp, '127.0.0.1'); socket.write('early '); await once(socket, 'data'); socket.cork(); socket.write('many'); socket.write(Buffer.from(' parts')); socket.uncork();
    say(String(await once(socket, 'data'))); socket.end();
    const session = http2.connect('http://127.0.0.1:' + h2); const stream = session.request({ ':path': '/s' + i }); let text = ''; for await (const part of stream) text += part; say(text, stream.rstCode); session.close();
    const udp = dgram.createSocket('udp4'), peer = dgram.createSocket('udp4'); peer.on('message', (message, from) => peer.send('re: ' + message, from.port, from.address));
    await new Promise((done) => peer.bind(0, '127.0.0.1', done)); udp.send('datagram', peer.address().port, '127.0.0.1'); say(String(await once(udp, 'message'))); udp.close(); peer.close();
    say(await new Promise((done) => http.get({ port: web, host: '127.0.0.1', headers: { connection: 'upgrade', upgrade: 'x' } }).on('upgrade', (answer, raw, head) => { raw.on('data', () => {}).on('close', () => done('upgraded ' + answer.statusCode)); if (head.length) say('head ' + head); else raw.once('data', (bytes) => say('head ' + bytes)); raw.on('error', () => {}); })));
    say((await Promise.allSettled([get(http, 1, '/'), fetch('http://127.0.0.1:1').catch((error) => { throw error.cause; }), once(net.connect(1, '127.0.0.1'), 'connect'), nested(1).then(() => { throw new Error('mine'); })])).map(({ reason }) => reason.code ?? reason.message).join());
  }
  for (const server of [page, secure]) server.closeAllConnections();
  for (const server of [page, redis, upper, secure, streams]) server.close();
  say(process.listenerCount('exit'), process.listenerCount('uncaughtException'));
  process.on('exit', (code) => say('exit', code)); process.exitCode = 5;
}
main().catch((error) => { console.log(error); process.exit(70); });
`;

const seams: Record<string, Seam> = {
  decoders: { file: 'protocols/list.ts' },
  // Those that only set a switch are called where nothing guards them.
  owners: { file: 'recorder/ownership.ts', spared: ['handOver', 'handedOver', 'onSettled'] },
  'windows of answers': {
    file: 'recorder/ownership.ts',
    functions: [
      'openWindow',
      'closeWindow',
      'decide',
      'match',
      'settleWith',
      'receives',
      'placeInRoot',
      'doubt',
      'chain',
    ],
  },
  propagation: { file: 'recorder/propagate.ts' },
  // Counting is what is left when all else fails.
  'the span buffer': { file: 'recorder/span-buffer.ts', spared: ['count'] },
  'ids of spans': { file: 'recorder/ids.ts' },
  // Those that call the program's own functions are not ours alone.
  contexts: {
    file: 'recorder/context.ts',
    functions: ['openRoot', 'endRoot', 'currentRoot', 'watchReactions', 'enterStore'],
  },
  'frames of functions': {
    file: 'recorder/frames.ts',
    functions: [
      'findRoot',
      'link',
      'unlink',
      'waited',
      'write',
      'finish',
      'leave',
      'goOn',
      'blame',
      'tellLine',
      'topOf',
    ],
  },
  'the transform': { file: 'recorder/transform/file.ts' },
  'inbound requests': { file: 'recorder/patch-http.ts', functions: ['arrived', 'settle', 'askerOn'] },
};

/** What the program says and how it ends without us. */
const alone = (() => {
  const file = join(folder, 'alone.cjs');
  writeFileSync(file, program);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    said.stdout += text;
  });
  child.stderr.on('data', (text) => {
    said.stderr += text;
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) =>
    child.on('close', (code) => done({ code, ...said })),
  );
})();

for (const [name, seam] of Object.entries(seams)) {
  test(`faults in ${name}, always or now and then: the program does not notice, and they are counted`, async () => {
    const { code, stdout, stderr } = await alone;
    assert.equal(code, 5, stderr);
    for (const every of [1, 3, 17]) {
      const preload = await faultyRecorder(name.replace(/\W+/g, '-'), seam, every);
      const ours = await run(program, {
        env: { NODE_OPTIONS: `--require ${preload}`, WHYWAIT_CACHE: mkdtempSync(join(folder, 'cache-')) },
        options: { functions: 'on' },
      });
      assert.equal(ours.stderr, stderr, `every ${every}`);
      assert.equal(ours.stdout, stdout, `every ${every}`);
      assert.equal(ours.code, code);
      // Where nothing can be shipped, nothing can be said.
      if (ours.hellos.length === 0 || name === 'the span buffer') continue;
      const faults = Object.keys(ours.counters).filter((counter) => /^(off|blind|lost)\./.test(counter));
      if (every === 1) assert.notDeepEqual(faults, [], JSON.stringify(ours.counters));
    }
  });
}
