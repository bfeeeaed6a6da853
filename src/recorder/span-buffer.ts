// Spans and waits on their way out: a row in preallocated columns each, texts and functions by number, counters
// summed. Writing one allocates nothing but a text not seen before. ship.ts takes what is there as one batch.
//
//   writeOperation ─┐
//   writeFrame     ─┼─► columns ── half full, or a while after the first ──► takeBatch() ─► ship.ts
//   writeWait      ─┤      └─ full, because nobody takes: the row is dropped and counted
//   writeServerSpan─┤
//   writePause     ─┘  not by itself: a process that has nothing else to tell ships nothing

import { type AnyColumns, type Batch, type BatchTables, encodeBatch, newColumn, type Room } from '../model/batch.ts';
import { type Cause, Kind, type Pause, pauses, Rule, spans, type Table, waits } from '../model/schema.ts';
import { origin } from './clock.ts';
import { processHi } from './ids.ts';
import type { Operation, Root, SpanId } from './operation.ts';

const spanRows = 8192;
const waitRows = 8192;
const pauseRows = 4096;
const maxTexts = 65_536;
const maxTextLength = 4_000;
const maxFunctions = 65_536;
const maxCounters = 1_024;

// --- what ship.ts is told

/** The first row since the last batch was written. */
let onFirst: () => void = () => {};
/** Half of the rows are taken. */
let onHalf: () => void = () => {};

export function setWakers(first: () => void, half: () => void): void {
  onFirst = first;
  onHalf = half;
}

// --- texts

const textIds = new Map<string, number>([['', 0]]);
let newTexts: string[] = [];
let firstNewText = 1;

/** The number of a text; a text too many is '(other)'. */
function textId(text: string): number {
  const known = textIds.get(text);
  if (known !== undefined) return known;
  if (textIds.size >= maxTexts) {
    count('dropped.texts', '', 1);
    if (text !== '(other)') return textId('(other)');
  }
  const id = textIds.size;
  textIds.set(text, id);
  newTexts.push(text.length > maxTextLength ? text.slice(0, maxTextLength) : text);
  return id;
}

// --- functions

const functionIds = new Map<string, number>();
let newFunctions: { id: number; name: number; file: number; line: number }[] = [];

/** The number of a user's function, from 1; 0 when there are too many. The caller keeps it for each site. */
export function functionId(name: string, file: string, line: number): number {
  const key = `${file}\n${line}\n${name}`;
  const known = functionIds.get(key);
  if (known !== undefined) return known;
  if (functionIds.size >= maxFunctions) {
    count('dropped.functions', '', 1);
    return 0;
  }
  const id = functionIds.size + 1;
  functionIds.set(key, id);
  newFunctions.push({ id, name: textId(name || '(anonymous)'), file: textId(file), line });
  return id;
}

// --- counters

const counts = new Map<string, Map<string, number>>();
let counted = 0;

/** Adds to a counter: "off.connections" of "10.0.0.5:3306". The first words of a fault, never its text. */
export function count(counter: string, detail: string, value: number): void {
  let details = counts.get(counter);
  if (!details) {
    details = new Map();
    counts.set(counter, details);
  }
  const before = details.get(detail);
  if (before === undefined) {
    if (counted >= maxCounters) return;
    counted++;
  }
  details.set(detail, (before ?? 0) + value);
}

// --- columns

/** u64 columns are written as pairs of u32: low, high. */
class Rows<T extends Table> {
  rows = 0;
  readonly capacity: number;
  readonly half: number;
  readonly columns: AnyColumns = {};
  private readonly table: T;

  constructor(table: T, capacity: number) {
    this.table = table;
    this.capacity = capacity;
    this.half = capacity >> 1;
    for (const { name, type } of table.columns) this.columns[name] = newColumn(type, capacity);
  }

  pairs(name: string): Uint32Array {
    const column = this.columns[name];
    return new Uint32Array(column.buffer, column.byteOffset, this.capacity * 2);
  }

  /** Views of the rows written; valid until the next row is. */
  taken(): AnyColumns {
    const views: AnyColumns = {};
    for (const { name } of this.table.columns) views[name] = this.columns[name].subarray(0, this.rows);
    return views;
  }
}

const spanTable = new Rows(spans, spanRows);
const waitTable = new Rows(waits, waitRows);
const pauseTable = new Rows(pauses, pauseRows);
const f64 = (table: Rows<Table>, name: string) => table.columns[name] as Float64Array;
const u32 = (table: Rows<Table>, name: string) => table.columns[name] as Uint32Array;

