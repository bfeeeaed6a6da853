// The suite of programs whose truth is known: runs each by `whywait run` on real servers whose answers are held for a
// known time (delays.mjs), and compares what was recorded with what the program says of itself (truth.cjs).
//
// A program measures, by its own clock around the very delays, where the time of a function went; a busy machine makes
// both longer. At a line it may say what ends the wait there: `// ended by operation get`, `function load`, `timer`,
// `other`. What is told (which account, who is to blame) must be right at once; only the bounds of time may be tried
// again, since a program and its recorder can be stopped by the machine between two readings of the clock.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Server, startMariadb, startPostgres, startRedis } from '../../scripts/servers.ts';
import type { FrameAccounts } from '../../src/analysis/accounts.ts';
import { reportOf } from '../../src/analysis/report.ts';
import { buildTree, isFrame, type Tree } from '../../src/analysis/trace.ts';
import type { FunctionReport } from '../../src/model/report.ts';
import { Cause } from '../../src/model/schema.ts';
import type { TraceColumns, Words } from '../../src/model/trace.ts';
import { openStore } from '../../src/store/open.ts';
import { findRun, spansFile } from '../../src/store/runs.ts';
import { clean, whywait } from '../command-kit.ts';
import { pair } from '../recorder-kit.ts';
import { endedByTimes } from './times-only.ts';

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, '../..');

export const programs: readonly string[] = readdirSync(join(here, 'programs')).sort();

/** What a program says of itself: ms by function and account, by function and who held it up. */
interface Truth {
  readonly functions: Record<string, Partial<Record<keyof FrameAccounts, number>>>;
  readonly heldBy: Record<string, Record<string, number>>;
  readonly blockedBy: Record<string, Record<string, number>>;
  /** Where it saw less than was put in, in words. */
  readonly short: readonly string[];
}

/** An account of a function: what is true, what was measured. ms. */
export interface Compared {
  readonly of: string;
  readonly account: string;
  readonly truth: number;
  readonly measured: number;
  readonly pass: boolean;
}

/** What ended the waits at a line. */
export interface Blamed {
  readonly at: string;
  readonly truth: string;
  readonly measured: string;
  readonly pass: boolean;
  /** By times only. */
  readonly byTimes: string;
  readonly byTimesPass: boolean;
}

export interface Result {
  readonly program: string;
  readonly accounts: readonly Compared[];
  readonly blame: readonly Blamed[];
  /** Of the wall time of the functions that the program speaks of, a share. */
  readonly unexplained: number;
  /** Structure that is wrong, in words. */
  readonly faults: readonly string[];
  /** Where the program itself saw less than was put in. */
  readonly short: readonly string[];
  /** How often the program was run for its bounds of time. */
  readonly attempts: number;
}

const members = ['cpu', 'callees', 'services', 'pool', 'connect', 'loop', 'timers', 'other'] as const;

/** 2 ms in a call, or 5 %. */
const isNear = (measured: number, truth: number, calls: number) =>
  Math.abs(measured - truth) <= Math.max(2 * calls, truth / 20);

/** As far as a machine that is busy with other things may stop a program between two readings of the clock. */
export const isAbout = ({ measured, truth }: Compared): boolean =>
  Math.abs(measured - truth) <= Math.max(40, truth / 2);

export const mostUnexplained = 0.05;

export class Suite {
  readonly dir = mkdtempSync(join(tmpdir(), 'whywait-accounts-'));
  #servers: Server[] = [];
  #delays: ChildProcess | undefined;
  #ports = '';
  #runs = 0;
  readonly #node: string;

  /** `node`: what runs the programs. */
  constructor(node = process.execPath) {
    this.#node = node;
  }

