// For tests of the command as typed: a directory of small programs, and the real binary run on them.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunSummary } from '../src/model/api.ts';
import type { Report } from '../src/model/report.ts';

export const whywait = join(dirname(fileURLToPath(import.meta.url)), '../bin/whywait.mjs');

/** The environment without what would colour, or record, the programs. */
export const clean: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '' };

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions extends SpawnOptions {
  readonly input?: string;
}

/** What whywait prints of its own, one line or two of an error, comes off; what is left is the program's. */
export const programsOwn = (stderr: string): string => stderr.replace(/^whywait: .*\n( {9}.*\n)?/gm, '');

/** Whether `script(1)`, which makes a terminal, is here. */
export const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

/**
 * Starts whywait at a terminal of its own, which gives `0x03` on its standard input as Ctrl-C. With `exec` no shell stays
 * between: one that waits (dash does, bash does not) takes the interrupt too, and its exit code hides ours.
 */
export const atTerminal = (args: readonly string[], cwd: string): ChildProcess => {
  const command = ['exec', ...[process.execPath, whywait, ...args].map((word) => `'${word}'`)].join(' ');
  return spawn('script', ['-qefc', command, '/dev/null'], { cwd, env: clean });
};

export class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'whywait-e2e-'));
  #roots = 0;

  put(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.dir, name)), { recursive: true });
      writeFileSync(join(this.dir, name), text);
    }
  }

  /** A new directory to keep runs in. */
  newRoot(): string {
    const root = join(this.dir, `root${++this.#roots}`);
    mkdirSync(root);
    return root;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  cli(args: readonly string[], { input = '', env, ...options }: CliOptions = {}): Ended {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [whywait, ...args], {
      cwd: this.dir,
      ...options,
      env: { ...clean, ...env },
      encoding: 'utf8',
      input,
      timeout: 120_000,
    } as object) as unknown as Ended;
    return { status, signal, stdout, stderr };
  }

  /** As start(), with a stdin that stays open for the program when whywait itself has gone. */
  startApart(args: readonly string[], env: NodeJS.ProcessEnv): Started {
    const pipe = join(this.dir, `stdin${++this.#roots}`);
    execFileSync('mkfifo', [pipe]);
    const input = openSync(pipe, 'r+');
    const options: SpawnOptions = { cwd: this.dir, env: { ...clean, ...env }, stdio: [input, 'pipe', 'pipe'] };
    return new Started(spawn(process.execPath, [whywait, ...args], options), input);
  }

  start(args: readonly string[], options: SpawnOptions = {}): Started {
    return new Started(
      spawn(process.execPath, [whywait, ...args], {
        cwd: this.dir,
        ...options,
        env: { ...clean, ...options.env },
      }),
    );
  }

  report(root: string, run = 'latest'): Report {
    const { stdout, stderr } = this.cli(['report', run, '--dir', root, '--json']);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Report;
  }

  runs(root: string): RunSummary[] {
    return (JSON.parse(this.cli(['runs', '--dir', root, '--json']).stdout) as { runs: RunSummary[] }).runs;
  }
}

/** A process whose words are waited for. */
export class Started {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>;
  readonly #input: number | undefined;
  #isClosed = false;
  #wakers: (() => void)[] = [];

  /** `input`: what its stdin reads from, when that must outlive it. */
  constructor(child: ChildProcess, input?: number) {
    this.child = child;
    this.#input = input;
    const wake = () => {
      for (const waker of this.#wakers.splice(0)) waker();
    };
    child.stdout?.on('data', (text) => {
      this.stdout += text;
      wake();
    });
    child.stderr?.on('data', (text) => {
      this.stderr += text;
      wake();
    });
    child.stdin?.on('error', () => undefined);
    this.#closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    child.once('close', () => {
      this.#isClosed = true;
      wake();
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  say(line: string): void {
    if (this.#input === undefined) this.child.stdin!.write(`${line}\n`);
    else writeSync(this.#input, `${line}\n`);
  }

  /** Ends when the program has said this. */
  async said(words: string | RegExp, where: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpMatchArray> {
    for (;;) {
      const found = this[where].match(words);
      if (found !== null) return found;
      if (this.#isClosed) throw new Error(`it ended without saying ${words}: ${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  async end(): Promise<Ended> {
    const [status, signal] = await this.#closed;
    return { status, signal, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Whether a process is there; one that has ended and was not waited for is not. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

/** Whether a process still has its number, ended or not. */
export function hasPid(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
