// The recorder, loaded by entry.ts. Decides whether to record here, then puts everything in its place, once.

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
import { patchStream } from './patch-stream.ts';
import { patchTimers } from './patch-timers.ts';
import { patchWorkers } from './patch-worker.ts';
import { settlePauses, watchGc } from './pauses.ts';
import { collectorIsThere, environment, Shipper } from './ship.ts';
import { count, writeOperation } from './span-buffer.ts';
import { hideFrames } from './stacks.ts';
import { installTransform } from './transform/install.ts';
import { keepExcerpt } from './transform/positions.ts';

const started = Symbol.for('whywait.started');

let addonsAreTold = false;

/** What native addons send passes no socket of Node's: that they were there is all that can be said. */
function tellAddons(): void {
  if (addonsAreTold) return;
  addonsAreTold = true;
  for (const file of Object.keys(require.cache)) {
    if (file.endsWith('.node')) count('blind.native-addon', basename(file), 1);
  }
}

function start(options: Options): void {
  hideFrames();
  const shipper = new Shipper(options);
  if (options.budget > 0) startBudget(options.budget);
  onSettled((op) => {
    const weight = weightOf(op);
    if (weight >= 0) writeOperation(op, weight);
  });
  startContexts();
  if (options.functions) {
    startFrames();
    patchTimers();
    installTransform({ root: options.root, runtime, addSites, folder: __dirname, count });
  }
  patchStream();
  patchNet(options, { askerOn, guessOn });
  patchHttp();
  patchHttp2(options);
  patchFetch();
  patchDgram();
  patchWorkers(__filename);
  watchGc();
  const settling = [closeAll, settleStreams, settleDatagrams, settleInbound, flushOwners, settlePauses, tellAddons];
  atExit(() => {
    for (const settle of settling) {
      try {
        settle();
      } catch {
        count('off.exit', settle.name, 1);
      }
    }
    shipper.leave();
  }, keepExcerpt);
}

try {
  const options = readOptions(environment());
  // A preload named twice (a user's own --require, a bundle of us) records once.
  const twice = started in globalThis;
  if (options && !twice && collectorIsThere(options.dir)) {
    Object.defineProperty(globalThis, started, { value: basename(__filename) });
    start(options);
  }
} catch (fault) {
  // Not in the user's process. What is in place already ships, and can say so.
  count('off.start', fault instanceof Error ? fault.name : '', 1);
}
