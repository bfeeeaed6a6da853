// Builds dist/: the recorder (CommonJS, everything bundled), the command line (ESM, dependencies left outside)
// and the page. Run by `npm install` (prepare) and by `npm test`.

import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

/** Entry → where it is written. Recorder files are loaded by path into the user's process. */
const recorder = { recorder: 'src/recorder/main.ts' };
const existing = (entries) => Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(path)));

await build({
  entryPoints: existing(recorder),
  outdir: 'dist/recorder',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  legalComments: 'none',
});

// The parser is loaded when a file is met for the first time: small is quick.
await build({
  entryPoints: existing({ transform: 'src/recorder/transform/file.ts' }),
  outdir: 'dist/recorder',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  legalComments: 'none',
});

// A module for each of its URLs: Node would load a CommonJS file once only.
await build({
  entryPoints: existing({ hooks: 'src/recorder/transform/hooks.ts' }),
  outdir: 'dist/recorder',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'none',
});

await build({
  entryPoints: existing({ main: 'src/cli/main.ts', 'store-worker': 'src/store/worker.ts' }),
  outdir: 'dist/cli',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
});

if (existsSync('src/ui/index.html')) {
  const { build: page } = await import('vite');
  await page({ configFile: 'src/ui/vite.config.ts', logLevel: 'warn' });
}
