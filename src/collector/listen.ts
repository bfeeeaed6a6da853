// Where the collector listens: two sockets in a directory that only the user may enter, and a loopback port.

import { chmod, mkdtemp } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** One sentence of what is wrong, one of what to do. */
export class CollectorError extends Error {
  readonly code: 'WW_PORT_IN_USE' | 'WW_NO_TEMPORARY' | 'WW_PORT_REFUSED' | 'WW_LISTEN_FAILED';
  readonly what: string;
  readonly todo: string;

  constructor(code: CollectorError['code'], what: string, todo: string, options?: ErrorOptions) {
    super(`${what} ${todo}`, options);
    this.name = 'CollectorError';
    this.code = code;
    this.what = what;
    this.todo = todo;
  }
}

/** A socket's path holds 104 bytes on macOS, 108 on Linux. */
const maxPath = 100;

/** A new directory of mode 0700; mkdtemp makes it so. */
export function privateDir(): Promise<string> {
  const wanted = join(tmpdir(), 'whywait-');
  const isLong = process.platform !== 'win32' && Buffer.byteLength(wanted) + 'XXXXXX/c.sock'.length > maxPath;
  return mkdtemp(isLong ? '/tmp/whywait-' : wanted).catch((error) => {
    const what = `Cannot make a directory for temporary files in ${dirname(wanted)}.`;
    throw new CollectorError('WW_NO_TEMPORARY', what, 'Set TMPDIR to a directory that can be written.', {
      cause: error,
    });
  });
}

/** `c` for recorders, `a` for the API. Windows has named pipes instead, in a name space of their own. */
export const socketPath = (dir: string, which: 'a' | 'c'): string =>
  process.platform === 'win32' ? `\\\\.\\pipe\\${basename(dir)}-${which}` : join(dir, `${which}.sock`);

/** Listens on a socket that only the user may connect to. */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  await listening(server, () => server.listen(path)).catch((error) => {
    throw new CollectorError('WW_LISTEN_FAILED', `Cannot listen on ${path}.`, 'Check TMPDIR.', { cause: error });
  });
  if (process.platform !== 'win32') await chmod(path, 0o600);
}

/** Listens on 127.0.0.1, on a free port unless one is given; returns the port. */
export async function listenOnLoopback(server: Server, port = 0): Promise<number> {
  await listening(server, () => server.listen(port, '127.0.0.1')).catch((error: NodeJS.ErrnoException) => {
    const todo = 'Choose another with --port, or leave it out to get a free one.';
    if (error.code === 'EADDRINUSE')
      throw new CollectorError('WW_PORT_IN_USE', `Port ${port} is in use.`, todo, { cause: error });
    throw new CollectorError('WW_PORT_REFUSED', `Cannot listen on port ${port}: ${error.message}.`, todo, {
      cause: error,
    });
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    listen();
  });
}