  async start(): Promise<void> {
    const { dir } = this;
    cpSync(join(here, 'programs'), join(dir, 'programs'), { recursive: true });
    mkdirSync(join(dir, 'node_modules/truth'), { recursive: true });
    cpSync(join(here, 'truth.cjs'), join(dir, 'node_modules/truth/index.js'));
    const modules = join(repository, 'node_modules');
    for (const name of readdirSync(modules)) {
      if (!name.startsWith('.')) symlinkSync(join(modules, name), join(dir, 'node_modules', name));
    }
    writeFileSync(join(dir, 'key.pem'), pair.key);
    writeFileSync(join(dir, 'cert.pem'), pair.cert);
    const [redis, mariadb, postgres] = await Promise.all([startRedis(), startMariadb(), startPostgres()]);
    this.#servers = [redis, mariadb, postgres];
    const targets = { redis: redis.port, mysql: mariadb.port, postgresql: postgres.port };
    const files = [join(here, 'delays.mjs'), JSON.stringify(targets), join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const delays = spawn(process.execPath, files, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], env: clean });
    this.#delays = delays;
    for (const { pid } of [delays, ...this.#servers]) prefer(pid);
    [this.#ports] = (await once(createInterface({ input: delays.stdout! }), 'line')) as [string];
  }

  async stop(): Promise<void> {
    this.#delays?.disconnect();
    await Promise.all(this.#servers.map((server) => server.stop()));
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Runs a program, again when a bound of time was missed. */
  async check(program: string, mayTryAgain: () => boolean, mostAttempts = 3): Promise<Result> {
    for (let attempts = 1; ; attempts++) {
      const result = { ...(await this.#once(program)), attempts };
      const late =
        result.short.length > 0 || result.accounts.some(({ pass }) => !pass) || result.unexplained > mostUnexplained;
      const wrong = result.faults.length > 0 || result.blame.some(({ pass }) => !pass);
      if (wrong || !late || attempts >= mostAttempts || !mayTryAgain()) return result;
    }
  }

  async #once(program: string): Promise<Omit<Result, 'attempts'>> {
    const root = join(this.dir, `run${++this.#runs}`);
    mkdirSync(root);
    const truth = await this.#run(program, root);
    const source = readFileSync(join(this.dir, 'programs', program), 'utf8').split('\n');
    const { functions, trees, words } = await read(root);
    rmSync(root, { recursive: true });
    return compare(program, source, truth, functions, trees, words);
  }

  async #run(program: string, root: string): Promise<Truth> {
    const args = [whywait, 'run', '--no-ui', '--no-report', '--dir', root, '--', this.#node, join('programs', program)];
    const env = { ...clean, PORTS: this.#ports, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
    const said = await new Promise<string>((resolve, reject) => {
      const child = execFile(process.execPath, args, { cwd: this.dir, env, timeout: 60_000 }, (error, out, err) => {
        if (error) reject(new Error(`${program}: ${error.message}\n${out}\n${err}`));
        else resolve(out);
      });
      prefer(child.pid);
    });
    const found = /^TRUTH (.*)$/m.exec(said);
    if (found === null) throw new Error(`${program} says nothing of itself:\n${said}`);
    return JSON.parse(found[1]) as Truth;
  }
}

/** Before other work of the machine, where we may: fewer stops between two readings of the clock. */
function prefer(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, -15);
  } catch {
    // Like any other process.
  }
}

/** What was recorded, as its report and its traces. */
async function read(root: string): Promise<{ functions: FunctionReport[]; trees: Tree[]; words: Words }> {
  const { id } = await findRun(root, '');
  const store = await openStore(spansFile(root, id), 'read');
  try {
    const traces: TraceColumns[] = [];
    await store.scanTraces((trace) => traces.push(trace));
    const words = await store.words();
    const run = { id, name: '', command: [], startedAt: '', durationMs: 0, processes: [] };
    const holders = await store.holders();
    const { functions } = reportOf(traces, { run, words, counters: await store.counters(), holders });
    return { functions, trees: traces.map((trace) => buildTree(trace)), words };
  } finally {
    await store.close();
  }
}

function compare(
  program: string,
  source: readonly string[],
  truth: Truth,
  functions: readonly FunctionReport[],
  trees: readonly Tree[],
  words: Words,
): Omit<Result, 'attempts'> {
  const accounts: Compared[] = [];
  const faults: string[] = [];
  let wall = 0;
  let unexplained = 0;
  for (const [name, said] of Object.entries(truth.functions)) {
    const rows = functions.filter((one) => one.function === name);
    if (rows.length !== 1) {
      faults.push(`${name} is in the report ${rows.length} times`);
      continue;
    }
    const measured = rows[0].accounts;
    wall += rows[0].wall.totalMs;
    unexplained += measured.unexplainedMs;
    for (const member of members) {
      const is = said[member] ?? 0;
      const seen = measured[`${member}Ms`];
      if (is === 0 && seen < 0.5) continue;
      accounts.push({ of: name, account: member, truth: is, measured: seen, pass: isNear(seen, is, rows[0].calls) });
    }
  }
  return {
    program,
    accounts: [...accounts, ...inTheWay(truth, functions, faults)],
    blame: blame(program, source, trees, words, faults),
    unexplained: wall === 0 ? 0 : unexplained / wall,
    faults,
    short: truth.short,
  };
}

/** Who held the connections of a pool, or the event loop, while a function waited. */
function inTheWay({ heldBy, blockedBy }: Truth, functions: readonly FunctionReport[], faults: string[]): Compared[] {
  const found: Compared[] = [];
  for (const [member, said] of Object.entries({ heldBy, blockedBy })) {
    for (const [name, others] of Object.entries(said)) {
      const one = functions.find((row) => row.function === name);
      const measured = new Map(one?.[member as 'heldBy'].map((other) => [other.function, other.totalMs]));
      for (const [other, truth] of Object.entries(others)) {
        const seen = measured.get(other) ?? 0;
        found.push({ of: name, account: `${member} ${other}`, truth, measured: seen, pass: isNear(seen, truth, 1) });
      }
      for (const [other, ms] of measured) {
        if (others[other] === undefined && ms > 2) faults.push(`${name} is ${member} ${other}, ${ms} ms`);
      }
    }
  }
  return found;
}

function blame(
  program: string,
  source: readonly string[],
  trees: readonly Tree[],
  words: Words,
  faults: string[],
): Blamed[] {
  const found: Blamed[] = [];
  for (let i = 0; i < source.length; i++) {
    const said = /\/\/ ended by (\w+)(?: (\S+))?$/.exec(source[i]);
    if (said === null) continue;
    const truth = said[0].slice('// ended by '.length);
    const at = `${program}:${i + 1}`;
    let waits = 0;
    for (const tree of trees) {
      const { spans, waits: columns } = tree.columns;
      for (let frame = 0; frame < tree.size; frame++) {
        const place = words.functions[spans.function[frame]];
        if (!isFrame(tree, frame) || !place?.file.endsWith(`programs/${program}`)) continue;
        for (let j = tree.waits.offsets[frame]; j < tree.waits.offsets[frame + 1]; j++) {
          const wait = tree.waits.items[j];
          if (columns.line[wait] !== i + 1 || columns.cause[wait] === Cause.pause) continue;
          waits++;
          // Not one of those that were put in.
          if (columns.duration[wait] < 10e6) continue;
          const name = (row: number) => {
            if (row === -1) return 'nothing known';
            const text = words.texts[spans.operation[row]];
            return isFrame(tree, row) ? `function ${text}` : `operation ${text}`;
          };
          const cause = columns.cause[wait];
          const by = tree.waitBy[wait];
          const measured = cause === Cause.timer ? 'timer' : by === -1 && cause === Cause.other ? 'other' : name(by);
          const times = endedByTimes(tree, frame, tree.waitStart[wait], tree.waitEnd[wait]);
          // Times cannot tell a timer from anything else that is no span.
          const byTimes = times === -1 ? 'no span' : name(times);
          found.push({
            at,
            truth,
            measured,
            pass: fits(truth, measured),
            byTimes,
            byTimesPass: times === -1 ? truth === 'timer' || truth === 'other' : fits(truth, byTimes),
          });
        }
      }
    }
    if (waits === 0) faults.push(`no wait at ${at}`);
  }
  return found;
}

/** "operation get" says what "operation get user:?" does. */
const fits = (truth: string, measured: string): boolean =>
  measured.toLowerCase() === truth.toLowerCase() || measured.toLowerCase().startsWith(`${truth.toLowerCase()} `);
