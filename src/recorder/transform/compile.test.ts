import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'acorn';
import { addSites, startFrames } from '../frames.ts';
import { compile, type SourceType } from './compile.ts';
import { insert } from './file.ts';
import { keepFunctionText, original, placeSites } from './text.ts';

startFrames();
keepFunctionText();

const compiled = (source: string, sourceType: SourceType = 'commonjs') => {
  const { insertions, functions, leftAlone } = compile(source, { file: 'app.js', sourceType });
  const code = insert(source, insertions);
  parse(code, { ecmaVersion: 'latest', sourceType, allowHashBang: true });
  assert.equal(original(code), source);
  assert.equal(code.split('\n').length, source.split('\n').length);
  return { code, leftAlone, names: functions.map(({ name, line }) => `${name}:${line}`) };
};

/** The value of an expression, with the transform. */
const evaluated = (source: string): unknown => {
  const { insertions, functions } = compile(`return (${source}\n)`, { file: 'app.js', sourceType: 'commonjs' });
  return new Function(placeSites(insert(`return (${source}\n)`, insertions), addSites(functions)))();
};

test('functions are named as they are declared', () => {
  const { names } = compiled(`
async function declared() { await 1 }
const inferred = async () => { await 1 };
const object = { async method() { await 1 }, property: async () => { await 1 }, 'quoted': async function () { await 1 } };
class Feed { async load() { await 1 } static async all() { await 1 } #own = async () => { await 1 }; async #secret() { await 1 } }
exports.exported = async () => { await 1 };
Feed.prototype.added = async function () { await 1 };
const { destructured = async () => { await 1 } } = {};
let assigned; assigned ??= async () => { await 1 };
const renamed = async function itself() { await 1 };
(async () => { await 1 })();
module.exports = async () => { await 1 };
class Made { constructor() { this.bound = async () => { await 1 } } }`);
  assert.deepEqual(names, [
    'declared:2',
    'inferred:3',
    'method:4',
    'property:4',
    'quoted:4',
    'Feed.load:5',
    'Feed.all:5',
    'Feed.#own:5',
    'Feed.#secret:5',
    'exported:6',
    'Feed.added:7',
    'destructured:8',
    'assigned:9',
    'itself:10',
    ':11',
    'exports:12',
    'Made.bound:13',
  ]);
  assert.deepEqual(compiled('export default async function () { await 1 }', 'module').names, ['default:1']);
  assert.deepEqual(compiled('export default class { async m() { await 1 } }', 'module').names, ['default.m:1']);
});

test("a bundler's helper names the function it is given, and the one declared before", () => {
  const { names } = compiled('var a=n(async()=>{await 1},"loadHome");async function b(){await 1}n(b,"loadUser");');
  assert.deepEqual(names, ['loadHome:1', 'loadUser:1']);
});

