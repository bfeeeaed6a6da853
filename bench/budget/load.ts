// Runs the server of app.cjs under `whywait run`, asks it, and gives what Redis itself counted beside the report.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startRedis } from '../../scripts/servers.ts';
import type { Report } from '../../src/model/report.ts';

const here = dirname(fileURLToPath(import.meta.url));

export interface Loaded {
  /** Undefined when it ran bare. */
  readonly report: Report | undefined;
  /** Requests that were answered. */
  readonly requests: number;
  /** Ticks of the program's own timer, each a command. */
  readonly ticks: number;
  /** What Redis counted, by command. */
  readonly commands: Readonly<Record<string, number>>;
  /** CPU time of the program, ms. */
  readonly cpuMs: number;
  readonly stderr: string;
}

export interface Load {
  /** `2%`; undefined = everything is recorded, 'bare' = without whywait. */
  readonly budget: string | undefined;
  readonly requests: number;
  readonly atOnce: number;
  readonly dir: string;
  readonly node?: string;
}

function ask(port: number, path: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** What `INFO commandstats` says: calls by command. */
async function commandsOf(port: number): Promise<Record<string, number>> {
  const socket = connect(port, '127.0.0.1');
  socket.write('INFO commandstats\r\n');
  let text = '';
  for await (const part of socket.setEncoding('utf8')) {
    text += part;
    const length = /^\$(\d+)\r\n/.exec(text);
    if (length !== null && text.length >= length[0].length + Number(length[1]) + 2) break;
  }
  return Object.fromEntries(
    [...text.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)]),
  );
}

async function listens(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return;
    if (child.exitCode !== null) throw new Error('the program has ended');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

export async function load({ budget, requests, atOnce, dir, node = process.execPath }: Load): Promise<Loaded> {
  const redis = await startRedis();
  const port = await freePort();
  const json = join(dir, `report-${port}.json`);
  const app = join(here, 'app.cjs');
  const whywait = [join(here, '../../bin/whywait.mjs'), 'run', '--no-ui', '--no-report', '--dir', dir, '--json', json];
  const limit = budget === undefined ? [] : ['--budget', budget];
  const args = budget === 'bare' ? [app] : [...whywait, ...limit, '--', node, app];
  const child = spawn(budget === 'bare' ? node : process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: '', REDIS_PORT: String(redis.port), APP_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (part) => {
    stderr += part;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  try {
    await listens(port, child);
    let asked = 0;
    const client = async () => {
      while (asked++ < requests) await ask(port, '/page', agent);
    };
    await Promise.all(Array.from({ length: atOnce }, client));
    const ended = JSON.parse(await ask(port, '/end', agent)) as { cpu: NodeJS.CpuUsage; ticks: number };
    agent.destroy();
    await once(child, 'exit');
    const commands = await commandsOf(redis.port);
    const report = budget === 'bare' ? undefined : (JSON.parse(readFileSync(json, 'utf8')) as Report);
    const cpuMs = (ended.cpu.user + ended.cpu.system) / 1000;
    return { report, requests, ticks: ended.ticks, commands, cpuMs, stderr };
  } finally {
    child.kill('SIGKILL');
    await redis.stop();
  }
}
