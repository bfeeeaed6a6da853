// Places in rewritten code as the user wrote them. Lines are the user's by themselves (compile.ts adds none); columns
// behind an insertion are not, and Node prints the rewritten line with a fatal error.
//
// Columns: Node joins a stack of V8's CallSites with Array.prototype.join, which asks each for a string. Their prototype
// is closed but for new properties: one Symbol.toPrimitive, and `error.stack` has the user's columns, while
// Node still writes it. Who formats CallSites by itself (source-map-support) still gets the
// rewritten columns from getColumnNumber().
//
// The excerpt: C++ prints it, from the place that V8's message names, and tells nobody that place. For a promise that was
// rejected it is the topmost of the error's stack; for an exception it is the last `throw`, which we cannot know, so that
// one stays as it is. An error that is marked as decorated is printed without excerpt: vm marks what passes through
// it, and the excerpt goes into the stack.

import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { close, open, original } from './text.ts';

/** Rewritten code as V8 has it, by the name that it has there: a path, or a URL for an ES module. */
const codes = new Map<string, string | (() => string | undefined)>();
const lineStarts = new Map<string, Uint32Array>();

/** Remembers what a file was rewritten to: the string itself, which V8 keeps anyway, or where to get it. */
export function rememberCode(name: string, code: string | (() => string | undefined)): void {
  codes.set(name, code);
  lineStarts.delete(name);
}

function lineOf(name: string, line: number): string | undefined {
  let code = codes.get(name);
  if (typeof code === 'function') {
    code = code() ?? '';
    codes.set(name, code);
  }
  if (!code) return undefined;
  let starts = lineStarts.get(name);
  if (starts === undefined) {
    const found = [0];
    const ends = /\r\n|[\n\r\u2028\u2029]/g;
    while (ends.test(code)) found.push(ends.lastIndex);
    starts = Uint32Array.from(found);
    lineStarts.set(name, starts);
  }
  if (line < 1 || line > starts.length) return undefined;
  return code.slice(starts[line - 1], starts[line]).replace(/[\n\r\u2028\u2029]+$/, '');
}

/** The user's column for one in a rewritten line; both from 1. Inside of an insertion: where it was put in. */
export function originalColumn(text: string, column: number): number {
  let inserted = 0;
  for (let at = text.indexOf(open); at >= 0 && at < column - 1; ) {
    const end = text.indexOf(close, at);
    const after = end < 0 ? text.length : end + close.length;
    if (after > column - 1) return at + 1 - inserted;
    inserted += after - at;
    at = text.indexOf(open, after);
  }
  return column - inserted;
}

/** Makes `error.stack` tell the columns of the user's own text. */
export function keepColumns(): void {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = 1;
  Error.prepareStackTrace = (_, sites) => sites;
  Error.captureStackTrace(holder);
  const sites = holder.stack as NodeJS.CallSite[];
  if (prepareStackTrace === undefined) delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
  else Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  const prototype = Object.getPrototypeOf(sites[0]) as NodeJS.CallSite;
  const { toString: textOf, getFileName, getLineNumber, getColumnNumber } = prototype;
  const shown = {
    [Symbol.toPrimitive](this: NodeJS.CallSite): string {
      const text = textOf.call(this);
      try {
        const name = getFileName.call(this);
        if (!name || !codes.has(name)) return text;
        const [line, column] = [getLineNumber.call(this), getColumnNumber.call(this)];
        const code = line && column ? lineOf(name, line) : undefined;
        if (!code || !line || !column) return text;
        const place = `:${line}:${column}`;
        const at = text.lastIndexOf(place);
        if (at < 0) return text;
        return `${text.slice(0, at)}:${line}:${originalColumn(code, column)}${text.slice(at + place.length)}`;
      } catch {
        return text;
      }
    },
  };
  Object.defineProperty(prototype, Symbol.toPrimitive, {
    value: shown[Symbol.toPrimitive],
    enumerable: false,
    configurable: true,
    writable: true,
  });
}

const firstPlace = /^ {4}at (?:.*\()?((?:file:\/\/)?\/.*|[A-Za-z]:\\.*):(\d+):(\d+)\)?$/;

/** The process is about to print this error, a rejected promise's, and end: the excerpt shall be the user's line. */
export function keepExcerpt(error: unknown): void {
  if (codes.size === 0 || !(error instanceof Error) || typeof error.stack !== 'string') return;
  const { stack } = error;
  const frame = stack.split('\n').find((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line));
  const [, name, line, column] = (frame && firstPlace.exec(frame)) || [];
  if (name === undefined || !codes.has(name)) return;
  const code = lineOf(name, Number(line));
  // Not rewritten: what Node prints is right.
  if (code === undefined || !code.includes(open)) return;
  const text = original(code);
  // As node_errors.cc draws it.
  const underline = `${text.slice(0, Number(column) - 1).replace(/[^\t]/g, ' ')}^`;
  // What inspect() makes of the first line (a class's name) it does only while the stack begins with it.
  const [shown] = inspect(error, { customInspect: false, depth: 0 }).split('\n    at ', 1);
  const [head] = stack.split('\n    at ', 1);
  try {
    // A frozen one keeps what Node prints.
    error.stack = stack;
  } catch {
    return;
  }
  try {
    runInNewContext('throw error', { error });
  } catch {
    error.stack = `${name}:${line}\n${text}\n${underline}\n\n${shown}${stack.slice(head.length)}`;
  }
}
