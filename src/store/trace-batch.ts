// One trace as a batch for the browser: spans by process, then by start; a counter row a process says whose they are.

import { type AnyColumn, type AnyColumns, type BatchTables, encodeBatch, newColumns } from '../model/batch.ts';
import { counters, functions, spans, type Table, waits } from '../model/schema.ts';
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

  const used = [...new Set(spanColumns['function'] as Uint32Array)].filter((id) => id !== 0).sort((a, b) => a - b);
  const functionColumns = newColumns(functions, used.length);
  used.forEach((id, i) => {
    functionColumns.id[i] = id;
    functionColumns.function[i] = own.id(known[id]!.function);
    functionColumns.file[i] = own.id(known[id]!.file);
    functionColumns.line[i] = known[id]!.line;
  });

  const counts = new Map<number, number>();
  for (const { process } of order) counts.set(process, (counts.get(process) ?? 0) + 1);
  const counterColumns = newColumns(counters, counts.size);
  [...counts].forEach(([process, count], i) => {
    counterColumns.counter[i] = own.id('process');
    counterColumns.detail[i] = own.id(`${processes[process]?.service ?? ''} ${processes[process]?.pid ?? 0}`);
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
      counters: counterColumns,
    } as BatchTables & object,
  });
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
