// How the program ended, and how we end the same way.

import { constants } from 'node:os';

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** "ended with 0", "was ended by SIGTERM" */
export const endingInWords = ({ code, signal }: Ending): string =>
  signal ? `was ended by ${signal}` : `ended with ${code}`;

/** Signals whose default leaves a core file: one of the program's is enough. */
const dumping: readonly NodeJS.Signals[] = [
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGSYS',
];

/** Ends this process as the program ended, for the shell that waits for us: by the same code or the same signal. */
export function endLike({ code, signal }: Ending): void {
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  process.exitCode = 128 + (constants.signals[signal] ?? 0);
  if (dumping.includes(signal) || process.platform === 'win32') return;
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
