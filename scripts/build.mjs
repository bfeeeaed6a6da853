// Builds dist/: the recorder (CommonJS, everything bundled), the command line (ESM, dependencies left outside)
// and the page. Run by `npm install` (prepare) and by `npm test`.

import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { build as buildPage } from 'vite';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

const all = { bundle: true, platform: 'node', target: 'node20', legalComments: 'none' };
const commonJs = { ...all, outdir: 'dist/recorder', outExtension: { '.js': '.cjs' }, format: 'cjs' };
const esm = { ...all, outExtension: { '.js': '.mjs' }, format: 'esm' };

// Files of the recorder are loaded by path into the user's process.
await build({ ...commonJs, entryPoints: { recorder: 'src/recorder/main.ts' } });

// The parser is loaded when a file is met for the first time: small is quick.
await build({ ...commonJs, entryPoints: { transform: 'src/recorder/transform/file.ts' }, minify: true });

// A module for each of its URLs: Node would load a CommonJS file once only.
await build({ ...esm, entryPoints: { hooks: 'src/recorder/transform/hooks.ts' }, outdir: 'dist/recorder' });

await build({
  ...esm,
  entryPoints: { main: 'src/cli/main.ts', 'store-worker': 'src/store/worker.ts' },
  outdir: 'dist/cli',
  packages: 'external',
});

await buildPage({ configFile: 'src/ui/vite.config.ts', logLevel: 'warn' });
