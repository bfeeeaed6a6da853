// Bytes that a library hands on before it writes them: through a PassThrough (amqplib has one for each channel, and
// moves what is in them to the socket in a turn of its own). A message that is never answered belongs to whoever handed
// it on; the context of the writing is that of whoever did so first.

import { PassThrough } from 'node:stream';
import { current, type Snapshot } from './ownership.ts';
import { patch } from './patch.ts';
import { count } from './span-buffer.ts';

type Write = (chunk: unknown, ...rest: unknown[]) => boolean;

const handedOn = new WeakMap<object, Snapshot>();
let any = false;

/** Who handed on these bytes, which are about to be written; undefined = nobody did. Told once: they may be a constant. */
export function handerOf(chunk: unknown): Snapshot | undefined {
  if (!any || typeof chunk !== 'object' || chunk === null) return undefined;
  const hander = handedOn.get(chunk);
  if (hander !== undefined) handedOn.delete(chunk);
  return hander;
}

export function patchStream(): void {
  patch<Write>(
    PassThrough.prototype,
    'write',
    (original) =>
      function (this: PassThrough, chunk: unknown) {
        if (chunk instanceof Uint8Array) {
          try {
            handedOn.set(chunk, current());
            any = true;
          } catch {
            count('off.streams', '', 1);
          }
        }
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never);
      } as unknown as Write,
  );
}
