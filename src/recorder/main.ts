// The recorder: `node --require dist/recorder/recorder.cjs`, by NODE_OPTIONS, in every Node process of a run and in
// each of its worker threads. Decides whether to record here, then puts everything in its place, once.

import { basename } from 'node:path';
import { startBudget, weightOf } from './budget.ts';
import { closeAll } from './connection.ts';
import { startContexts } from './context.ts';
import { atExit } from './exit.ts';
import { addSites, runtime, startFrames } from './frames.ts';
import { type Options, readOptions } from './options.ts';
import { flushOwners, onSettled } from './ownership.ts';
import { patchDgram, settleDatagrams } from './patch-dgram.ts';
import { guessOn, patchFetch } from './patch-fetch.ts';
import { askerOn, patchHttp, settleInbound } from './patch-http.ts';
import { patchHttp2, settleStreams } from './patch-http2.ts';
import { patchNet } from './patch-net.ts';
import { patchWorkers } from './patch-worker.ts';
import { settlePauses, watchGc } from './pauses.ts';
import { collectorIsThere, environment, Shipper } from './ship.ts';
import { count, writeOperation } from './span-buffer.ts';
import { installTransform } from './transform/install.ts';
import { keepExcerpt } from './transform/positions.ts';

/** The scripts of package managers: they only start the program. */
const packageManager =
  /[\\/]node_modules[\\/](?:npm|pnpm|yarn|corepack)[\\/]|[\\/](?:npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(?:-cli)?(?:\.c?js)?$|[\\/]\.?yarn[\\/].*[\\/]yarn-[\d.]+\.c?js$/;

const started = Symbol.for('whywait.started');

function start(options: Options): void {
  const shipper = new Shipper(options);
  if (options.budget > 0) startBudget(options.budget);
  onSettled((op) => {
    const weight = weightOf(op);
    if (weight >= 0) writeOperation(op, weight);
  });
  startContexts();
  if (options.functions) {
    startFrames();
    installTransform({ root: options.root, runtime, addSites, folder: __dirname, count });
  }
  patchNet(options, { askerOn, guessOn });
  patchHttp();
  patchHttp2(options);
  patchFetch();
  patchDgram();
  patchWorkers(__filename);
  watchGc();
  atExit(() => {
    try {
      closeAll();
      settleStreams();
      settleDatagrams();
      settleInbound();
      flushOwners();
      settlePauses();
    } catch {
      // What could not be settled is lost; the rest is left behind.
    }
    shipper.leave();
  }, keepExcerpt);
}

try {
  // Ours is not the program's to see, or to load again.
  delete require.cache[__filename];
  const options = readOptions(environment());
  // A preload named twice (a user's own --require, a bundle of us) records once.
  const twice = started in globalThis;
  if (options && !twice && !packageManager.test(process.argv[1] ?? '') && collectorIsThere(options.dir)) {
    Object.defineProperty(globalThis, started, { value: basename(__filename) });
    start(options);
  }
} catch {
  // Not in the user's process.
}
