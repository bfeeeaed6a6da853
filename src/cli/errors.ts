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

/** An error of the store or the collector in the same form; undefined for one that is ours to mend. */
export function asCliError(error: unknown): CliError | undefined {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return undefined;
  const { code, what, todo, syscall } = error as NodeJS.ErrnoException & { what?: string; todo?: string };
  if (syscall === 'uv_cwd')
    return new CliError('WW_NO_DIRECTORY', 'The current directory is gone.', 'Go to one that is there.');
  return code?.startsWith('WW_') ? new CliError(code, what ?? error.message, todo ?? '') : undefined;
}
