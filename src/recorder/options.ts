// What `whywait run` told this process through the environment. Read once; a value that is not understood is its
// default, since nothing may be said in the user's process.

export interface Options {
  /** The directory of the collector's socket. */
  readonly dir: string;
  /** The directory of the run: files are named relative to it. */
  readonly root: string;
  /** 'private': to loopback, private addresses and `hosts`. */
  readonly propagate: 'private' | 'all' | 'none';
  readonly hosts: readonly string[];
  readonly functions: boolean;
  /** Of the process's CPU time that the recorder may take: 0.02 for 2 %; 0 = no limit. */
  readonly budget: number;
}

/** The options in an environment; undefined when no collector is named in it. */
export function readOptions(env: NodeJS.ProcessEnv): Options | undefined {
  const dir = env['WHYWAIT_DIR'];
  if (!dir) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(env['WHYWAIT_OPTIONS'] || '{}');
  } catch {
    given = undefined;
  }
  const { propagate, functions, budget } = fields(given);
  const { mode, hosts } = fields(propagate);
  return {
    dir,
    root: env['WHYWAIT_ROOT'] || process.cwd(),
    propagate: mode === 'all' || mode === 'none' ? mode : 'private',
    hosts: Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : [],
    functions: functions !== 'off',
    budget: typeof budget === 'number' && budget > 0 && budget < 1 ? budget : 0,
  };
}

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
