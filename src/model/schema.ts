// The one schema table of the house: every column of every table, with its type, unit and meaning.
// The TypeScript types, the batch's layout, each database's DDL and docs/schema.md are made from it.

/**
 * How a column's values are held.
 *
 * | type | in a batch, in memory | in the store |
 * |---|---|---|
 * | `u8` `u16` `u32` `i32` | typed array of that width | UTINYINT USMALLINT UINTEGER INTEGER |
 * | `u64` | BigUint64Array, little endian (written by the recorder as pairs of u32: low, high) | UBIGINT |
 * | `f64` | Float64Array | DOUBLE |
 * | `time` | Float64Array of ns since the batch's origin | BIGINT, ns since the epoch |
 * | `text` | Uint32Array of ids into the dictionary of texts; id 0 is '' | INTEGER id into the table `texts` |
 */
export type ColumnType = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'f64' | 'time' | 'text';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** 'ns', 'bytes', … or '' for ids, counts and words. */
  readonly unit: string;
  /** What the value says, and which value says "not known" or "does not apply". */
  readonly meaning: string;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
}

const column = <const N extends string, const T extends ColumnType>(
  name: N,
  type: T,
  unit: string,
  meaning: string,
) => ({ name, type, unit, meaning });

const table = <const N extends string, const C extends readonly Column[]>(name: N, columns: C) => ({ name, columns });

/** One row a span: an inbound request, a frame of a user function, or an operation on a service. */
export const spans = table('spans', [
  column('span', 'u64', '', 'id, unique in the trace; 16 hex digits in W3C trace context'),
  column('parent', 'u64', '', 'span that asked for this one; 0 = root'),
  column('traceHi', 'u64', '', 'trace id, its high 64 bits'),
  column('traceLo', 'u64', '', 'trace id, its low 64 bits'),
  column('kind', 'u8', '', 'a value of Kind (OpenTelemetry SpanKind)'),
  column(
    'operation',
    'text',
    '',
    'name that groups: "GET /home/:id", "SELECT pins WHERE user_id = ?", a function\'s name',
  ),
  column('statement', 'text', '', 'db.query.text without literals; empty when it adds nothing to the operation'),
  column('service', 'text', '', 'peer as URL "mysql://127.0.0.1:3306/pins" for CLIENT, PRODUCER, CONSUMER; else empty'),
  column('protocol', 'text', '', '"http", "mysql", …, "unknown"; empty for INTERNAL'),
  column(
    'function',
    'u32',
    '',
    'row of functions: INTERNAL: the function itself; else the function that owns it; 0 = none',
  ),
  column('line', 'u32', '', "line in the user's source where the operation was asked for; 0 = not known"),
  column('start', 'time', 'ns', 'request arrived, function entered, or operation asked for'),
  column('duration', 'f64', 'ns', 'until answered in full, returned, or settled'),
  column('cpu', 'f64', 'ns', 'INTERNAL: its own synchronous running, nested user frames excluded; else 0'),
  column('pool', 'f64', 'ns', "CLIENT: asked until the request's first byte, less dns, connect and tls"),
  column('dns', 'f64', 'ns', "CLIENT: looking up the host, for this operation's sake; 0 on a warm connection"),
  column('connect', 'f64', 'ns', "CLIENT: opening the connection and the protocol's own handshake, likewise"),
  column('tls', 'f64', 'ns', 'CLIENT: TLS handshake, likewise'),
  column('send', 'f64', 'ns', 'CLIENT: first to last byte of the request'),
  column('server', 'f64', 'ns', 'CLIENT: last byte of the request to first byte of the answer'),
  column('receive', 'f64', 'ns', 'CLIENT: first to last byte of the answer'),
  column('loop', 'f64', 'ns', 'CLIENT: answer complete until its owner ran again'),
  column(
    'late',
    'f64',
    'ns',
    'CLIENT: before the answer was read, how long the event loop was busy and the answer, as others of its kind tell, there',
  ),
  column('bytesOut', 'f64', 'bytes', 'request bytes (http.request.body.size and head); SERVER: bytes answered'),
  column('bytesIn', 'f64', 'bytes', 'answer bytes; SERVER: bytes received, where known'),
  column('rows', 'i32', '', 'rows or messages answered; -1 = the protocol does not say'),
  column('connection', 'u32', '', 'number of the connection in its process; 0 = none'),
  column('status', 'u16', '', 'http.response.status_code, or the gRPC status + 1000; 0 = none'),
  column('error', 'text', '', 'error.type: "1064", "503", "ECONNREFUSED", "timeout"; never a message; empty = none'),
  column('rule', 'u8', '', 'a value of Rule: how the owner was decided'),
  column('weight', 'u32', '', 'how many like it this one stands for; 0 = as many as the head of its trace does'),
]);

