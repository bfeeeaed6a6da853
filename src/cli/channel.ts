// The channel of a program that was to have one: whoever starts us with an `ipc` among the standard streams (fork(), a
// process manager) means to speak to the program. Node opens our end before we run, so it cannot be inherited: what
// comes from either side is said to the other.

import type { ChildProcess, SendHandle, SerializationType } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One of the two ends: this process's, to who started it, or the program's. */
type End = Pick<ChildProcess, 'send' | 'connected' | 'disconnect' | 'channel' | 'on'>;

/** Whether somebody started us with a channel. */
export const hasChannel = (): boolean => process.send !== undefined;

/**
 * How messages are written on our channel, so that the program's is like it. Node takes the variable that says so out
 * of the environment; where the system does not show what we were started with, it is the default.
 */
export function serialization(): SerializationType {
  try {
    const started = readFileSync('/proc/self/environ', 'latin1').split('\0');
    return started.includes('NODE_CHANNEL_SERIALIZATION_MODE=advanced') ? 'advanced' : 'json';
  } catch {
    return 'json';
  }
}

/** Says to the program what is said to us, and the other way round, until one of them is gone. Returns what stops holding us up. */
export function handOverChannel(child: ChildProcess): () => void {
  const ours = process as unknown as End;
  join(ours, child);
  join(child, ours);
  return () => {
    ours.channel?.unref();
    child.channel?.unref();
  };
}

function join(from: End, to: End): void {
  let underWay = 0;
  let isOver = !from.connected;
  const end = () => {
    if (isOver && underWay === 0 && to.connected) to.disconnect();
  };
  from.on('message', (message, handle?: SendHandle) => {
    if (!to.connected) return;
    underWay++;
    to.send(message as object, handle, {}, () => {
      underWay--;
      // A socket is closed here by its sending; a server would take connections that are the program's.
      if (handle !== undefined && 'close' in handle) handle.close();
      end();
    });
  });
  // Not before what was said last has been passed on.
  from.on('disconnect', () => {
    isOver = true;
    end();
  });
  // It left while we started; what it had said is heard first.
  if (isOver) setImmediate(end);
}
