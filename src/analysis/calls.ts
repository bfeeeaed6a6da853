// "Does my function call this service?": yes or no, how often, how long, what, and by which functions in between.

import type { FunctionReport, FunctionServiceReport, Report } from '../model/report.ts';

export interface CallsAnswer {
  /** Functions of that name (or "name file:line"); several when a name is used twice. */
  readonly functions: readonly {
    readonly function: FunctionReport;
    /** The services asked about that it calls, itself or through others. */
    readonly services: readonly FunctionServiceReport[];
  }[];
  /** True when any of them calls any of them. */
  readonly calls: boolean;
  /** The services in the run that match what was asked; all when none was asked about. */
  readonly services: readonly string[];
  /** When no function matched: names in the run that look alike. */
  readonly alike: readonly string[];
}

/**
 * `name`: a function's name, or `file:line`, or `name file:line`. `service`: a URL, or a part of one ("mysql",
 * "users:3001"); left out = every service.
 */
export function callsOf(report: Report, name: string, service = ''): CallsAnswer {
  const wanted = service.toLowerCase();
  const matches = (url: string, protocol: string) => url.toLowerCase().includes(wanted) || protocol === wanted;
  const services = report.services.filter((one) => matches(one.service, one.protocol)).map((one) => one.service);
  const functions = report.functions
    .filter((one) => namesOf(one).includes(name))
    .map((one) => ({
      function: one,
      services: one.services.filter((called) => called.calls > 0 && matches(called.service, called.protocol)),
    }));
  return {
    functions,
    calls: functions.some((one) => one.services.length > 0),
    services,
    alike: functions.length > 0 ? [] : alike(report, name),
  };
}

function namesOf({ function: name, file, line }: FunctionReport): string[] {
  const base = file.slice(file.lastIndexOf('/') + 1);
  const last = name.slice(name.lastIndexOf('.') + 1);
  return [name, last, `${file}:${line}`, `${base}:${line}`, `${name} ${file}:${line}`];
}

function alike(report: Report, name: string): string[] {
  const word = name.toLowerCase();
  const names = [...new Set(report.functions.map((one) => one.function))];
  return names.filter((one) => one.toLowerCase().includes(word) || word.includes(one.toLowerCase())).slice(0, 5);
}