/** One row a wait of a frame: from where it stopped to where it went on. */
export const waits = table('waits', [
  column('span', 'u64', '', 'the waiting frame (INTERNAL span)'),
  column('traceHi', 'u64', '', 'trace id, its high 64 bits'),
  column('traceLo', 'u64', '', 'trace id, its low 64 bits'),
  column('start', 'time', 'ns', 'the frame stopped'),
  column('duration', 'f64', 'ns', 'until it went on'),
  column('line', 'u32', '', "line of the await, in the user's source; 0 = not known"),
  column('cause', 'u8', '', 'a value of Cause: what let it go on'),
  column('by', 'u64', '', 'the span that let it go on; 0 = none or not known'),
  column('set', 'f64', 'ns', 'timer: how long before it fired it was set, within the wait; else 0'),
  column(
    'blocker',
    'u32',
    '',
    'row of functions: what ran longest while what let it go on was there already; 0 = none or not known',
  ),
]);

/** One row a pause of a process's thread: the garbage collector's, or a stretch in which the event loop was held. */
export const pauses = table('pauses', [
  column('kind', 'u8', '', 'a value of Pause'),
  column('start', 'time', 'ns', 'the thread was taken'),
  column('duration', 'f64', 'ns', 'until it was free again'),
  column('function', 'u32', '', 'row of functions: loop: the one that ran for most of it; 0 = not known, or none'),
  column('span', 'u64', '', "loop: that function's frame, or the request whose handler ran; 0 = not known"),
  column('traceHi', 'u64', '', "that span's trace id, its high 64 bits"),
  column('traceLo', 'u64', '', "that span's trace id, its low 64 bits"),
]);

/** The user's functions. Row ids start at 1. */
export const functions = table('functions', [
  column('id', 'u32', '', 'as in spans.function; unique in its process in a batch, in the run in the store'),
  column('function', 'text', '', 'code.function.name; "(anonymous)" when it has none'),
  column('file', 'text', '', "code.file.path, relative to the run's directory where it lies inside"),
  column('line', 'u32', '', "code.line.number in the user's source, 1-based"),
]);

/** What the recorder counted, so that no drop is silent. Rows are increments since the process\'s last batch. */
export const counters = table('counters', [
  column('counter', 'text', '', '"dropped.spans", "off.connections", "blind.native-addon", …'),
  column('detail', 'text', '', 'where: a host, a file; empty when it does not apply'),
  column('value', 'f64', '', 'how many more since the last batch'),
]);

/** The tables that a batch carries, in this order. */
export const batchTables = [functions, spans, waits, pauses, counters] as const;

type Held<T extends ColumnType> = T extends 'u8'
  ? Uint8Array
  : T extends 'u16'
    ? Uint16Array
    : T extends 'u32' | 'text'
      ? Uint32Array
      : T extends 'i32'
        ? Int32Array
        : T extends 'u64'
          ? BigUint64Array
          : Float64Array;

/** The columns of a table: one typed array a column, all of the same length. */
export type ColumnsOf<T extends Table> = { [C in T['columns'][number] as C['name']]: Held<C['type']> };

export type SpanColumns = ColumnsOf<typeof spans>;
export type WaitColumns = ColumnsOf<typeof waits>;
export type PauseColumns = ColumnsOf<typeof pauses>;

/** What a span stands for: OpenTelemetry's SpanKind. */
export const Kind = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/**
 * How an operation's owner was decided.
 * `none`: no owner. `uncertain`: several were possible. `sync`: it was written in its owner's synchronous run, and
 * nothing contradicted that. `resume`: its answer let its owner go on. `resumeUser`: its answer let a function of
 * the user's go on. `bound`: its answer called a callback of the owner's. `tag`: the owner made the bytes.
 * `chain`: asked for by the handler of an operation of the same owner; INTERNAL: the rest of a call whose beginning was
 * written already, not a call of its own. `creator`: whoever opened the connection.
 * `root`: its own root (SERVER spans, background work).
 */
export const Rule = {
  none: 0,
  uncertain: 1,
  sync: 2,
  resume: 3,
  resumeUser: 4,
  bound: 5,
  tag: 6,
  chain: 7,
  creator: 8,
  root: 9,
} as const;
export type Rule = (typeof Rule)[keyof typeof Rule];

/**
 * What a thread did in a pause. `loop`: ran code without letting anything else run, for `loopHeldNs` and more. The
 * others are V8's kinds of garbage collection: `minor` of young objects, `major` (mark, sweep, compact), a step of
 * `incremental` marking, and `weak` callbacks.
 */
export const Pause = { loop: 0, minor: 1, major: 2, incremental: 3, weak: 4 } as const;
export type Pause = (typeof Pause)[keyof typeof Pause];

/** From this long on the event loop counts as held, ns. */
export const loopHeldNs = 10e6;

/**
 * What let a waiting frame go on: `operation`, `callee` (a function of the user's), `timer`, `other` (a file, a child
 * process, a worker, …). `pause` is no wait of its own: a timer fired during one and let a library go on, which had
 * paused since it set it.
 */
export const Cause = { unknown: 0, operation: 1, callee: 2, timer: 3, other: 4, pause: 5 } as const;
export type Cause = (typeof Cause)[keyof typeof Cause];
