// One trace as a batch for the browser: spans by process, then by start, and pauses likewise; a counter row a process
// says whose they are.

import { type AnyColumn, type AnyColumns, type BatchTables, encodeBatch, newColumns } from '../model/batch.ts';
import { counters, functions, pauses, spans, type Table, waits } from '../model/schema.ts';
import type { Words } from '../model/trace.ts';
import { type Block, earliest, tracesOf } from './scan.ts';

export function traceBatch(
  blocks: readonly Block[],
  { texts, functions: known, processes }: Words,
): Uint8Array<ArrayBuffer> {
  const pieces = blocks.flatMap((block) => [...tracesOf(block)]);
  const origin = earliest(pieces.map((piece) => piece.origin));
  const own = new OwnTexts();
  const ownText = (id: number) => own.id(texts[id] ?? '');

  const order: { piece: number; row: number; process: number; start: number }[] = [];
  const shifts = pieces.map((piece) => Number(piece.origin - origin));
  pieces.forEach(({ spans: { start }, process }, piece) => {
    for (let row = 0; row < start.length; row++) {
      order.push({ piece, row, process: process[row]!, start: start[row]! + shifts[piece]! });
    }
  });
  order.sort((a, b) => a.process - b.process || a.start - b.start || a.piece - b.piece || a.row - b.row);

  const spanColumns = gather(
    spans,
    pieces.map((piece) => piece.spans as unknown as AnyColumns),
    order,
    ownText,
    shifts,
  );
  const waitOrder = pieces.flatMap(({ waits: { start } }, piece) => Array.from(start, (_, row) => ({ piece, row })));
  const waitColumns = gather(
    waits,
    pieces.map((piece) => piece.waits as unknown as AnyColumns),
    waitOrder,
    ownText,
    shifts,
  );

  const pauseOrder = pieces
    .flatMap(({ pauseProcess }, piece) => Array.from(pauseProcess, (process, row) => ({ piece, row, process })))
    .sort((a, b) => a.process - b.process || a.piece - b.piece || a.row - b.row);
  const pauseColumns = gather(
    pauses,
    pieces.map((piece) => piece.pauses as unknown as AnyColumns),
    pauseOrder,
    ownText,
    shifts,
  );

  const named = [
    ...(spanColumns['function'] as Uint32Array),
    ...(waitColumns['blocker'] as Uint32Array),
    ...(pauseColumns['function'] as Uint32Array),
  ];
  const used = [...new Set(named)].filter((id) => id !== 0).sort((a, b) => a - b);
  const functionColumns = newColumns(functions, used.length);
  used.forEach((id, i) => {
    functionColumns.id[i] = id;
    functionColumns.function[i] = own.id(known[id]!.function);
    functionColumns.file[i] = own.id(known[id]!.file);
    functionColumns.line[i] = known[id]!.line;
  });

  const counts = [...countsOf(order)].map(([process, count]) => ['process', process, count] as const);
  const pauseCounts = [...countsOf(pauseOrder)].map(([process, count]) => ['pauses', process, count] as const);
  const counterColumns = newColumns(counters, counts.length + pauseCounts.length);
  [...counts, ...pauseCounts].forEach(([counter, process, count], i) => {
    counterColumns.counter[i] = own.id(counter);
    counterColumns.detail[i] = own.id(
      counter === 'process'
        ? `${processes[process]?.service ?? ''} ${processes[process]?.pid ?? 0}`
        : String(counts.findIndex(([, of]) => of === process) + 1),
    );
    counterColumns.value[i] = count;
  });

  return encodeBatch({
    process: 0,
    number: 0,
    origin,
    firstText: 0,
    texts: own.texts,
    tables: {
      functions: functionColumns,
      spans: spanColumns,
      waits: waitColumns,
      pauses: pauseColumns,
      counters: counterColumns,
    } as BatchTables & object,
  });
}

/** How many of each process. */
function countsOf(rows: readonly { process: number }[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { process } of rows) counts.set(process, (counts.get(process) ?? 0) + 1);
  return counts;
}

class OwnTexts {
  readonly texts: string[] = [''];
  readonly #ids = new Map([['', 0]]);

  id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.texts.push(text) - 1;
      this.#ids.set(text, id);
    }
    return id;
  }
}

/** The rows in `order`, texts and times told anew. */
function gather(
  table: Table,
  pieces: readonly AnyColumns[],
  order: readonly { piece: number; row: number }[],
  ownText: (id: number) => number,
  shifts: readonly number[],
): AnyColumns {
  const columns = newColumns(table, order.length) as unknown as AnyColumns;
  for (const { name, type } of table.columns) {
    const into = columns[name] as AnyColumn & Record<number, number | bigint>;
    order.forEach(({ piece, row }, i) => {
      const value = pieces[piece]![name]![row]!;
      if (type === 'text') into[i] = ownText(value as number);
      else if (type === 'time') into[i] = (value as number) + shifts[piece]!;
      else into[i] = value;
    });
  }
  return columns;
}