const s = {
  span: spanTable.pairs('span'),
  parent: spanTable.pairs('parent'),
  traceHi: spanTable.pairs('traceHi'),
  traceLo: spanTable.pairs('traceLo'),
  kind: spanTable.columns['kind'] as Uint8Array,
  operation: u32(spanTable, 'operation'),
  statement: u32(spanTable, 'statement'),
  service: u32(spanTable, 'service'),
  protocol: u32(spanTable, 'protocol'),
  function: u32(spanTable, 'function'),
  line: u32(spanTable, 'line'),
  start: f64(spanTable, 'start'),
  duration: f64(spanTable, 'duration'),
  cpu: f64(spanTable, 'cpu'),
  pool: f64(spanTable, 'pool'),
  dns: f64(spanTable, 'dns'),
  connect: f64(spanTable, 'connect'),
  tls: f64(spanTable, 'tls'),
  send: f64(spanTable, 'send'),
  server: f64(spanTable, 'server'),
  receive: f64(spanTable, 'receive'),
  loop: f64(spanTable, 'loop'),
  late: f64(spanTable, 'late'),
  bytesOut: f64(spanTable, 'bytesOut'),
  bytesIn: f64(spanTable, 'bytesIn'),
  rows: spanTable.columns['rows'] as Int32Array,
  connection: u32(spanTable, 'connection'),
  status: spanTable.columns['status'] as Uint16Array,
  error: u32(spanTable, 'error'),
  rule: spanTable.columns['rule'] as Uint8Array,
  weight: u32(spanTable, 'weight'),
};

const w = {
  span: waitTable.pairs('span'),
  traceHi: waitTable.pairs('traceHi'),
  traceLo: waitTable.pairs('traceLo'),
  start: f64(waitTable, 'start'),
  duration: f64(waitTable, 'duration'),
  line: u32(waitTable, 'line'),
  cause: waitTable.columns['cause'] as Uint8Array,
  by: waitTable.pairs('by'),
  set: f64(waitTable, 'set'),
  blocker: u32(waitTable, 'blocker'),
};

const p = {
  kind: pauseTable.columns['kind'] as Uint8Array,
  start: f64(pauseTable, 'start'),
  duration: f64(pauseTable, 'duration'),
  function: u32(pauseTable, 'function'),
  span: pauseTable.pairs('span'),
  traceHi: pauseTable.pairs('traceHi'),
  traceLo: pauseTable.pairs('traceLo'),
};

let pausesLost = 0;

/** The row of a new span, its measures all 0; -1 when there is no room: dropped and counted. */
function newSpan(): number {
  const row = spanTable.rows;
  if (row >= spanTable.capacity) {
    count('dropped.spans', '', 1);
    return -1;
  }
  spanTable.rows = row + 1;
  if (row === 0) onFirst();
  s.statement[row] = 0;
  s.service[row] = 0;
  s.protocol[row] = 0;
  s.function[row] = 0;
  s.line[row] = 0;
  s.cpu[row] = 0;
  s.pool[row] = 0;
  s.dns[row] = 0;
  s.connect[row] = 0;
  s.tls[row] = 0;
  s.send[row] = 0;
  s.server[row] = 0;
  s.receive[row] = 0;
  s.loop[row] = 0;
  s.late[row] = 0;
  s.bytesOut[row] = 0;
  s.bytesIn[row] = 0;
  s.rows[row] = -1;
  s.connection[row] = 0;
  s.status[row] = 0;
  s.error[row] = 0;
  s.weight[row] = 1;
  return row;
}

function setId(pairs: Uint32Array, row: number, id: SpanId | undefined): void {
  pairs[2 * row] = id === undefined ? 0 : id.lo;
  pairs[2 * row + 1] = id === undefined ? 0 : id.hi;
}

/** A span of this process, by its low half; 0 = none. */
function setOwn(pairs: Uint32Array, row: number, lo: number): void {
  pairs[2 * row] = lo;
  pairs[2 * row + 1] = lo === 0 ? 0 : processHi;
}

/** A trace's four u32, most significant first; undefined = no trace, all 0. */
function setTrace(hi: Uint32Array, lo: Uint32Array, row: number, trace: Uint32Array | undefined): void {
  const at = 2 * row;
  hi[at + 1] = trace === undefined ? 0 : trace[0];
  hi[at] = trace === undefined ? 0 : trace[1];
  lo[at + 1] = trace === undefined ? 0 : trace[2];
  lo[at] = trace === undefined ? 0 : trace[3];
}

/** The time between two, 0 when either is not known or they are the other way round. */
const between = (from: number, to: number): number => (to > from ? to - from : 0);

