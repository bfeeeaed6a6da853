// The thread that owns a run's file; open.ts speaks with it. A checkpoint may stall this thread for a second, never
// the one that reads sockets.

import { parentPort, workerData } from 'node:worker_threads';
import { DuckDbStore } from './duckdb.ts';
import type { Answer, Ask, OpenData } from './open.ts';
import { buffersOf } from './scan.ts';
import { StoreError } from './store.ts';

const port = parentPort!;
const { file, mode, options } = workerData as OpenData;
/** Scans that wait until their last block has been taken. */
const taken = new Map<number, () => void>();

const tell = (answer: Answer, moved: ArrayBuffer[] = []) => port.postMessage(answer, moved);

function failed(id: number, error: unknown): void {
  if (error instanceof StoreError) tell({ id, error: { code: error.code, what: error.what, todo: error.todo } });
  else tell({ id, error: { message: error instanceof Error ? error.message : String(error) } });
}

async function answer(store: DuckDbStore, ask: Ask): Promise<void> {
  const { id } = ask;
  switch (ask.call) {
    case 'join':
      return tell({ id, value: await store.join(ask.hello) });
    case 'append':
      return tell({ id, value: await store.append(ask.process, ask.batch) });
    case 'words':
      return tell({ id, value: await store.words() });
    case 'totals':
      return tell({ id, value: await store.totals() });
    case 'counters':
      return tell({ id, value: await store.counters() });
    case 'holders':
      return tell({ id, value: await store.holders() });
    case 'pauses':
      return tell({ id, value: await store.pauses() });
    case 'traces':
      return tell({ id, value: await store.traces(ask.question) });
    case 'trace': {
      const batch = await store.trace(ask.hi, ask.lo);
      return tell({ id, value: batch }, batch === undefined ? [] : [batch.buffer]);
    }
    case 'rollup':
      return tell({ id, value: await store.rollup(ask.of) });
    case 'scan':
      await store.scan(undefined, (block) => {
        const next = new Promise<void>((resolve) => taken.set(id, resolve));
        tell({ id, block }, buffersOf(block));
        return next;
      });
      taken.delete(id);
      return tell({ id, value: undefined });
    case 'next':
      return taken.get(id)?.();
    case 'close':
      await store.close();
      tell({ id, value: undefined });
      port.close();
  }
}

try {
  const store = await DuckDbStore.open(file, mode, options);
  port.on('message', (ask: Ask) => {
    answer(store, ask).catch((error: unknown) => failed(ask.id, error));
  });
  tell({ id: 0, value: undefined });
} catch (error) {
  failed(0, error);
}
