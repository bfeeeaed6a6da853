// Functions × services as a table: what the page draws and the terminal prints.

import type { FunctionServiceReport, Report } from '../model/report.ts';

export interface MatrixRow {
  /** Index into report.functions, or into report.requests when no function was seen. */
  readonly index: number;
  readonly label: string;
  /** "src/home.ts:12", or the process's service.name for a request. */
  readonly place: string;
  readonly calls: number;
  readonly totalMs: number;
}

export interface Matrix {
  readonly of: 'functions' | 'requests';
  readonly rows: readonly MatrixRow[];
  /** Service URLs, those that hold most first. */
  readonly columns: readonly string[];
  /** cells[row][column]; undefined = never called. */
  readonly cells: readonly (readonly (FunctionServiceReport | undefined)[])[];
  /** The largest waitMs of a cell: the end of a colour scale. */
  readonly maxWaitMs: number;
}

/** Rows without any service are left out. When no function was seen, rows are requests. */
export function matrixOf(report: Report): Matrix {
  const of = report.functions.some(({ services }) => services.length > 0) ? 'functions' : 'requests';
  const items = of === 'functions' ? report.functions : report.requests;
  const rows: MatrixRow[] = [];
  const held = new Map<string, number>();
  items.forEach((item, index) => {
    if (item.services.length === 0) return;
    rows.push(
      'function' in item
        ? {
            index,
            label: item.function,
            place: `${item.file}:${item.line}`,
            calls: item.calls,
            totalMs: item.wall.totalMs,
          }
        : { index, label: item.request, place: item.service, calls: item.calls, totalMs: item.totalMs },
    );
    for (const { service, waitMs } of item.services) held.set(service, (held.get(service) ?? 0) + waitMs);
  });
  const columns = [...held].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([service]) => service);
  const cells = rows.map(({ index }) => {
    const byService = new Map(items[index].services.map((service) => [service.service, service]));
    return columns.map((service) => byService.get(service));
  });
  const maxWaitMs = cells.reduce((most, row) => row.reduce((max, cell) => Math.max(max, cell?.waitMs ?? 0), most), 0);
  return { of, rows, columns, cells, maxWaitMs };
}
