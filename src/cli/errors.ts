// What goes wrong at the command line: a stable code, one sentence of what, one of what to do.

export class CliError extends Error {
  readonly code: string;
  readonly what: string;
  readonly todo: string;
  readonly exitCode: number;

  constructor(code: string, what: string, todo: string, exitCode = 1) {
    super(`${what} ${todo}`);
    this.name = 'CliError';
    this.code = code;
    this.what = what;
    this.todo = todo;
    this.exitCode = exitCode;
  }
}

/** Exit code for words that we do not understand. */
export const usageExit = 2;

/** Errors of the system, of the store and of the collector, in the same form. Others are ours to mend: thrown on. */
export function asCliError(error: unknown): CliError | undefined {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return undefined;
  const { code, what, todo, path } = error as Error & { code?: string; what?: string; todo?: string; path?: string };
  if (code?.startsWith('WW_')) return new CliError(code, what ?? error.message, todo ?? '', 1);
  const where = path ?? 'The directory';
  switch (code) {
    case 'EADDRINUSE':
      return new CliError('WW_PORT_IN_USE', 'The port is in use.', 'Give another with --port, or none for a free one.');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CliError(
        'WW_DIR_READONLY',
        `${where} cannot be written to.`,
        'Say with --dir where whywait may keep its runs.',
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new CliError(
        'WW_DISK_FULL',
        'The disk is full.',
        'Free some space (whywait runs rm removes old runs), or give another place with --dir.',
      );
  }
  return undefined;
}
