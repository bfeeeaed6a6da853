// Worker threads inherit NODE_OPTIONS, and so us, unless they are given an `env` without it. Those are told by their
// `execArgv` (their environment stays as given), and by environment data (ship.ts) where the collector is.
// Child processes with an environment of their own are left alone: whoever empties it may mean to.

import workers from 'node:worker_threads';
import { standsFor } from './patch.ts';

interface WorkerOptions {
  readonly env?: unknown;
  readonly execArgv?: readonly string[];
}

export function patchWorkers(recorder: string): void {
  const { Worker } = workers;
  const follows = new Proxy(Worker, {
    construct(target, args: unknown[], newTarget) {
      return Reflect.construct(target, told(args, recorder), newTarget);
    },
  });
  standsFor(follows, Worker);
  // The namespace of `import` takes it from here too.
  workers.Worker = follows;
}

function told(args: unknown[], recorder: string): unknown[] {
  const options = args[1] as WorkerOptions | undefined;
  if (typeof options !== 'object' || options === null) return args;
  const { env, execArgv } = options;
  if (typeof env !== 'object' || env === null || env === process.env) return args;
  const inherited = String((env as NodeJS.ProcessEnv)['NODE_OPTIONS'] ?? '');
  // What this process was started with may hold what a thread cannot take; it inherits that only as a whole.
  if (inherited.includes(recorder) || (!execArgv && process.execArgv.length > 0)) return args;
  return [args[0], { ...options, execArgv: [...(execArgv ?? []), '--require', recorder] }, ...args.slice(2)];
}
