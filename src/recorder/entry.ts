// What `--require` loads: `node --require dist/recorder/recorder.cjs`, by NODE_OPTIONS, in every Node process of a run
// and in each of its threads. Where there is nothing to record it ends at once; else it loads the recorder (main.ts).

import { join } from 'node:path';
import { isMainThread, parentPort } from 'node:worker_threads';
import { runBundle } from './code-cache.ts';

/** The digest of main.recorder.cjs; put here by the build. */
declare const mainDigest: string;

/** The scripts of package managers: they only start the program. */
const packageManager =
  /[\\/]node_modules[\\/](?:npm|pnpm|yarn|corepack)[\\/]|[\\/](?:npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(?:-cli)?(?:\.c?js)?$|[\\/]\.?yarn[\\/].*[\\/]yarn-[\d.]+\.c?js$/;

try {
  // Ours is not the program's to see, or to load again.
  delete require.cache[__filename];
  // Node's own thread for hooks loads what the process does: no code of the user's runs there but hooks.
  const isHooksThread = !isMainThread && parentPort === null;
  if (!isHooksThread && !packageManager.test(process.argv[1] ?? '')) {
    const module = { exports: {} };
    const cache = process.env['WHYWAIT_CACHE'] ?? '';
    const version = typeof mainDigest === 'string' ? mainDigest : '';
    runBundle(join(__dirname, 'main.recorder.cjs'), version, cache, [
      module.exports,
      require,
      module,
      __filename,
      __dirname,
    ]);
  }
} catch {
  // Not in the user's process.
}
