// The transform in real processes: every way that Node loads a file, on every Node there is (WHYWAIT_NODES).

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const here = import.meta.dirname;
const run = promisify(execFile);
const nodes = [process.execPath, ...(process.env['WHYWAIT_NODES'] ?? '').split(':').filter(Boolean)];
let work = '';
let project = '';
let programs = 0;

before(async () => {
  work = realpathSync(mkdtempSync(join(tmpdir(), 'whywait-transform-')));
  const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'error' } as const;
  const transform = join(here, '../src/recorder/transform');
  await build({
    ...common,
    entryPoints: [join(here, 'fixtures/transform/preload.ts')],
    outfile: join(work, 'recorder/preload.cjs'),
    format: 'cjs',
  });
  await build({
    ...common,
    entryPoints: [join(transform, 'file.ts')],
    outfile: join(work, 'recorder/transform.cjs'),
    format: 'cjs',
  });
  await build({
    ...common,
    entryPoints: [join(transform, 'hooks.ts')],
    outfile: join(work, 'recorder/hooks.mjs'),
    format: 'esm',
  });
});
after(() => rmSync(work, { recursive: true, force: true }));

/** A new project of these files. */
function newProject(files: Record<string, string>): string {
  project = join(work, `project${++programs}`);
  for (const [name, text] of Object.entries({ 'package.json': '{}', ...files })) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  return project;
}

interface Ran {
  readonly out: string;
  /** "name file:line", sorted. */
  readonly names: readonly string[];
  readonly counts: readonly string[];
}

/** Runs the program bare and traced: both must print the same. */
async function traced(node: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const { NODE_OPTIONS: _, ...clean } = process.env;
  const sites = join(work, `sites${++programs}`);
  const bare = await run(node, args, { cwd: project, env: { ...clean, ...env } });
  const preload = join(work, 'recorder/preload.cjs');
  const ours = await run(node, args, {
    cwd: project,
    env: {
      ...clean,
      WHYWAIT_ROOT: project,
      WHYWAIT_CACHE: join(work, 'cache'),
      SITES: sites,
      NODE_OPTIONS: `--require ${preload}`,
      ...env,
    },
  });
  assert.equal(ours.stdout, bare.stdout);
  assert.equal(ours.stderr.replace(/\(node:\d+\)/g, ''), bare.stderr.replace(/\(node:\d+\)/g, ''));
  const told = readFileSync(sites, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { names: string[]; counts: string[] });
  return {
    out: ours.stdout,
    names: [...new Set(told.flatMap(({ names }) => names))].sort(),
    counts: told.flatMap(({ counts }) => counts),
  };
}

const major = async (node: string) => Number((await run(node, ['-p', 'process.versions.node.split(".")[0]'])).stdout);
const tsx = import.meta.resolve('tsx');
const tsxCjs = import.meta.resolve('tsx/cjs').replace('file://', '');

