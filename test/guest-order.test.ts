// What runs when: random programs of ticks, microtasks, immediates and exchanges over real sockets log the same order
// alone and recorded. Only what Node orders by itself is logged in one list: each exchange has a list of its own, as two
// sockets answer in whatever order the system says.

import { after } from 'node:test';
import { mulberry32 } from '../src/recorder/transform/random-program.ts';
import { Place } from './command-kit.ts';
import { type Program, sameAsAlone, service } from './guest-kit.ts';

const place = new Place();
after(() => place.remove());

/** Statements that note their names and queue others; `w` notes. */
function body(random: () => number, depth: number, name: string): string {
  const pick = (below: number) => Math.floor(random() * below);
  const parts = [`w('${name}');`];
  if (depth > 0) {
    for (let i = 0, count = 1 + pick(3); i < count; i++) {
      const inner = () => body(random, depth - 1, `${name}.${i}`);
      const forms = [
        () => `process.nextTick(() => { ${inner()} });`,
        () => `queueMicrotask(() => { ${inner()} });`,
        () => `Promise.resolve(${i}).then(function (value) { ${inner()} });`,
        () => `(async () => { ${inner()} await null; w('${name}.${i} after'); })();`,
        () =>
          `(async () => { try { await Promise.reject(new Error('x')); } catch (error) { ${inner()} } finally { w('${name}.${i} finally'); } })();`,
        () => `emitter.once('e${name}.${i}', () => { ${inner()} }); emitter.emit('e${name}.${i}');`,
        () => `(async () => { for await (const one of [1, later(2)]) w('${name}.${i} ' + one); ${inner()} })();`,
        () => `Promise.all([later(1), later(2)]).then(([a, b]) => { w(a + b); ${inner()} });`,
        () => `new Promise((done) => done({ then(go) { w('${name}.${i} then'); go(); } })).then(() => { ${inner()} });`,
        () => `(function* () { yield 1; ${inner()} })().next(); [${i}].forEach((n) => { w('${name} each ' + n); });`,
      ];
      parts.push(forms[pick(forms.length)]());
    }
  }
  return parts.join(' ');
}

/** One after another: in the program itself, in an immediate, in a timer, and in the handlers of an exchange. */
function source(seed: number): string {
  const random = mulberry32(seed);
  return `${service}
    const emitter = new (require('node:events'))(); const later = (x) => Promise.resolve().then(() => x); const log = []; const w = (word) => log.push(word);
    server.removeAllListeners('request'); server.on('request', (request, response) => { ${body(random, 3, 'served')} setImmediate(() => { ${body(random, 2, 'answering')} response.end('yes'); }); });
    const said = () => new Promise((done) => setTimeout(() => { console.log(log.splice(0).join(' ')); done(); }, 5));
    (async () => {
      ${body(random, 4, 'main')}
      await said();
      setImmediate(() => { ${body(random, 3, 'immediate')} }); await said();
      setTimeout(() => { ${body(random, 3, 'timer')} }, 1); await said();
      await serve();
      for (let i = 0; i < 2; i++) {
        const answer = await ask(); ${body(random, 3, 'asked')}
        await said();
        await new Promise((done) => { const socket = require('node:net').connect(server.address().port, '127.0.0.1', () => { ${body(random, 2, 'connected')} socket.write('GET / HTTP/1.0\\r\\n\\r\\n', () => { w('written'); }); });
          let seen = false; socket.on('data', () => { if (seen) return; seen = true; ${body(random, 3, 'data')} }); socket.on('end', () => { ${body(random, 2, 'end')} }); socket.on('close', () => { ${body(random, 2, 'close')} done(); }); });
        await said();
        const fetched = await (await fetch('http://127.0.0.1:' + server.address().port)).text(); ${body(random, 3, 'fetched')}
        await said();
      }
      server.close(); server.closeAllConnections();
    })();`;
}

const programs: Record<string, Program> = {};
for (let seed = 1; seed <= 12; seed++) {
  programs[`random program ${seed}`] = {
    file: `order-${seed}.${seed % 4 === 0 ? 'mjs' : 'cjs'}`,
    source: source(seed),
  };
}
for (const one of Object.values(programs)) {
  if (!one.file.endsWith('.mjs')) continue;
  const asModule = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);\n${one.source}`;
  Object.assign(one, { source: asModule });
}

sameAsAlone('random programs run in the order that they have alone', place, programs);