/** As much of a phase of opening as lies after the operation was asked, and in what it waited. */
const within = (waited: number, phase: number, afterStart: number): number =>
  Math.max(0, Math.min(waited, phase, afterStart));

/**
 * Writes a settled operation, which stands for `weight` like it, as a span. Called once for each. What opens a connection and succeeds is no operation of
 * its own: its time is part of `connect` of the operation that waited for it.
 */
export function writeOperation(op: Operation, weight = 1): void {
  const { exchange, peer, root } = op;
  if (exchange.setup && exchange.error === '') return;
  const row = newSpan();
  if (row < 0) return;
  const { frame } = op;
  setOwn(s.span, row, op.lo);
  setOwn(s.parent, row, frame !== undefined ? frame.lo : root === undefined ? 0 : root.id.lo);
  setTrace(s.traceHi, s.traceLo, row, root?.trace);
  s.weight[row] = weight;
  s.kind[row] = exchange.kind;
  s.operation[row] = textId(exchange.operation);
  s.statement[row] = textId(exchange.statement);
  s.service[row] = textId(op.service);
  s.protocol[row] = textId(op.protocol);
  if (frame !== undefined) s.function[row] = frame.functionId;
  s.line[row] = op.line;

  const first = Number.isNaN(exchange.firstOut) ? exchange.firstIn : exchange.firstOut;
  const start = Number.isNaN(op.askedAt) || op.askedAt > first ? first : op.askedAt;
  let end = exchange.lastIn >= exchange.lastOut || Number.isNaN(exchange.lastOut) ? exchange.lastIn : exchange.lastOut;
  if (Number.isNaN(exchange.lastIn) && !exchange.oneWay && op.closedAt > start) end = op.closedAt;
  s.start[row] = start;
  s.duration[row] = between(start, end);

  let waited = between(start, first);
  const up = peer.connectAt + peer.dns + peer.connect + peer.tls + peer.greeting;
  if (waited > 0 && !peer.charged && up > start) {
    peer.charged = true;
    const connected = peer.connectAt + peer.dns + peer.connect;
    const greeting = within(waited, peer.greeting, up - start);
    waited -= greeting;
    const tls = within(waited, peer.tls, connected + peer.tls - start);
    waited -= tls;
    const connect = within(waited, peer.connect, connected - start);
    waited -= connect;
    const dns = within(waited, peer.dns, peer.connectAt + peer.dns - start);
    waited -= dns;
    s.tls[row] = tls;
    s.connect[row] = connect + greeting;
    s.dns[row] = dns;
  }
  s.pool[row] = waited;
  s.send[row] = between(exchange.firstOut, exchange.lastOut);
  s.server[row] = between(exchange.lastOut, exchange.firstIn);
  s.receive[row] = between(exchange.firstIn, exchange.lastIn);
  s.loop[row] = between(exchange.lastIn, op.resumedAt);
  s.late[row] = op.lain;
  s.bytesOut[row] = exchange.bytesOut;
  s.bytesIn[row] = exchange.bytesIn;
  s.rows[row] = exchange.rows;
  s.connection[row] = peer.number;
  s.status[row] = exchange.status;
  s.error[row] = textId(exchange.error);
  s.rule[row] = op.rule;
  if (spanTable.rows === spanTable.half) onHalf();
}

/**
 * Writes a frame of a user function as an INTERNAL span.
 * @param parent the calling frame, else the root; 0 = none
 * @param cpu its own synchronous running, ns
 * @param error error.type of what it threw, '' = none
 */
export function writeFrame(
  root: Root,
  lo: number,
  parent: number,
  functionNumber: number,
  operation: string,
  line: number,
  start: number,
  duration: number,
  cpu: number,
  error: string,
  rule: Rule,
): void {
  const row = newSpan();
  if (row < 0) return;
  setOwn(s.span, row, lo);
  setOwn(s.parent, row, parent);
  setTrace(s.traceHi, s.traceLo, row, root.trace);
  s.weight[row] = root.weight;
  s.kind[row] = Kind.internal;
  s.operation[row] = textId(operation);
  s.function[row] = functionNumber;
  s.line[row] = line;
  s.start[row] = start;
  s.duration[row] = duration;
  s.cpu[row] = cpu;
  s.error[row] = textId(error);
  s.rule[row] = rule;
  if (spanTable.rows === spanTable.half) onHalf();
}

/**
 * Writes one wait of a frame.
 * @param by the span that let it go on; 0 = not known
 * @param set a timer: how long before it fired it was set, ns; else 0
 * @param blocker the function that ran longest while what let it go on was there already; 0 = none
 */
