// Node's own tests as files: which belong to a group, how Node's runner (tools/test.py) would start one, and running
// one to its end.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A group is what follows `test-` in the names of its files, and the folders that are its own. */
interface Group {
  readonly words: readonly string[];
  readonly folders?: readonly string[];
}

export const groups: Readonly<Record<string, Group>> = {
  net: { words: ['net'] },
  http: { words: ['http'] },
  'async-hooks': { words: ['async-hooks', 'async-hook', 'async-wrap', 'asyncresource'], folders: ['async-hooks'] },
  'async-local-storage': { words: ['async-local-storage', 'async-context', 'als'] },
  promise: { words: ['promise', 'promises', 'promise-hook', 'microtask', 'queue-microtask', 'unhandled'] },
  timers: { words: ['timers', 'next-tick'] },
  dns: { words: ['dns'] },
  dgram: { words: ['dgram'] },
  tls: { words: ['tls'] },
  https: { words: ['https'] },
  http2: { words: ['http2'] },
  stream: { words: ['stream', 'stream2', 'stream3', 'streams'] },
  'diagnostics-channel': { words: ['diagnostics-channel'] },
  worker: { words: ['worker'] },
  cluster: { words: ['cluster'] },
  child_process: { words: ['child-process'] },
  fs: { words: ['fs'] },
};

/** Folders whose tests may run beside each other; those of `sequential` use one port. */
const parallelFolders = ['parallel'];
const sequentialFolders = ['sequential'];

export interface NodeTest {
  readonly group: string;
  /** "parallel/test-net-access-byteswritten.js" */
  readonly name: string;
  readonly alone: boolean;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The tests of a group: of one that is not in the table, the files that are named like it. */
export function testsOf(folder: string, group: string): NodeTest[] {
  const { words, folders = [] } = groups[group] ?? { words: [group] };
  const tests: NodeTest[] = [];
  for (const sub of [...parallelFolders, ...sequentialFolders, ...folders]) {
    const path = join(folder, sub);
    if (!existsSync(path)) continue;
    const whole = folders.includes(sub);
    for (const file of readdirSync(path).sort()) {
      const [, stem] = /^test-(.+)\.[cm]?js$/.exec(file) ?? [];
      if (stem === undefined) continue;
      if (!whole && !words.some((word) => stem === word || stem.startsWith(`${word}-`))) continue;
      const source = readFileSync(join(path, file), 'utf8');
      tests.push({
        group,
        name: `${sub}/${file}`,
        alone: sequentialFolders.includes(sub),
        flags: wordsBehind(/\/\/\s+Flags:(.*)/, source),
        env: Object.fromEntries(wordsBehind(/\/\/\s+Env:(.*)/, source).map(assignment)),
      });
    }
  }
  return tests;
}

function wordsBehind(pattern: RegExp, source: string): string[] {
  return (pattern.exec(source)?.[1] ?? '').split(/\s+/).filter((word) => word !== '');
}

function assignment(word: string): [string, string] {
  const [name, ...value] = word.split('=');
  return [name, value.join('=')];
}

export type Verdict = 'pass' | 'skip' | 'fail' | 'time-out';

export interface Result {
  readonly verdict: Verdict;
  readonly ms: number;
  /** Exit code or signal, and the end of what it said; '' when it passed. */
  readonly said: string;
}

export interface Place {
  /** The folder of Node's tests. */
  readonly folder: string;
  readonly node: string;
  /** Where tests may write; theirs alone while one runs. */
  readonly scratch: string;
  readonly thread: number;
  readonly timeoutMs: number;
}

const mostSaid = 4_000;

/** Runs a test as Node's runner does, with `env` beside what the test asks for; what it left running is ended. */
export function runTest(test: NodeTest, place: Place, env: Readonly<Record<string, string>>): Promise<Result> {
  const { folder, node, scratch, thread, timeoutMs } = place;
  mkdirSync(scratch, { recursive: true });
  const start = performance.now();
  return new Promise((resolve) => {
    const child = spawn(node, [...test.flags, join(folder, test.name)], {
      cwd: join(folder, '..'),
      env: {
        ...cleanEnvironment(),
        NODE_TEST_DIR: scratch,
        TEST_SERIAL_ID: String(thread),
        TEST_THREAD_ID: String(thread),
        TEST_PARALLEL: test.alone ? '0' : '1',
        ...env,
        ...test.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, to end with all of its children.
      detached: true,
    });
    let said = '';
    let late = false;
    const hear = (text: string) => {
      said = (said + text).slice(-mostSaid * 4);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    const endAll = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // All have ended.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      endAll();
    }, timeoutMs);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      endAll();
      // Not at 'close': a grandchild in a group of its own may hold the pipes.
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
        const ms = Math.round(performance.now() - start);
        const passed = code === 0 && signal === null;
        const skipped = passed && /^1\.\.0 # Skipped:/m.test(said);
        const verdict = late ? 'time-out' : skipped ? 'skip' : passed ? 'pass' : 'fail';
        resolve({ verdict, ms, said: passed ? '' : `${signal ?? `exit ${code}`}\n${said.slice(-mostSaid)}` });
      });
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ verdict: 'fail', ms: 0, said: error.message });
    });
  });
}

/** Nothing of npm's, of Node's options, of colours. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|NODE_|NO_COLOR|FORCE_COLOR|CLICOLOR|WHYWAIT_|TEST_)/i.test(name),
  );
  return Object.fromEntries(kept);
}
