// Worker threads inherit NODE_OPTIONS, and so us, unless they are given an `env` without it. Those are told by their
// `execArgv` (their environment stays as given), and by environment data (ship.ts) where the collector is.
// Child processes with an environment of their own are left alone: whoever empties it may mean to.

import workers from 'node:worker_threads';
import { patch, standsFor } from './patch.ts';
import { count } from './span-buffer.ts';

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
  // Ended from outside, a thread ships nothing any more, and cannot say so.
  patch<() => Promise<number>>(
    Worker.prototype,
    'terminate',
    (original) =>
      function (this: workers.Worker) {
        if (this.threadId > 0) count('lost.threads', 'terminated', 1);
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never);
      },
  );
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
