// The body of /api/trace → the tree that everything on the trace page is drawn from.

import { buildTree, type FunctionPlace, type ProcessInfo, type TraceTree } from '../../analysis/trace.ts';
import { type Batch, decodeBatch } from '../../model/batch.ts';

/** The trace in the bytes. @throws {BadBatch} when they are none. */
export function readTrace(bytes: Uint8Array): TraceTree {
  const batch = decodeBatch(bytes);
  const texts = textsById(batch);
  const { spans, waits, pauses, functions, counters } = batch.tables;

  const places = new Map<number, FunctionPlace>();
  for (let row = 0; row < functions.id.length; row++)
    places.set(functions.id[row], {
      function: texts[functions.function[row]] ?? '',
      file: texts[functions.file[row]] ?? '',
      line: functions.line[row],
    });

  // Which process a span is of: spans come sorted by process; a counter `process` tells each one's name and count.
  const processes = new Map<number, ProcessInfo>();
  const process = new Uint32Array(spans.span.length);
  const pauseProcess = new Uint32Array(pauses.kind.length);
  let from = 0;
  let paused = 0;
  for (let row = 0; row < counters.counter.length; row++) {
    // Pauses come likewise; a counter `pauses` tells a process's place among those of the spans, from 1, and its count.
    if (texts[counters.counter[row]] === 'pauses') {
      pauseProcess.fill(Number(texts[counters.detail[row]]), paused, paused + counters.value[row]);
      paused += counters.value[row];
    }
    if (texts[counters.counter[row]] !== 'process') continue;
    const number = processes.size + 1;
    const detail = texts[counters.detail[row]] ?? '';
    const cut = detail.lastIndexOf(' ');
    processes.set(number, { service: detail.slice(0, cut), pid: Number(detail.slice(cut + 1)), runtime: '' });
    process.fill(number, from, from + counters.value[row]);
    from += counters.value[row];
  }
  return buildTree({ texts, functions: places, processes, spans, waits, process, pauses, pauseProcess });
}

function textsById({ firstText, texts }: Batch): string[] {
  const byId = [''];
  for (let k = 0; k < texts.length; k++) byId[firstText + k] = texts[k];
  return byId;
}

/** First start and last end in ns, the loop time after an answer included. */
export function extentOf(tree: TraceTree): [number, number] {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  const { loop } = tree.columns.spans;
  for (const i of tree.order) {
    if (tree.start[i] < from) from = tree.start[i];
    if (tree.end[i] + loop[i] > to) to = tree.end[i] + loop[i];
  }
  if (!(to >= from)) return [0, 1];
  return to > from ? [from, to] : [from, from + 1];
}
