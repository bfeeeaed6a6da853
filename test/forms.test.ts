// The forms that a program comes in: CommonJS, ESM, TypeScript runners, bundles, npm scripts, shell scripts, cluster
// workers, worker threads and child processes, on each Node that whywait supports. Each form calls a service through
// `loadThing`; the report must name the function where the user wrote it, and count its calls.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { majors, nodeBinary } from '../scripts/nodes.ts';
import type { Report } from '../src/model/report.ts';

const here = dirname(fileURLToPath(import.meta.url));
const whywait = join(here, '../bin/whywait.mjs');
let dir: string;
let service: Server;
let url: string;

// Line 3 of each source is where loadThing begins.
const typescript = `interface Thing { name: string }

export async function loadThing(id: number): Promise<Thing> {
  const answer = await fetch(\`\${process.env['THING_URL']}/things/\${id}\`);
  return (await answer.json()) as Thing;
}
`;
const javascript = `// A thing, from the service.

async function loadThing(id) {
  const answer = await fetch(process.env.THING_URL + '/things/' + id);
  return await answer.json();
}
`;
const callTwice =
  'const things = await Promise.all([loadThing(1), loadThing(2)]);\nconsole.log(JSON.stringify(things));\n';

function put(path: string, text: string): void {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'whywait-forms-'));
  service = createServer((request, response) => response.end(JSON.stringify({ name: request.url }))).listen(
    0,
    '127.0.0.1',
  );
  if (!service.listening) await once(service, 'listening');
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  symlinkSync(join(here, '../node_modules'), join(dir, 'node_modules'));
  put('package.json', JSON.stringify({ name: 'forms', private: true, scripts: { start: 'node commonjs.cjs' } }));
  put(
    'commonjs.cjs',
    `${javascript}async function main() {\n  ${callTwice.replace('\n', '\n  ')}}\nmodule.exports = main();\n`,
  );
  put('module.mjs', `${javascript}${callTwice}`);
  put('src/thing.ts', typescript);
  put('src/main.mts', `import { loadThing } from './thing.ts';\n${callTwice}`);
  put('src/package.json', '{"type":"module"}');
  await build({
    entryPoints: [join(dir, 'src/main.mts')],
    outfile: join(dir, 'dist/bundle.mjs'),
    bundle: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    platform: 'node',
  });
  put('several.sh', '#!/bin/sh\nnode commonjs.cjs\nnode module.mjs\n');
  put(
    'worker.mjs',
    "import { Worker } from 'node:worker_threads';\nnew Worker(new URL('./module.mjs', import.meta.url));\n",
  );
  put(
    'child.cjs',
    "const { fork } = require('node:child_process');\nfork(require('node:path').join(__dirname, 'commonjs.cjs'));\n",
  );
  put(
    'cluster.cjs',
    "const cluster = require('node:cluster');\nif (cluster.isPrimary) {\n  cluster.fork();\n  cluster.fork();\n} else {\n  require('./commonjs.cjs').then(() => cluster.worker.disconnect());\n}\n",
  );
});

after(() => {
  service?.close();
  rmSync(dir, { recursive: true, force: true });
});

async function record(major: number, command: string[]): Promise<{ report: Report; stdout: string }> {
  const json = join(dir, 'report.json');
  rmSync(json, { force: true });
  const path = [dirname(nodeBinary(major)), process.env['PATH']].join(delimiter);
  const args = [whywait, 'run', '--no-ui', '--json', json, '--', ...command];
  const stdout = await new Promise<string>((resolve, reject) => {
    const env = { ...process.env, PATH: path, THING_URL: url };
    execFile(process.execPath, args, { cwd: dir, env, timeout: 60_000 }, (error, out, err) => {
      if (error) reject(new Error(`${error.message}\n${out}\n${err}`));
      else resolve(out);
    });
  });
  return { report: JSON.parse(readFileSync(json, 'utf8')) as Report, stdout };
}

interface Form {
  readonly command: string[];
  readonly file: string;
  readonly calls: number;
  readonly processes?: number;
}

const forms: Record<string, Form> = {
  CommonJS: { command: ['commonjs.cjs'], file: 'commonjs.cjs', calls: 2 },
  ESM: { command: ['node', 'module.mjs'], file: 'module.mjs', calls: 2 },
  tsx: { command: ['npx', 'tsx', 'src/main.mts'], file: 'src/thing.ts', calls: 2 },
  'node --import tsx': { command: ['node', '--import', 'tsx', 'src/main.mts'], file: 'src/thing.ts', calls: 2 },
  'a minified esbuild bundle with its source map': {
    command: ['node', 'dist/bundle.mjs'],
    file: 'src/thing.ts',
    calls: 2,
  },
  'npm start': { command: ['npm', 'start', '--silent'], file: 'commonjs.cjs', calls: 2 },
  'a shell script that starts two programs': {
    command: ['sh', 'several.sh'],
    file: 'commonjs.cjs',
    calls: 2,
    processes: 2,
  },
  'a worker thread': { command: ['node', 'worker.mjs'], file: 'module.mjs', calls: 2 },
  'a child process': { command: ['node', 'child.cjs'], file: 'commonjs.cjs', calls: 2 },
  'cluster workers': { command: ['node', 'cluster.cjs'], file: 'commonjs.cjs', calls: 4 },
};
const native: Form = { command: ['node', 'src/main.mts'], file: 'src/thing.ts', calls: 2 };

for (const major of majors) {
  // TypeScript without a runner is on by default from 22.18.
  for (const [name, form] of Object.entries(major === 20 ? forms : { ...forms, 'TypeScript by Node itself': native })) {
    test(`Node ${major}: ${name}`, async () => {
      const { report, stdout } = await record(major, form.command);
      const rows = report.functions.filter((row) => row.function === 'loadThing' && row.file === form.file);
      const said = report.functions.map((row) => `${row.function} ${row.file}:${row.line}`).join(', ');
      assert.deepEqual(
        rows.map(({ line }) => line),
        [3],
        `loadThing is named where it was written: ${said}`,
      );
      assert.equal(
        rows.reduce((total, row) => total + row.calls, 0),
        form.calls,
        'each call of it is counted',
      );
      const [row] = rows;
      assert.deepEqual(
        row?.services.map((one) => `${one.service} × ${one.calls}`),
        [`${url} × ${form.calls}`],
      );
      assert.deepEqual(
        row?.services[0]?.operations.map((one) => one.operation),
        ['GET /things/:id'],
      );
      assert.match(
        stdout,
        /^(\[\{"name":"\/things\/1"\},\{"name":"\/things\/2"\}\]\n)+$/,
        "stdout is the program's own",
      );
      const ran = report.run.processes.filter((one) => one.runtime.startsWith(`node v${major}.`));
      assert.ok(ran.length >= (form.processes ?? 1), `Node ${major} ran it: ${JSON.stringify(report.run.processes)}`);
      assert.equal(report.coverage.dropped, 0);
    });
  }
}