for (const node of nodes) {
  const on = node === process.execPath ? 'this Node' : node;

  test(`CommonJS on ${on}: files of the project, not of node_modules, but linked packages of the workspace`, async () => {
    newProject({
      'package.json': '{"workspaces":["packages/*"]}',
      'app.js': `const { dep } = require('dep'); const { own } = require('own');
async function main() { return (await dep()) + (await own()); }
main().then(console.log);`,
      'packages/own/index.js': 'exports.own = async () => await 2;',
    });
    mkdirSync(join(project, 'node_modules/dep'), { recursive: true });
    writeFileSync(join(project, 'node_modules/dep/index.js'), 'exports.dep = async () => await 1;');
    symlinkSync('../packages/own', join(project, 'node_modules/own'));
    const { out, names } = await traced(node, ['app.js']);
    assert.equal(out, '3\n');
    assert.deepEqual(names, ['main app.js:2', 'own packages/own/index.js:1']);
  });

  test(`ES modules on ${on}: a hoisted function that a cyclic import calls early, top-level await, import()`, async () => {
    newProject({
      'main.mjs': `import { early } from './other.mjs';
export async function hoisted() { return await 'h'; }
console.log(await early, await (await import('./lazy.mjs')).default());`,
      'other.mjs': `import { hoisted } from './main.mjs';
import cjs from './cjs.cjs';
export const early = hoisted().then(async (x) => x + await cjs());`,
      'cjs.cjs': 'module.exports = async () => await 1;',
      'lazy.mjs': 'export default async function () { return await 2; }',
    });
    const { out, names } = await traced(node, ['main.mjs']);
    assert.equal(out, 'h1 2\n');
    assert.deepEqual(names, [
      ' other.mjs:3',
      '(module) main.mjs:1',
      'default lazy.mjs:1',
      'exports cjs.cjs:1',
      'hoisted main.mjs:2',
    ]);
  });

  test(`CommonJS that imports an ES module later on ${on}`, async () => {
    newProject({
      'app.cjs': `import('./late.mjs').then(async (m) => console.log(await m.late()));`,
      'late.mjs': 'export const late = async () => await 5;',
    });
    const { out, names } = await traced(node, ['app.cjs']);
    assert.equal(out, '5\n');
    assert.deepEqual(names, [' app.cjs:1', 'late late.mjs:1']);
  });

  const typescript = {
    'src/app.ts': `import { helper, type Options } from './lib.ts';

interface Shape { a: number }

export class Feed {
  #shape: Shape = { a: 1 };

  async load(
    options: Options,
  ): Promise<number> {
    return this.#shape.a + (await helper(options));
  }
}

const loadHome = async (): Promise<string> => {
  const feed = new Feed();
  type Unused = string;
  return String(await feed.load({ n: 2 })) as Unused;
};

async function fails(): Promise<void> {
  await null;
  interface Nothing { b: 2 }
  throw new Error('of line 23');
}

loadHome().then(async (home) => {
  console.log(home);
  await fails().catch((error: Error) => console.log(error.stack?.split('\\n')[1].replace(/.*(?=src)/, '')));
});
`,
    'src/lib.ts': `export interface Options { n: number }

export async function helper(options: Options): Promise<number> {
  await null;
  return options.n;
}
`,
  };
  const inTypescript = [
    ' src/app.ts:27',
    'Feed.load src/app.ts:8',
    'fails src/app.ts:21',
    'helper src/lib.ts:3',
    'loadHome src/app.ts:15',
  ];

  for (const type of ['module', 'commonjs']) {
    test(`tsx on ${on}, ${type}: names and lines are the TypeScript's, and so are stack traces`, async () => {
      newProject({ ...typescript, 'package.json': `{"type":"${type}"}` });
      const { out, names } = await traced(node, ['--import', tsx, 'src/app.ts']);
      assert.match(out, /^3\nsrc\/app\.ts:24:/);
      assert.deepEqual(names, inTypescript);
    });
  }

  test(`tsx's CommonJS hook on ${on}`, async () => {
    newProject(typescript);
    if ((await major(node)) === 20) return; // There is no --require of it with an entry in TypeScript.
    const { names } = await traced(node, ['--require', tsxCjs, 'src/app.ts']);
    assert.deepEqual(names, inTypescript);
  });

  test(`TypeScript as Node itself runs it on ${on}`, async () => {
    if ((await major(node)) < 22) return;
    for (const type of ['module', 'commonjs']) {
      newProject({ ...typescript, 'package.json': `{"type":"${type}"}` });
      if (type === 'commonjs')
        writeFileSync(
          join(project, 'src/app.ts'),
          typescript['src/app.ts']
            .replace(/import .*/, "const { helper } = require('./lib.ts'); type Options = any;")
            .replace('export class', 'class'),
        );
      if (type === 'commonjs')
        writeFileSync(
          join(project, 'src/lib.ts'),
          `${typescript['src/lib.ts'].replaceAll('export ', '')}module.exports = { helper };`,
        );
      const { names } = await traced(node, ['--no-warnings', 'src/app.ts']);
      assert.deepEqual(names, inTypescript, type);
    }
  });

  for (const [how, options] of Object.entries({
    plain: {},
    minified: { minify: true },
    'minified, names kept': { minify: true, keepNames: true },
    'minified, inline map': { minify: true, sourcemap: 'inline' },
    'minified for old engines': { minify: true, target: 'es2016' },
  } as const)) {
    test(`a bundle on ${on}, ${how}: the functions of its sources, without its dependencies'`, async () => {
      newProject({
        ...typescript,
        'src/app.ts': `import { dep } from 'dep';\nvoid dep();${typescript['src/app.ts'].replace('\n', '')}`,
        'node_modules/dep/package.json': '{"main":"index.js"}',
        'node_modules/dep/index.js': 'exports.dep = async function dep() { await 1; };',
      });
      await build({
        absWorkingDir: project,
        entryPoints: ['src/app.ts'],
        outfile: join(project, 'dist/app.js'),
        bundle: true,
        platform: 'node',
        sourcemap: true,
        logLevel: 'error',
        ...options,
      });
      const { out, names } = await traced(node, ['--enable-source-maps', 'dist/app.js']);
      assert.match(out, /^3\nsrc\/app\.ts:24:/);
      assert.deepEqual(names, inTypescript);
    });
  }

  test(`functions sent elsewhere as text run there on ${on}, and errors keep their lines`, async () => {
    newProject({
      'app.js': `const { Worker } = require('node:worker_threads');
const vm = require('node:vm');
const inPage = async (a, cb = (x) => x) => { const v = await a; return cb(v); };
class Shape { async area() { return await 4; } }
console.log(inPage.toString(), String(Shape));
vm.runInNewContext('(' + inPage + ')')(3).then(console.log);
new Worker('(' + (async () => { await 1; require('node:worker_threads').parentPort.postMessage(2); }) + ')()', { eval: true }).on('message', console.log);
(async () => { await null;
  throw new Error('of line 9'); })().catch((error) => console.log(error.stack.split('\\n')[1].match(/app.js:\\d+/)[0]));`,
    });
    const { out } = await traced(node, ['app.js']);
    assert.match(out, /app\.js:9/);
  });

  test(`a worker of ES modules on ${on}`, async () => {
    newProject({
      'package.json': '{"type":"module"}',
      'app.js': `import { Worker } from 'node:worker_threads';
async function inMain() { await 1; new Worker(new URL('./worker.js', import.meta.url)).on('message', (text) => console.log(text)); }
await inMain();`,
      'worker.js': `import { parentPort } from 'node:worker_threads';
async function inWorker() { await 1; return 'from the worker'; }
parentPort.postMessage(await inWorker());`,
    });
    const { names } = await traced(node, ['app.js']);
    assert.deepEqual(names, ['(module) app.js:1', '(module) worker.js:1', 'inMain app.js:2', 'inWorker worker.js:2']);
  });

  test(`what does not parse, names our runtime or is too odd runs as it was on ${on}, and is counted`, async () => {
    newProject({
      'app.js': `for (const file of ['./broken', './named']) try { console.log(require(file)); } catch (error) { console.log(error.name); }`,
      'broken.js': 'async function (',
      'named.js': "const $ww = 1; exports.f = async () => await $ww; module.exports = 'fine';",
    });
    const { out, counts } = await traced(node, ['app.js']);
    assert.equal(out, 'SyntaxError\nfine\n');
    assert.deepEqual(counts, ['blind.file-parse broken.js 1', 'blind.file-name named.js 1']);
  });
}

