// Builds dist/: the recorder (CommonJS, everything bundled), the command line (ESM, dependencies left outside)
// and the page. Run by `npm install` (prepare) and by `npm test`.

import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { build as buildPage } from 'vite';
import { buildRecorder } from './recorder-bundles.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

const all = { bundle: true, platform: 'node', target: 'node20', legalComments: 'none' };
const esm = { ...all, outExtension: { '.js': '.mjs' }, format: 'esm' };

await buildRecorder('dist/recorder');

await build({
  ...esm,
  entryPoints: { main: 'src/cli/main.ts', 'store-worker': 'src/store/worker.ts' },
  outdir: 'dist/cli',
  packages: 'external',
});

await buildPage({ configFile: 'src/ui/vite.config.ts', logLevel: 'warn' });
