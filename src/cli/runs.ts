// `whywait runs` and `whywait runs rm`.

import { recoverRun } from '../collector/recover.ts';
import { Runs } from '../collector/runs.ts';
import { findRun, type RunRecord, removeRun } from '../store/runs.ts';
import { CliError } from './errors.ts';
import { rootOf } from './places.ts';
import { answer, json, note } from './say.ts';
import { padEnd, padStart, paperOf, widthOf } from './terminal.ts';
import { count, duration } from './units.ts';

export interface RunsOptions {
  readonly dir?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

export async function listRuns(options: RunsOptions): Promise<void> {
  const runs = await new Runs(rootOf(options.dir)).list();
  if (options.json) {
    answer(json({ runs }));
    return;
  }
  if (runs.length === 0) {
    note('there is no run here yet. Record one: whywait run app.js');
    return;
  }
  const { style, plain } = paperOf(process.stdout, options.color);
  const rows = runs.map((one) => [
    one.id,
    one.running ? 'running' : '',
    one.durationMs < 0 ? 'killed' : duration(one.durationMs),
    one.spans < 0 ? '' : `${count(one.spans)} spans`,
    one.name,
    one.command.join(' '),
  ]);
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => widthOf(row[i]))));
  for (const [id, state, time, spans, name, command] of rows) {
    const cells = [
      style.strong(padEnd(id, widths[0])),
      style.blue(padEnd(state, widths[1])),
      padStart(time, widths[2]),
      padStart(spans, widths[3]),
      padEnd(name, widths[4]),
      style.faint(command),
    ];
    answer(
      `${plain(
        cells
          .filter((_, i) => widths[i] > 0)
          .join('  ')
          .trimEnd(),
      )}\n`,
    );
  }
}

export async function removeRuns(words: readonly string[], options: RunsOptions): Promise<void> {
  const root = rootOf(options.dir);
  // All are found before one is removed, so that a mistyped word removes nothing.
  const found: RunRecord[] = [];
  for (const word of words) {
    const one = await findRun(root, runWord(word));
    if (!found.some(({ id }) => id === one.id)) found.push(one);
  }
  for (const one of found) {
    await removeRun(root, await recoverRun(root, one));
    if (!options.json) note(`removed ${one.id}`);
  }
  if (options.json) answer(json({ removed: found.map(({ id }) => id) }));
}

/** A run as typed: an id, the beginning of one, a name, or `latest`. '' is the newest. */
export const runWord = (word: string | undefined): string => (word === 'latest' ? '' : (word ?? ''));

export const noFunction = (name: string, alike: readonly string[]): CliError =>
  new CliError(
    'WW_NO_SUCH_FUNCTION',
    `No function ${name} was seen in this run.`,
    alike.length > 0
      ? `Did you mean ${alike.join(' or ')}?`
      : 'It was never called, waited for nothing, or lies in node_modules. whywait report --all lists those seen.',
  );