test('a second start takes the code from the cache, a damaged entry is made again', async () => {
  newProject({ 'app.js': 'const f = async () => await 1; f().then(console.log);' });
  const cache = join(project, 'cache');
  const env = { WHYWAIT_CACHE: cache };
  const expected = ['f app.js:1'];
  assert.deepEqual((await traced(process.execPath, ['app.js'], env)).names, expected);
  const [entry, ...others] = readdirSync(cache);
  assert.deepEqual(others, []);
  const text = readFileSync(join(cache, entry), 'utf8');
  // What is in the cache is what runs: a changed name shows.
  writeFileSync(join(cache, entry), text.replace('["f"', '["g"'));
  assert.deepEqual((await traced(process.execPath, ['app.js'], env)).names, ['g app.js:1']);
  for (const damaged of ['', '{', text.slice(0, -1), `[]\n${text}`]) {
    writeFileSync(join(cache, entry), damaged);
    assert.deepEqual((await traced(process.execPath, ['app.js'], env)).names, expected);
  }
  assert.equal(readFileSync(join(cache, entry), 'utf8'), text);
});

test('a cache directory that is a link, or that others may write to, is not used', async () => {
  newProject({ 'app.js': 'const f = async () => await 1; f().then(console.log);' });
  mkdirSync(join(project, 'open'));
  chmodSync(join(project, 'open'), 0o777);
  mkdirSync(join(project, 'private'), { mode: 0o700 });
  symlinkSync('private', join(project, 'link'));
  for (const name of ['open', 'link']) {
    const { names } = await traced(process.execPath, ['app.js'], { WHYWAIT_CACHE: join(project, name) });
    assert.deepEqual(names, ['f app.js:1']);
    assert.deepEqual(readdirSync(join(project, name)), []);
  }
});
