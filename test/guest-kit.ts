// Runs small programs alone and recorded, on each Node that whywait supports, and compares what they say and how they
// end: stdout to the byte, stderr, exit code and signal.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { majors, nodeBinary } from '../scripts/nodes.ts';
import { clean, type Place } from './command-kit.ts';

export interface Program {
  readonly file: string;
  readonly source: string;
  readonly args?: readonly string[];
  readonly flags?: readonly string[];
  readonly input?: string;
}

/** A server and a client on it, so that what is compared is a program that we record. */
export const service = `
const http = require('node:http');
const server = http.createServer((request, response) => response.end('hello'));
const ask = () => new Promise((resolve, reject) => http.get({ port: server.address().port, host: '127.0.0.1' }, (answer) => {
  answer.resume(); answer.on('end', () => resolve(answer));
}).on('error', reject));
const serve = () => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
`;

/** Starts each program, two at a time, and writes down what each said: under one whywait, and alone. */
const driver = `
const { spawn } = require('node:child_process');
const { writeFileSync, readFileSync } = require('node:fs');
const [list, out] = process.argv.slice(2);
const programs = Object.entries(JSON.parse(readFileSync(list)));
const results = {};
const lane = async () => {
  for (let next = programs.shift(); next; next = programs.shift()) {
    const [name, { file, args = [], flags = [], input = '' }] = next;
    const child = spawn(process.execPath, [...flags, file, ...args], { timeout: 60000 });
    const said = { stdout: [], stderr: [] };
    for (const stream of ['stdout', 'stderr']) child[stream].on('data', (bytes) => said[stream].push(bytes));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [code, signal] = await new Promise((resolve) => child.on('close', (...end) => resolve(end)));
    results[name] = { code, signal, stdout: Buffer.concat(said.stdout).toString('latin1'), stderr: Buffer.concat(said.stderr).toString('latin1').replace(/\\(node:\\d+\\)/g, '(node)')
      // Ours count for Error.stackTraceLimit, so the last of Node's may be missing (docs/limits.md).
      .replace(/^ +at .*node:internal.*\\n/gm, '') };
  }
};
Promise.all([lane(), lane()]).then(() => writeFileSync(out, JSON.stringify(results)));
`;

type Results = Record<string, { code: number | null; signal: string | null; stdout: string; stderr: string }>;

/** One test on each Node, and in it one for each program. */
export function sameAsAlone(claim: string, place: Place, programs: Readonly<Record<string, Program>>): void {
  place.put({ 'driver.cjs': driver, 'programs.json': JSON.stringify(programs) });
  for (const { file, source } of Object.values(programs)) place.put({ [file]: source });
  const resultsOf = (name: string) => JSON.parse(readFileSync(join(place.dir, name), 'utf8')) as Results;
  for (const major of majors) {
    test(`on Node ${major}, ${claim}`, async (t) => {
      const node = nodeBinary(major);
      const bare = spawnSync(node, ['driver.cjs', 'programs.json', 'bare.json'], { cwd: place.dir, env: clean });
      assert.equal(bare.status, 0, String(bare.stderr));
      const command = [node, 'driver.cjs', 'programs.json', 'ours.json'];
      const ours = place.cli([
        'run',
        '--no-ui',
        '--no-report',
        '--propagate',
        'none',
        '--dir',
        place.newRoot(),
        ...command,
      ]);
      assert.equal(ours.status, 0, ours.stderr);
      const [alone, recorded] = [resultsOf('bare.json'), resultsOf('ours.json')];
      for (const name of Object.keys(programs)) {
        await t.test(name, () => assert.deepEqual(recorded[name], alone[name]));
      }
    });
  }
}
