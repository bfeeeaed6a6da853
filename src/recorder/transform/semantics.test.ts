// The program must not notice: random programs give the same log, tick by tick, with and without the transform.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSites, startFrames } from '../frames.ts';
import { compile } from './compile.ts';
import { insert } from './file.ts';
import { randomProgram } from './random-program.ts';
import { original, placeSites } from './text.ts';

startFrames();

/** A source with the runtime's calls in it. */
function transformed(source: string, file = 'program.js'): string {
  const { insertions, functions } = compile(source, { file, sourceType: 'commonjs' });
  return placeSites(insert(source, insertions), addSites(functions));
}

const helpers = `
const lines = [];
let tick = 0, stop = false;
(function step() { tick++; if (!stop) Promise.resolve().then(step); })();
const show = (x) => { try { return x instanceof Promise ? 'promise' : typeof x === 'function' ? 'fn ' + x.name + x.length : x instanceof Error ? x.constructor.name : JSON.stringify(x) } catch { return 'odd' } };
const log = (x) => { if (lines.length < 400) lines.push(tick + ' ' + show(x)); else if (lines.length++ > 2000) throw new Error('endless'); return x };
const later = (x) => Promise.resolve().then(() => {}).then(() => x);
const fails = (x) => Promise.resolve().then(() => { throw x });
const thenable = (x) => ({ then(f) { log('then'); f(x) } });
const call = (f) => f(1);
const soon = (f) => { Promise.resolve().then(() => f(2)).catch((e) => log(e)); };
const stepper = (n) => ({ [Symbol.asyncIterator]() { log('iterator'); return { i: 0, next(...a) { log(['next', a.length, this.i]); return { value: this.i++, done: this.i > n } }, get return() { log('return?'); return (...a) => { log(['returned', a.length]); return {} } } } } });
const finish = async (p) => {
  let after = 0;
  const ended = (v) => { after = 1; lines.push('end ' + tick + ' ' + JSON.stringify(v, (k, w) => w instanceof Error ? w.constructor.name : w)) };
  p.then(ended, ended);
  // What nobody waits for goes on a while.
  for (let i = 0; i < 2000 && after < 100; i++) { await null; if (after > 0) after++; }
  stop = true;
  return [...lines];
};
`;

const run = (program: string, change: (source: string) => string): Promise<string[]> => {
  const inner = change(`'use strict-not';(function () {${program}\n})`);
  return new Function(`${helpers}\nreturn finish(${inner.replace("'use strict-not';", '')}());`)() as Promise<string[]>;
};

const programs = Number(process.env['WHYWAIT_TEST_PROGRAMS'] ?? 400);
const firstSeed = Number(process.env['WHYWAIT_TEST_SEED'] ?? 1);

test(`${programs} random programs log the same at the same ticks with and without the transform`, async () => {
  let lines = 0;
  let inserted = 0;
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
    const program = randomProgram(seed);
    try {
      new Function(program);
    } catch (error) {
      assert.fail(`seed ${seed} is no program: ${String(error)}\n${program}`);
    }
    const plain = await run(program, (source) => source);
    const traced = await run(program, (source) => {
      const code = transformed(source);
      inserted += code.length - source.length;
      assert.equal(original(code), source);
      return code;
    });
    assert.deepEqual(traced, plain, `seed ${seed}\n${program}`);
    lines += plain.length;
  }
  assert.ok(lines > programs * 5, `programs that do something: ${lines} lines`);
  assert.ok(inserted > programs * 500);
});
