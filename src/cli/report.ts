// `whywait report`: the answer about a run, also while it goes on.

import { Runs } from '../collector/runs.ts';
import type { Report } from '../model/report.ts';
import { rootOf } from './places.ts';
import { printReport } from './print-report.ts';
import { runWord } from './runs.ts';
import { answer, json } from './say.ts';
import { paperOf } from './terminal.ts';

export interface ReportOptions {
  readonly dir?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly color: boolean;
}

/** The report of the run that a word names. */
export async function readReport(word: string | undefined, dir: string | undefined): Promise<Report> {
  const runs = new Runs(rootOf(dir));
  try {
    return await runs.report(runWord(word));
  } finally {
    await runs.close();
  }
}

export async function report(word: string | undefined, options: ReportOptions): Promise<void> {
  const read = await readReport(word, options.dir);
  const most = options.all ? Number.POSITIVE_INFINITY : 20;
  answer(options.json ? json(read) : printReport(read, paperOf(process.stdout, options.color), { most }));
}
