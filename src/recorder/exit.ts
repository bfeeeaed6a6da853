// The process's end, without a listener: `process.listenerCount('exit')` stays the program's own, and what its
// listeners do is recorded before we leave.
//
//   process.exit() ─► process.emit('exit') ─► process.reallyExit()
//   the end of the loop, an uncaught exception ─► process.emit('exit')
//
// process.abort() and fatal signals call nobody.

import { patch } from './patch.ts';

export function atExit(leave: () => void): void {
  patch<(event: string | symbol) => boolean>(
    process,
    'emit',
    (original) =>
      function (this: NodeJS.Process, event: string | symbol) {
        if (event !== 'exit' || (this as unknown) !== process) {
          // biome-ignore lint/complexity/noArguments: handed on as they came
          return Reflect.apply(original, this, arguments as never);
        }
        try {
          // biome-ignore lint/complexity/noArguments: handed on as they came
          return Reflect.apply(original, this, arguments as never);
        } finally {
          leave();
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
