// `npm run bench:startup`: the time and the memory that recording adds to the start of a program: one of CommonJS and
// one of ES modules that do nothing, on Node 20 and 24, bare and with the recorder in turn.
//
// The recorder is loaded as `whywait run` loads it and talks to a socket that takes everything and keeps nothing.
// Shown: the medians, what recording adds, and the ratio; ROUNDS (21) sets the length. Then what rewriting the program's
// files costs per 1,000 lines, the first time and from the cache: CPU time above a start with --functions off.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { nodeBinary } from '../scripts/nodes.ts';

const rounds = Number(process.env['ROUNDS'] ?? 21);
const recorder = fileURLToPath(new URL('../dist/recorder/recorder.cjs', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'whywait-startup-'));

const sink = createServer((socket) => socket.on('error', () => {}).resume()).listen(join(dir, 'c.sock'));
await once(sink, 'listening');

const body = `const { user, system } = process.cpuUsage();
console.log(process.memoryUsage.rss(), (user + system) / 1e3);
`;
const programs = { CommonJS: join(dir, 'hello.cjs'), 'ES module': join(dir, 'hello.mjs') };
for (const file of Object.values(programs)) writeFileSync(file, body);

const recording = {
  NODE_OPTIONS: `--require ${JSON.stringify(recorder)}`,
  WHYWAIT_DIR: dir,
  WHYWAIT_ROOT: dir,
  WHYWAIT_CACHE: join(dir, 'cache'),
  WHYWAIT_OPTIONS: '{}',
};

/** Modules of a program as people write them: 20 of 500 lines. */
const thousands = 10;
const large = join(dir, 'large');
mkdirSync(large);
const someLines = (n: number) => `async function load${n}(db, id) {
  const user = await db.query('SELECT * FROM users WHERE id = ?', [id]);
  if (!user) throw new Error(\`no user \${id}\`);
  const pins = await Promise.all(user.pins.map((pin) => db.query('SELECT * FROM pins WHERE id = ?', [pin])));
  return { ...user, pins: pins.filter((pin) => pin.open).sort((a, b) => a.at - b.at) };
}
function total${n}(pins) {
  let sum = 0;
  for (const { price, count = 1 } of pins) sum += price * count;
  return sum;
}
`;
for (let module = 0; module < 2 * thousands; module++) {
  const lines = Array.from({ length: 500 / 11 }, (_, i) => someLines(i)).join('');
  writeFileSync(join(large, `m${module}.cjs`), `${lines}module.exports = { module: ${module} };\n`);
}
const largeProgram = join(large, 'main.cjs');
writeFileSync(largeProgram, `for (let i = 0; i < ${2 * thousands}; i++) require(\`./m\${i}.cjs\`);\n${body}`);

interface Start {
  readonly ms: number;
  readonly cpuMs: number;
  readonly mb: number;
}

/** One start of the program, from the making of its process to its end. */
async function start(node: string, program: string, env: Record<string, string>): Promise<Start> {
  const from = performance.now();
  const child = spawn(node, [program], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  const [rss, cpuMs] = said.split(' ').map(Number) as [number, number];
  return { ms: performance.now() - from, cpuMs, mb: rss / 2 ** 20 };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const table = new Table({
  head: [
    'start of a program that does nothing',
    'bare, ms',
    'recorded, ms',
    'added, ms',
    'ratio',
    'CPU added, ms',
    'memory added, MB',
  ],
  style: { head: [], border: [] },
});
try {
  for (const major of [20, 24]) {
    const node = nodeBinary(major);
    for (const [name, program] of Object.entries(programs)) {
      const bare: Start[] = [];
      const recorded: Start[] = [];
      for (let round = -2; round < rounds; round++) {
        const one = await start(node, program, {});
        const other = await start(node, program, recording);
        if (round < 0) continue; // warm-up: the files are in the system's cache
        bare.push(one);
        recorded.push(other);
      }
      const before = median(bare.map(({ ms }) => ms));
      const after = median(recorded.map(({ ms }) => ms));
      const added = median(recorded.map(({ ms }, round) => ms - (bare[round]?.ms ?? Number.NaN)));
      const memory = median(recorded.map(({ mb }, round) => mb - (bare[round]?.mb ?? Number.NaN)));
      const cpu = median(recorded.map(({ cpuMs }, round) => cpuMs - (bare[round]?.cpuMs ?? Number.NaN)));
      const cells = [
        before.toFixed(1),
        after.toFixed(1),
        `+${added.toFixed(1)}`,
        (after / before).toFixed(2),
        `+${cpu.toFixed(1)}`,
      ];
      table.push([`Node ${major}, ${name}`, ...cells, `+${memory.toFixed(1)}`]);
    }
  }
  console.log(`${rounds} rounds`);
  console.log(table.toString());
  for (const major of [20, 24]) {
    const node = nodeBinary(major);
    const cold: number[] = [];
    const cached: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const env = { ...recording, WHYWAIT_CACHE: join(dir, `cache-${major}-${round}`) };
      const off = { ...env, WHYWAIT_OPTIONS: '{"functions":"off"}' };
      await start(node, largeProgram, off); // the recorder's own compiled code is kept from here on
      const without = await start(node, largeProgram, off);
      cold.push((await start(node, largeProgram, env)).cpuMs - without.cpuMs);
      cached.push((await start(node, largeProgram, env)).cpuMs - without.cpuMs);
    }
    const each = (values: readonly number[]) => (median(values) / thousands).toFixed(1);
    console.log(
      `Node ${major}, rewriting: ${each(cold)} ms of CPU time per 1,000 lines, ${each(cached)} ms from the cache`,
    );
  }
} finally {
  sink.close();
  rmSync(dir, { recursive: true, force: true });
}
