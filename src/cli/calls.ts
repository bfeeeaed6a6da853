// `whywait calls`: does my function call this service?

import { type CallsAnswer, callsOf } from '../analysis/calls.ts';
import { CliError } from './errors.ts';
import { readReport } from './report.ts';
import { noFunction } from './runs.ts';
import { answer, json } from './say.ts';
import { type Paper, paperOf, wrap } from './terminal.ts';
import { counted, duration, percent } from './units.ts';

export interface CallsOptions {
  readonly run?: string;
  readonly dir?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

export async function calls(name: string, service: string | undefined, options: CallsOptions): Promise<void> {
  const report = await readReport(options.run, options.dir);
  const found = callsOf(report, name, service);
  if (options.json) {
    answer(json({ function: name, service: service ?? '', ...found }));
    return;
  }
  if (found.functions.length === 0) throw noFunction(name, found.alike);
  answer(printCalls(found, name, service, paperOf(process.stdout, options.color)));
  if (service !== undefined && found.services.length === 0) {
    const known = report.services.map((one) => one.service).join(', ');
    throw new CliError(
      'WW_NO_SUCH_SERVICE',
      `No service ${service} was seen in this run.`,
      `Seen: ${known || 'none'}.`,
    );
  }
}

export function printCalls(found: CallsAnswer, name: string, service: string | undefined, paper: Paper): string {
  const { style, width, plain } = paper;
  const what = service ?? 'a service';
  const lines: string[] = [];
  const verdict = found.calls
    ? `${style.strong(style.blue('Yes.'))} ${name} calls ${what}.`
    : `${style.strong(style.orange('No.'))} ${name} did not call ${what} in this run.`;
  lines.push(verdict);
  for (const { function: one, services } of found.functions) {
    if (services.length === 0 && found.calls) continue;
    lines.push(
      '',
      `${style.strong(one.function)}  ${style.faint(`${one.file}:${one.line}`)}  ${counted(one.calls, 'call')}`,
    );
    for (const called of services) {
      const facts = [
        counted(called.calls, 'call'),
        `waits ${duration(called.waitMs)}, ${percent(called.waitMs, one.wall.totalMs)} of its time`,
        `p50 ${duration(called.p50Ms)}`,
        `p95 ${duration(called.p95Ms)}`,
        called.errors > 0 ? style.orange(counted(called.errors, 'error')) : '0 errors',
      ];
      lines.push(`  ${style.blue(called.service)}`, ...wrap(facts.join(' · '), width - 4).map((line) => `    ${line}`));
      for (const { via, calls: times } of called.paths) {
        const path = [one.function, ...via, called.service].join(' → ');
        lines.push(
          ...wrap(`${path}  (${counted(times, 'time')})`, width - 4).map((line) => `    ${style.faint(line)}`),
        );
      }
      for (const { operation, calls: times, sumMs } of called.operations) {
        lines.push(...wrap(`${operation}`, width - 6).map((line) => `      ${line}`));
        lines.push(`        ${style.faint(`${counted(times, 'call')} · ${duration(sumMs)} in all`)}`);
      }
    }
  }
  return `${lines.map(plain).join('\n')}\n`;
}
