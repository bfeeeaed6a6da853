// What the tests of unmodified clients share: a program of test/programs run under whywait, and its report.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import type { FunctionServiceReport, Report } from '../src/model/report.ts';
import { Kind } from '../src/model/schema.ts';

const here = dirname(fileURLToPath(import.meta.url));
const whywait = join(here, '../bin/whywait.mjs');

/** Runs a program of test/programs under whywait, its run kept below `dir`; its report. */
export async function recordIn(dir: string, env: NodeJS.ProcessEnv, program: string): Promise<Report> {
  const json = join(dir, `${program}.json`);
  const args = [
    whywait,
    'run',
    '--no-ui',
    '--dir',
    dir,
    '--name',
    program,
    '--json',
    json,
    '--',
    'node',
    join(here, 'programs', program),
  ];
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, args, { env, timeout: 60_000, cwd: here }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} failed: ${error.message}\n${stdout}\n${stderr}`));
      else resolve();
    });
  });
  return JSON.parse(readFileSync(json, 'utf8')) as Report;
}

/** What a function called by itself, not through another: "operation × calls (errors)", sorted. */
export function callsOf(report: Report, name: string, protocol: string): string[] {
  const row = report.functions.find((one) => one.function === name);
  assert.ok(row, `${name} is in the report: ${report.functions.map((one) => one.function).join(', ')}`);
  const own = row.services.filter((one: FunctionServiceReport) => one.protocol === protocol);
  return own
    .flatMap((one) =>
      one.operations.map(
        ({ operation, calls, errors }) => `${operation} × ${calls}${errors ? ` (${errors} failed)` : ''}`,
      ),
    )
    .sort();
}

/** How often each operation was seen in the one run below `dir`, whoever asked for it: "operation" → calls. */
export async function operationsIn(dir: string): Promise<Map<string, number>> {
  const [run = ''] = readdirSync(join(dir, '.whywait')).filter((name) => !name.startsWith('.'));
  const instance = await DuckDBInstance.create(join(dir, '.whywait', run, 'spans.duckdb'), {
    access_mode: 'READ_ONLY',
  });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT texts.text, COUNT(*)::INTEGER FROM spans JOIN texts ON spans.operation = texts.id
     WHERE kind IN (${Kind.client}, ${Kind.producer}, ${Kind.consumer}) GROUP BY texts.text ORDER BY texts.text`,
  );
  const counts = new Map(reader.getRows().map(([operation, calls]) => [String(operation), Number(calls)]));
  connection.closeSync();
  instance.closeSync();
  return counts;
}
