// The process's end, without a listener: `process.listenerCount('exit')` stays the program's own, and what its
// listeners do is recorded before we leave.
//
//   process.exit() ─► process.emit('exit') ─► process.reallyExit()
//   the end of the loop, an uncaught exception ─► process.emit('exit')
//
// process.abort() and fatal signals call nobody.

import { patch } from './patch.ts';

/** @param fatal told of the rejection that the process ends by, when all that is left is to print it. */
export function atExit(leave: () => void, fatal: (error: unknown) => void): void {
  /** A rejection that no listener took; Node ends the process. */
  let rejected: { readonly error: unknown } | undefined;
  patch<(event: string | symbol, ...args: unknown[]) => boolean>(
    // Where it is not one of its keys.
    Object.getPrototypeOf(process),
    'emit',
    (original) =>
      function (this: NodeJS.Process, event: string | symbol, ...args: unknown[]) {
        const ends = event === 'exit';
        if ((!ends && event !== 'uncaughtException') || (this as unknown) !== process) {
          // biome-ignore lint/complexity/noArguments: handed on as they came
          return Reflect.apply(original, this, arguments as never);
        }
        try {
          // biome-ignore lint/complexity/noArguments: handed on as they came
          const heard = Reflect.apply(original, this, arguments as never);
          if (!ends && !heard && args[1] === 'unhandledRejection') rejected = { error: args[0] };
          return heard;
        } finally {
          if (ends) {
            leave();
            if (rejected !== undefined) fatal(rejected.error);
          }
        }
      },
  );
  // A listener that calls process.exit() never returns to `emit`.
  patch<(code: number) => never>(
    process,
    'reallyExit',
    (original) =>
      function (this: NodeJS.Process, code) {
        leave();
        return original.call(this, code);
      } as typeof original,
  );
}
