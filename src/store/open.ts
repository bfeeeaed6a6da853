// Opens a run's store in a thread of its own and speaks with it by messages; batches and blocks are moved, not copied.

import { resolve as absolute } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { TraceColumns } from '../model/trace.ts';
import type { Hello } from '../model/wire.ts';
import type { DuckDbOptions } from './duckdb.ts';
import { type Block, tracesOf } from './scan.ts';
import { type RollupKind, type Store, StoreError, type StoreErrorCode, type TracesQuestion } from './store.ts';

export interface OpenData {
  readonly file: string;
  readonly mode: 'write' | 'read';
  readonly options: DuckDbOptions;
}

type Call =
  | { call: 'join'; hello: Hello }
  | { call: 'append'; process: number; batch: Uint8Array<ArrayBuffer> }
  | { call: 'words' | 'totals' | 'holders' | 'counters' | 'pauses' | 'scan' | 'next' | 'close' }
  | { call: 'traces'; question: TracesQuestion }
  | { call: 'trace'; hi: bigint; lo: bigint }
  | { call: 'rollup'; of: RollupKind };

export type Ask = Call & { readonly id: number };

type Failure = { code: StoreErrorCode; what: string; todo: string } | { message: string };

/** Id 0 answers the opening. */
export type Answer = { readonly id: number } & ({ value: unknown } | { block: Block } | { error: Failure });

/** Files that this process has open. DuckDB would open one twice without an error and then lose commits. */
const openFiles = new Set<string>();

/**
 * Opens the file of a run: `write` makes it when it is not there.
 * @throws {StoreError}
 */
export async function openStore(file: string, mode: 'write' | 'read', options: DuckDbOptions = {}): Promise<Store> {
  const path = absolute(file);
  if (openFiles.has(path))
    throw new StoreError('WW_STORE_LOCKED', `This process has ${file} open already.`, 'Ask the store that is open.');
  openFiles.add(path);
  const data: OpenData = { file: path, mode, options };
  const thread = new StoreThread(data, () => openFiles.delete(path));
  try {
    await thread.opened;
  } catch (error) {
    await thread.ended;
    throw error;
  }
  return thread;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onBlock: ((block: Block) => void) | undefined;
}

class StoreThread implements Store {
  readonly opened: Promise<unknown>;
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #ended: Error | undefined;

  constructor(data: OpenData, onEnd: () => void) {
    this.#worker = startWorker(data);
    this.opened = this.#expect(0, undefined);
    this.#worker.on('message', (answer: Answer) => this.#take(answer));
    this.#worker.on('error', (error) => this.#end(error));
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#end(new StoreError('WW_STORE_FAILED', `The store of ${data.file} has ended.`, 'Open it again.'));
        onEnd();
        resolve();
      });
    });
    this.opened.catch(() => this.#worker.terminate());
  }

  #take(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    if ('block' in answer) {
      try {
        pending.onBlock?.(answer.block);
      } catch (error) {
        // The scan runs on to its end, unheard; its asker gets the error now.
        pending.reject(error as Error);
      }
      this.#worker.postMessage({ id: answer.id, call: 'next' } satisfies Ask);
      return;
    }
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('error' in answer) pending.reject(asError(answer.error));
    else pending.resolve(answer.value);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }

  #expect(id: number, onBlock: ((block: Block) => void) | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject, onBlock }));
  }

  #ask(call: Call, moved: ArrayBuffer[] = [], onBlock?: (block: Block) => void): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#last;
    // Only an open question keeps the process alive.
    this.#worker.ref();
    this.#worker.postMessage({ ...call, id } satisfies Ask, moved);
    return this.#expect(id, onBlock);
  }

  join(hello: Hello) {
    return this.#ask({ call: 'join', hello }) as ReturnType<Store['join']>;
  }

  append(process: number, batch: Uint8Array<ArrayBuffer>) {
    return this.#ask({ call: 'append', process, batch }, [batch.buffer]) as ReturnType<Store['append']>;
  }

  words() {
    return this.#ask({ call: 'words' }) as ReturnType<Store['words']>;
  }

  totals() {
    return this.#ask({ call: 'totals' }) as ReturnType<Store['totals']>;
  }

  counters() {
    return this.#ask({ call: 'counters' }) as ReturnType<Store['counters']>;
  }

  pauses() {
    return this.#ask({ call: 'pauses' }) as ReturnType<Store['pauses']>;
  }

  async scanTraces(onTrace: (trace: TraceColumns) => void) {
    await this.#ask({ call: 'scan' }, [], (block) => {
      for (const trace of tracesOf(block)) onTrace(trace);
    });
  }

  traces(question: TracesQuestion) {
    return this.#ask({ call: 'traces', question }) as ReturnType<Store['traces']>;
  }

  trace(hi: bigint, lo: bigint) {
    return this.#ask({ call: 'trace', hi, lo }) as ReturnType<Store['trace']>;
  }

  holders() {
    return this.#ask({ call: 'holders' }) as ReturnType<Store['holders']>;
  }

  rollup(of: RollupKind) {
    return this.#ask({ call: 'rollup', of }) as ReturnType<Store['rollup']>;
  }

  async close() {
    if (this.#ended !== undefined) return;
    await this.#ask({ call: 'close' });
    this.#worker.ref();
    await this.ended;
  }
}

function asError(failure: Failure): Error {
  if ('code' in failure) return new StoreError(failure.code, failure.what, failure.todo);
  return new Error(failure.message);
}

/** Built, the worker lies beside the command line; from source it is TypeScript, which a thread must be taught first. */
function startWorker(workerData: OpenData): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./store-worker.mjs', import.meta.url), { workerData });
  const entry = JSON.stringify(new URL('./worker.ts', import.meta.url).href);
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${entry}); });`;
  return new Worker(code, { workerData, eval: true });
}
