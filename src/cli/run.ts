// `whywait run`: starts the program so that it is recorded, stays out of its way, and says at its end who waited
// for what. The program owns stdin, stdout, stderr, the terminal and the signals; our words go to stderr.

import { type ChildProcess, spawn } from 'node:child_process';
import { type Collector, startCollector } from '../collector/collector.ts';
import { recoverRuns } from '../collector/recover.ts';
import { createRun, removeRun } from '../store/runs.ts';
import { handOverChannel, hasChannel, serialization } from './channel.ts';
import { nodeOptions, notExecutable, notFound, type Program, programOf, toldCommand } from './command-line.ts';
import { type Ending, endingInWords, endLike } from './end.ts';
import { CliError } from './errors.ts';
import { openPage } from './open-page.ts';
import { pageDir, recorderFile, rootOf } from './places.ts';
import { printReport } from './print-report.ts';
import { note, tell, writeJson } from './say.ts';
import { handOverSignals } from './signals.ts';
import { paperOf } from './terminal.ts';

export interface RunOptions {
  readonly name?: string;
  readonly dir?: string;
  readonly ui: boolean;
  readonly port?: number;
  readonly open?: boolean;
  readonly functions: 'on' | 'off';
  readonly propagate: string;
  /** A share: 0.02 for 2 %. */
  readonly budget?: number;
  readonly json?: string;
  readonly report: boolean;
  readonly color: boolean;
}

export async function run(words: readonly string[], options: RunOptions): Promise<void> {
  const program = programOf(words, process.cwd(), process.env);
  const recorder = recorderFile();
  const root = rootOf(options.dir);
  const record = await createRun(root, { name: options.name ?? '', command: toldCommand(words) });
  const staticDir = pageDir();
  let collector: Collector;
  try {
    collector = await startCollector({
      root,
      run: record,
      ui: options.ui && staticDir !== undefined ? { port: options.port } : undefined,
      staticDir,
      onFailure: ({ what, todo }) => note(`${what} ${todo} The program goes on; what it does now is not recorded.`),
    });
  } catch (error) {
    await removeRun(root, record).catch(() => undefined);
    throw error;
  }
  // Runs whose whywait was killed, beside what the program does.
  const recovering = recoverRuns(root).catch(() => undefined);
  if (collector.url !== '') note(`recording. The page, while the program runs: ${collector.url}`);

  let ending: Ending;
  try {
    ending = await start(
      program,
      {
        ...process.env,
        NODE_OPTIONS: nodeOptions(recorder, process.env['NODE_OPTIONS']),
        WHYWAIT_DIR: collector.dir,
        WHYWAIT_ROOT: process.cwd(),
        WHYWAIT_OPTIONS: JSON.stringify({
          functions: options.functions,
          propagate: propagation(options.propagate),
          budget: options.budget,
        }),
      },
      () => {
        if (options.open && collector.url !== '') openPage(collector.url);
      },
    );
  } catch (error) {
    await collector.close();
    await removeRun(root, record).catch(() => undefined);
    throw error;
  }

  // A second Ctrl-C, now that the program is gone, is meant for us.
  const give = () => process.exit(130);
  process.once('SIGINT', give);
  const hush = soon('taking in what was recorded …');
  try {
    await collector.finish();
    const report = await collector.runs.report();
    hush();
    if (ending.signal !== null || ending.code !== 0) note(`the program ${endingInWords(ending)}`);
    try {
      if (options.json !== undefined) writeJson(options.json, report);
    } catch (error) {
      tell(asTold(error));
    }
    if (report.run.processes.length === 0) {
      note(
        'no Node process was recorded: none called a service or waited. Should one have? Then see that it keeps NODE_OPTIONS.',
      );
    } else if (options.report) {
      process.stderr.write(`\n${printReport(report, paperOf(process.stderr, options.color), { most: 20 })}`);
      note(`look closer: whywait view${options.dir === undefined ? '' : ` --dir ${options.dir}`} ${record.id}`);
    }
  } catch (error) {
    // The program has ended well or not; that stays the answer of this command.
    hush();
    tell(asTold(error));
  }
  await recovering;
  await collector.close();
  process.removeListener('SIGINT', give);
  endLike(ending);
}

function asTold(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const { code, what, todo, message } = error as Error & { code?: string; what?: string; todo?: string };
  return new CliError(code ?? 'WW_FAILED', what ?? `The report failed: ${message}.`, todo ?? 'Try: whywait report');
}

/** Starts the program and waits for its end. */
function start({ command, args }: Program, env: NodeJS.ProcessEnv, onStart: () => void): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(command, args, {
      ...(hasChannel()
        ? { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], serialization: serialization() }
        : { stdio: 'inherit' }),
      env,
      // npm, npx and the like are .cmd files there, which only its shell can run.
      shell: process.platform === 'win32',
      windowsHide: false,
    });
    const releaseSignals = handOverSignals(child);
    const releaseChannel = hasChannel() ? handOverChannel(child) : () => {};
    const release = () => {
      releaseSignals();
      releaseChannel();
    };
    child.once('spawn', onStart);
    child.once('error', (error: NodeJS.ErrnoException) => {
      release();
      if (error.code === 'ENOENT') reject(notFound(command));
      else if (error.code === 'EACCES' || error.code === 'ENOEXEC') reject(notExecutable(command));
      else reject(new CliError('WW_NOT_STARTED', `${command} cannot be started: ${error.message}.`, 'Check it.'));
    });
    child.once('exit', (code, signal) => {
      release();
      resolve({ code, signal });
    });
  });
}

/** none, all, or hosts beside loopback and private addresses. */
function propagation(given: string): { mode: 'private' | 'all' | 'none'; hosts: string[] } {
  if (given === 'all' || given === 'none') return { mode: given, hosts: [] };
  const hosts = given
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '' && host !== 'private');
  return { mode: 'private', hosts };
}

/** Says what we do when it takes longer than a moment, on a terminal only; returns what wipes it away. */
function soon(text: string): () => void {
  if (!process.stderr.isTTY) return () => undefined;
  let said = false;
  const timer = setTimeout(() => {
    said = true;
    process.stderr.write(`whywait: ${text}`);
  }, 500);
  return () => {
    clearTimeout(timer);
    if (said) process.stderr.write('\r\u001b[K');
  };
}
