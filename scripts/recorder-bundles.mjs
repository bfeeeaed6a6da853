// Builds the recorder's files, which are loaded by path into the user's process: recorder.cjs, that `--require` names,
// main.recorder.cjs, transform.cjs (the parser: loaded when a file is met for the first time) and hooks.mjs.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** @param {string} file */
const digestOf = (file) => JSON.stringify(createHash('sha1').update(readFileSync(file)).digest('hex'));

/** @param {string} outdir */
export async function buildRecorder(outdir) {
  const all = { absWorkingDir: root, bundle: true, platform: 'node', target: 'node20', legalComments: 'none', outdir };
  const commonJs = { ...all, outExtension: { '.js': '.cjs' }, format: 'cjs' };
  // Small is quick.
  await build({ ...commonJs, entryPoints: { transform: 'src/recorder/transform/file.ts' }, minify: true });
  const define = { transformDigest: digestOf(resolve(root, outdir, 'transform.cjs')) };
  // A module for each of its URLs: Node would load a CommonJS file once only.
  const hooks = { hooks: 'src/recorder/transform/hooks.ts' };
  await build({ ...all, outExtension: { '.js': '.mjs' }, format: 'esm', entryPoints: hooks, define });
  await build({ ...commonJs, entryPoints: { 'main.recorder': 'src/recorder/main.ts' }, define });
  const mainDigest = digestOf(resolve(root, outdir, 'main.recorder.cjs'));
  await build({ ...commonJs, entryPoints: { recorder: 'src/recorder/entry.ts' }, define: { mainDigest } });
}