export function writeWait(
  root: Root,
  frame: number,
  start: number,
  duration: number,
  line: number,
  cause: Cause,
  by: number,
  set: number,
  blocker: number,
): void {
  const row = waitTable.rows;
  if (row >= waitTable.capacity) {
    count('dropped.waits', '', 1);
    return;
  }
  waitTable.rows = row + 1;
  if (row === 0) onFirst();
  setOwn(w.span, row, frame);
  setTrace(w.traceHi, w.traceLo, row, root.trace);
  w.start[row] = start;
  w.duration[row] = duration;
  w.line[row] = line;
  w.cause[row] = cause;
  setOwn(w.by, row, by);
  w.set[row] = set;
  w.blocker[row] = blocker;
  if (waitTable.rows === waitTable.half) onHalf();
}

/**
 * Writes a pause of the thread. Shipped with whatever is shipped next.
 * @param span who held the loop, with its function and trace; undefined = not known
 */
export function writePause(
  kind: Pause,
  start: number,
  duration: number,
  functionNumber: number,
  span: number,
  trace: Uint32Array | undefined,
): void {
  const row = pauseTable.rows;
  if (row >= pauseTable.capacity) {
    pausesLost++;
    return;
  }
  pauseTable.rows = row + 1;
  p.kind[row] = kind;
  p.start[row] = start;
  p.duration[row] = duration;
  p.function[row] = functionNumber;
  setOwn(p.span, row, span);
  setTrace(p.traceHi, p.traceLo, row, trace);
}

/** Writes an inbound request as a SERVER span; `error` is error.type, '' = none. */
export function writeServerSpan(
  root: Root,
  operation: string,
  protocol: string,
  end: number,
  bytesOut: number,
  bytesIn: number,
  status: number,
  error: string,
): void {
  if (!root.recorded) return;
  const row = newSpan();
  if (row < 0) return;
  s.weight[row] = root.weight;
  setId(s.span, row, root.id);
  setId(s.parent, row, root.parent);
  setTrace(s.traceHi, s.traceLo, row, root.trace);
  s.kind[row] = Kind.server;
  s.operation[row] = textId(operation);
  s.protocol[row] = textId(protocol);
  s.start[row] = root.start;
  s.duration[row] = between(root.start, end);
  s.bytesOut[row] = bytesOut;
  s.bytesIn[row] = bytesIn;
  s.status[row] = status;
  s.error[row] = textId(error);
  s.rule[row] = Rule.root;
  if (spanTable.rows === spanTable.half) onHalf();
}

// --- taking

export const hasRows = (): boolean =>
  spanTable.rows > 0 || waitTable.rows > 0 || counted > 0 || newFunctions.length > 0;

/** Everything written since the last call as a batch's bytes in `room`; undefined when there is nothing. */
export function takeBatch(process: number, number: number, room?: Room): Uint8Array<ArrayBuffer> | undefined {
  if (!hasRows()) return undefined;
  if (pausesLost > 0) count('dropped.pauses', '', pausesLost);
  pausesLost = 0;
  const counters: { counter: number; detail: number; value: number }[] = [];
  for (const [counter, details] of counts) {
    for (const [detail, value] of details) {
      counters.push({ counter: textId(counter), detail: textId(detail), value });
    }
  }
  counts.clear();
  counted = 0;
  const batch: Batch = {
    process,
    number,
    origin,
    firstText: firstNewText,
    texts: newTexts,
    tables: {
      functions: {
        id: Uint32Array.from(newFunctions, ({ id }) => id),
        function: Uint32Array.from(newFunctions, ({ name }) => name),
        file: Uint32Array.from(newFunctions, ({ file }) => file),
        line: Uint32Array.from(newFunctions, ({ line }) => line),
      },
      spans: spanTable.taken() as unknown as BatchTables['spans'],
      waits: waitTable.taken() as unknown as BatchTables['waits'],
      pauses: pauseTable.taken() as unknown as BatchTables['pauses'],
      counters: {
        counter: Uint32Array.from(counters, ({ counter }) => counter),
        detail: Uint32Array.from(counters, ({ detail }) => detail),
        value: Float64Array.from(counters, ({ value }) => value),
      },
    },
  };
  const bytes = encodeBatch(batch, room);
  spanTable.rows = 0;
  waitTable.rows = 0;
  pauseTable.rows = 0;
  firstNewText += newTexts.length;
  newTexts = [];
  newFunctions = [];
  return bytes;
}