test('a generator that a helper runs as an async function is the function', () => {
  for (const source of [
    'function load(a) { return __awaiter(this, void 0, void 0, function* () { yield f(a); }); }',
    'const load = (a) => __async(null, null, function* () { yield f(a); });',
    'const load = (a) => x(this, arguments, function* () { yield f(a); });',
  ]) {
    const { names, code } = compiled(source);
    assert.deepEqual(names, ['load:1'], source);
    assert.match(code, /\$ww\.resume\(\$ww0,.*yield.*\$ww\.suspend\(\$ww0,/);
  }
});

test('a sync function is watched when it hands on a callback or returns what a call made, else not', () => {
  assert.deepEqual(compiled('function f(cb) { query(1, (err) => cb(err)); }').names, ['f:1', ':1']);
  assert.deepEqual(compiled('const f = (id) => db.get(id);').names, ['f:1']);
  assert.deepEqual(compiled('function f(id) { return ok && db.get(id); }').names, ['f:1']);
  assert.deepEqual(compiled('function f(a) { return a.map((x) => x + 1); }').names, []);
  assert.deepEqual(compiled('function f(a) { return Math.max(a, 1); }').names, []);
  assert.deepEqual(compiled('function f(a) { g(a); return 1; }').names, []);
  assert.deepEqual(compiled('async () => 1').names, []);
});

test('an inline callback continues the frame around it, an async one has its own', () => {
  const { code, names } = compiled(`async function f() {
  await query(1,
    (rows) => { rows.each(() => { log(2) }); },
    async (row) => { await row });
}`);
  assert.deepEqual(names, ['f:1', ':3', ':3', ':4']);
  assert.match(code, /const \$ww1=\$ww\.into\(\$ww0,2,/);
  assert.match(code, /const \$ww2=\$ww\.into\(\$ww1,3,/);
  assert.match(code, /const \$ww1=\$ww\.enter\(\$ww\.m\[ +3\],\$ww0\)/);
});

test('directives stay first, and strict code stays strict', () => {
  const f = evaluated("async function f() { 'use strict'; await null; return this }") as () => Promise<unknown>;
  return f().then((self) => assert.equal(self, undefined));
});

test('a directive without its semicolon ends where it ended', () => {
  const { code } = compiled("async function f() { 'use strict'\n  x = await g() }");
  assert.match(code, /'use strict'\/\*\$<\*\/;const/);
});

test('length, name, toString, this, arguments and new.target are what they were', async () => {
  const source = `{
    f: async function (a, b = 1, ...c) { await 0; return [this.x, arguments.length] },
    g: function G(cb) { register(() => cb()); this.target = new.target },
    h: async ({ a }, [b]) => await a,
  }`.replace('register', '((f) => f)');
  const { f, g, h } = evaluated(source) as Record<string, (...given: unknown[]) => unknown>;
  assert.equal(f.length, 1);
  assert.equal(f.name, 'f');
  assert.equal(h.length, 2);
  assert.equal(h.toString(), 'async ({ a }, [b]) => await a');
  assert.equal(f.toString(), 'async function (a, b = 1, ...c) { await 0; return [this.x, arguments.length] }');
  assert.deepEqual(await f.call({ x: 5 }, 1, 2, 3), [5, 3]);
  const G = g as unknown as new () => { target: unknown };
  assert.equal(new G().target, G);
  assert.equal(Function.prototype.toString.toString(), 'function toString() { [native code] }');
  assert.equal(Function.prototype.toString.name, 'toString');
  assert.throws(() => Function.prototype.toString.call({}), TypeError);
});

test('functions with direct eval or with, and declarations that do not fit a block, are left alone', () => {
  const left = (source: string) => compiled(source).leftAlone;
  assert.equal(left('async function f() { eval("1"); await 1 }'), 1);
  assert.equal(left('async function f() { await 1; return () => eval("1") }'), 2);
  assert.equal(left('async function f(o) { with (o) { await 1 } }'), 1);
  assert.equal(left('with (o) { (async () => { await 1 })() }'), 1);
  assert.equal(left('async function f() { var g; await 1; function g() {} }'), 1);
  assert.equal(left('async function f(g) { await 1; function g() {} }'), 1);
  assert.equal(left('async function f() { await 1; function g() {} function g() {} }'), 1);
  assert.equal(left('async function f() { await 1; function g() {} { function g() {} } }'), 1);
  assert.equal(left('async function f() { await 1; function g() {} }'), 0);
});

test('hoisted functions of a body are found before and after their declaration', async () => {
  const f = evaluated(
    'async function () { const a = g(); await 1; return a + g() + typeof h; function g() { return 1 } function h() {} }',
  ) as () => Promise<unknown>;
  assert.equal(await f(), '2function');
});

test('awkward shapes keep their meaning', async () => {
  const later = (x: unknown) => Promise.resolve(x);
  const check = async (source: string, expected: unknown) => {
    const f = evaluated(source) as (given: typeof later) => Promise<unknown>;
    assert.deepEqual(await f(later), expected, source);
  };
  await check('async (p) => await (1 ? p(1) : p(2))', 1);
  await check('async (p) => ({ a: await p(1) })', { a: 1 });
  await check('async (p) => (await p(1), await p(2))', 2);
  await check('async p=>await p(1)', 1);
  await check('async (p) => /* => */ p(1) // end', 1);
  await check('async (p) => \n p(1)', 1);
  await check('async (p) => { return (p(1), p(2)) }', 2);
  await check('async (p) => { return await p(1)\n}', 1);
  await check('async (p) => { const x = 1\nawait p(2)\n;[1].map(String)\nreturn x }', 1);
  await check('async (p) => { if (0) await p(1); else return p(3) }', 3);
  await check('async (p) => { do await p(1); while (0) return 2 }', 2);
  await check('async (p) => { out: for await (const x of [p(1), p(2)]) { for (;;) continue out } return 4 }', 4);
  await check('async (p) => { if (1) for await (const x of [p(1)]) p(x); return 5 }', 5);
  await check('async (p) => { for await (const x /* of */ of (0, [p(1)])) return x }', 1);
  await check('async (p) => new (await p(class { constructor() { this.a = 1 } }))().a', 1);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the program's
  await check('async (p) => `${await p(1)}${await p(2)}`', '12');
  await check('async (p) => (await p({ f() { return this === undefined } })).f()', false);
  await check('async (p) => typeof await p(1)', 'number');
  await check('async (p) => (-(await p(1))) ** 2', 1);
  await check('async (p) => { try { throw 1 } catch { return await p(2) } finally { await p(3) } }', 2);
  await check('async (p) => { try { await Promise.reject(7) } catch (e) { return e } }', 7);
  await check('async (p) => (await p({ a: { b: 3 } }))?.a.b', 3);
  await check('async (p, q = async () => await p(6)) => await q()', 6);
  await check(
    'async (p) => { class A { static x = 1; static { this.y = 2 } [await p("k")]() { return 8 } } return new A().k() + A.y }',
    10,
  );
  await check(
    'async (p) => { const o = { get x() { return p(1) }, async *g() { yield 1; yield* [2]; return 3 } }; let n = 0; for await (const x of o.g()) n += x; return n + await o.x }',
    4,
  );
  await check('async function (p) { return await (() => p(arguments.length))() }', 1);
  await check('async (p) => { switch (await p(1)) { case await p(1): return 9 } }', 9);
  await check('async (p) => { let a = [await p(1), ...await p([2])]; return a }', [1, 2]);
  await check('async (p) => { var { x = await p(4) } = {}; return x }', 4);
});

test('a subclass constructor, super and private fields work in watched functions', async () => {
  const f = evaluated(`async () => {
    class A { v = 1; async get() { return await this.v } }
    class B extends A { #p = 2; constructor() { setTimeout(() => {}, 0).unref(); super() } async get() { return await super.get() + (await this.#p) } }
    return new B().get();
  }`) as () => Promise<unknown>;
  assert.equal(await f(), 3);
});

test('syntax of every year parses: hashbang, top-level await, import attributes, using', () => {
  const { names } = compiled(
    `#!/usr/bin/env node
import data from './x.json' with { type: 'json' };
await main();
async function main() { using a = open(); await using b = openToo(); await a; }
export { data };`,
    'module',
  );
  assert.deepEqual(names, ['(module):1', 'main:4']);
});

test('html-like comments, octals and sloppy names parse as Node parses CommonJS', () => {
  compiled('var let_ = 010; async function f() { await 1 } <!-- old\n--> older\nreturn;');
  compiled('var await = 1, yield_ = await; function f(cb) { return g(await) }');
});

test('a source that does not parse is a SyntaxError, never something else', () => {
  assert.throws(() => compile('async function', { file: '', sourceType: 'commonjs' }), SyntaxError);
});

test('a long chain of operators does not overflow the stack', () => {
  const { names } = compiled(`async function f(a) { await ${'a + '.repeat(1_000)}a }`);
  assert.deepEqual(names, ['f:1']);
});
