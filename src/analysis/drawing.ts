// Traces for tests, drawn: a line a span, a column 1,000 ns, children indented under their parents.
//
//   f   ===aaaa=b..=          a frame: = runs, a letter waits for the span of that name, . waits for something not
//     a    pc##               known, ~ for a timer, , for something else
//     b         ##l           an operation: p pool, c connecting, # being served, l answered but the loop was busy
//   r@2 >>>>>>>>              a request being answered (SERVER), in process 2 (else process 1)
//   k   @@@@                  a message being handled (CONSUMER)
//
// A name may be followed by what it is called: `a:SELECT_pins` (spaces written _). An operation's service is its name's
// first word in small letters.

import { newColumns } from '../model/batch.ts';
import { Cause, Kind, Rule, spans, waits } from '../model/schema.ts';
import type { Words } from '../model/trace.ts';
import { buildTree, type Tree, type TreeColumns } from './trace.ts';

export const columnNs = 1000;

export interface Drawn {
  readonly columns: TreeColumns;
  readonly words: Words;
  readonly names: readonly string[];
  /** Row of a span by its name. */
  row(name: string): number;
}

interface Line {
  readonly name: string;
  readonly title: string;
  readonly process: number;
  readonly indent: number;
  readonly from: number;
  readonly signs: string;
}

export function draw(picture: string, trace = 1n): Drawn {
  const lines = picture.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//'));
  const read = lines.map((line): Line => {
    const [, indent, name, process, title, signs] = /^( *)(\w+)(?:@(\d+))?(?::(\S+))? +(.*?) *$/.exec(line) ?? [];
    if (signs === undefined) throw new Error(`not a span's line: ${line}`);
    const from = line.trimEnd().length - signs.length;
    return {
      name,
      title: (title ?? name).replaceAll('_', ' '),
      process: Number(process ?? 1),
      indent: indent.length,
      from,
      signs,
    };
  });
  const rowOf = new Map(read.map(({ name }, row) => [name, row]));
  const texts: string[] = [''];
  const text = (word: string) => {
    if (!texts.includes(word)) texts.push(word);
    return texts.indexOf(word);
  };
  const functions = [{ function: '', file: '', line: 0 }];
  const functionId = (name: string) => {
    const known = functions.findIndex((one) => one.function === name);
    return known > 0 ? known : functions.push({ function: name, file: 'app.ts', line: functions.length * 10 }) - 1;
  };
  const span = newColumns(spans, read.length);
  const waiting: { row: number; from: number; to: number; sign: string }[] = [];
  const above: number[] = [];
  read.forEach((line, row) => {
    while (above.length > 0 && read[above[above.length - 1]].indent >= line.indent) above.pop();
    const parent = above[above.length - 1];
    above.push(row);
    const loop = line.signs.length - line.signs.replace(/l+$/, '').length;
    const isOperation = line.signs.includes('#');
    const length = line.signs.length - (isOperation ? loop : 0);
    span.span[row] = BigInt(row + 1);
    span.parent[row] = parent === undefined ? 0n : BigInt(parent + 1);
    span.traceLo[row] = trace;
    span.start[row] = line.from * columnNs;
    span.duration[row] = length * columnNs;
    span.operation[row] = text(line.title);
    const many = (sign: string) => line.signs.split(sign).length - 1;
    if (isOperation) {
      span.kind[row] = Kind.client;
      span.service[row] = text(line.title.split(' ')[0].toLowerCase());
      span.protocol[row] = text('redis');
      span.pool[row] = many('p') * columnNs;
      span.connect[row] = many('c') * columnNs;
      span.server[row] = many('#') * columnNs;
      span.loop[row] = loop * columnNs;
      span.rule[row] = Rule.resume;
      if (parent !== undefined && span.kind[parent] === Kind.internal) span.function[row] = span.function[parent];
      span.line[row] = row + 1;
    } else if (line.signs.includes('>')) span.kind[row] = Kind.server;
    else if (line.signs.includes('@')) span.kind[row] = Kind.consumer;
    else {
      span.kind[row] = Kind.internal;
      span.function[row] = functionId(line.title);
      for (const { 0: stretch, index } of line.signs.matchAll(/([^=])\1*/g)) {
        waiting.push({
          row,
          from: line.from + index,
          to: line.from + index + stretch.length,
          sign: stretch[0],
        });
      }
    }
  });
  // What ran inside a frame without an await of it is not the frame's own running.
  read.forEach((line, row) => {
    if (span.kind[row] !== Kind.internal) return;
    const inside = read.flatMap((other, child) =>
      span.parent[child] === BigInt(row + 1) && span.kind[child] === Kind.internal ? [other] : [],
    );
    let own = 0;
    for (let i = 0; i < line.signs.length; i++) {
      const at = line.from + i;
      const busy = inside.some((other) => other.signs[at - other.from] === '=');
      if (line.signs[i] === '=' && !busy) own++;
    }
    span.cpu[row] = own * columnNs;
  });
  const wait = newColumns(waits, waiting.length);
  waiting.forEach(({ row, from, to, sign }, i) => {
    const by = rowOf.get(sign);
    wait.span[i] = BigInt(row + 1);
    wait.traceLo[i] = trace;
    wait.start[i] = from * columnNs;
    wait.duration[i] = (to - from) * columnNs;
    wait.line[i] = row + 1;
    wait.by[i] = by === undefined ? 0n : BigInt(by + 1);
    wait.cause[i] =
      by !== undefined
        ? span.kind[by] === Kind.internal
          ? Cause.callee
          : Cause.operation
        : sign === '~'
          ? Cause.timer
          : sign === ','
            ? Cause.other
            : Cause.unknown;
  });
  const process = (number: number, service: string) => ({
    number,
    pid: 100 + number,
    ppid: 1,
    thread: 0,
    service,
    runtime: 'node v24.0.0',
    script: 'app.ts',
    origin: 0n,
  });
  return {
    columns: { spans: span, waits: wait, process: Uint32Array.from(read, (line) => line.process) },
    words: { texts, functions, processes: [process(0, ''), process(1, 'feed'), process(2, 'users')] },
    names: read.map(({ name }) => name),
    row: (name) => {
      const row = rowOf.get(name);
      if (row === undefined) throw new Error(`no span ${name} is drawn`);
      return row;
    },
  };
}

/** The tree of a drawing, and its rows by name. */
export function drawTree(picture: string): { tree: Tree; row: (name: string) => number; names: readonly string[] } {
  const drawn = draw(picture);
  return { tree: buildTree(drawn.columns), row: drawn.row, names: drawn.names };
}
