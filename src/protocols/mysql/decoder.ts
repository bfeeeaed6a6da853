// MySQL and MariaDB: packets of both directions → exchanges.
//
//   server  greeting       more    OK │       columns … rows … EOF │        OK │ columns … EOF  OK │
//   client         response    more   │ COM_QUERY                  │ COM_QUERY │ COM_QUERY         │ …
//           └─ connect (setup) ───────┘ └─ exchange ───────────────┘ └────────┘  └─ two results ──┘
//
// A connection is `connect` first: greeting, capabilities, authentication and perhaps SSLRequest, behind which the
// observer goes on with the decrypted bytes (encrypted ones make the decoder quiet). Then one exchange a command; its
// answer's form follows from the command alone:
//
//   COM_QUERY, COM_STMT_EXECUTE      OK │ ERR │ LOCAL INFILE, client's file, OK │ result set; more of these while
//                                    the status says SERVER_MORE_RESULTS_EXISTS
//   result set                       column count, column definitions, [EOF,] rows, EOF or OK
//   COM_STMT_PREPARE                 OK, parameter definitions[, EOF], column definitions[, EOF]
//   COM_STMT_FETCH                   rows, EOF or OK
//   COM_QUIT, COM_STMT_CLOSE,        nothing
//   COM_STMT_SEND_LONG_DATA
//   all others                       OK │ EOF │ ERR (COM_STATISTICS: a text; COM_BINLOG_DUMP: a stream without end)
//
// Whether there is an EOF behind the columns is not asked of the capabilities but seen: an EOF packet has 5 bytes,
// an OK packet at least 7, and no row begins like either. So a connection joined in the middle is read just as well.
//
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Sink } from '../decoder.ts';
import {
  type Dialect,
  mysql as mysqlDialect,
  mysqlNoBackslashEscapes,
  nameSqlIn,
  nameText,
  noName,
  type SqlName,
  statementBytes,
} from '../names/sql.ts';
import { FrameReader, frameHeadBytes } from './compressed.ts';
import { queryStart, readChangeUser, readGreeting, readOk, readResponse } from './messages.ts';
import { Fields, PacketReader } from './packets.ts';
import { recognise } from './recognise.ts';
import { Capability, Com, commandNames, Header, MariadbCapability, maxPacket, Status } from './spec.ts';

export const mysql: Protocol = {
  name: 'mysql',
  recognise,
  decode: (sink) => new MysqlDecoder(sink),
};

/** Commands that may wait for their answers; more than that is no conversation. */
const maxInFlight = 10_000;
/** Prepared statements whose names are kept, those used last. */
const maxPrepared = 1024;
/** Bytes of an answer's packet that matter: an OK with its session state. */
const answerBytes = 1024;

/** What the next bytes belong to. */
type Phase =
  /** Nothing was understood yet. */
  'start' | 'connect' | 'command';

/** What the next packet of the answer is. */
const Expect = {
  /** The answer's, or the next result's, first packet. */
  first: 0,
  columns: 1,
  /** Behind the columns: EOF, or the first row. */
  columnsEnd: 2,
  rows: 3,
  /** COM_STMT_PREPARE's parameters and columns. */
  definitions: 4,
  /** COM_FIELD_LIST's columns, until EOF. */
  fieldList: 5,
  /** Nothing, until the client has sent its file. */
  infile: 6,
  /** COM_CHANGE_USER: authentication. */
  authentication: 7,
  /** Binary log events. */
  stream: 8,
} as const;
type Expect = (typeof Expect)[keyof typeof Expect];

/** A request and what its answer needs to be understood. */
class Command {
  readonly exchange = new Exchange(Kind.client);
  /** A value of Com; −1 = not read yet, or the connection's opening. */
  code = -1;
  /** Of the request's last packet. */
  sequence = 0;
  /** Of the statement prepared or executed. */
  name: SqlName = noName;
  /** The session's database once the command has succeeded; '' = it does not change it. */
  database = '';
  /** Some of it was compressed, so that its end cannot be seen. */
  isOpaque = false;
  next: Command | undefined = undefined;
}

class MysqlDecoder implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private phase: Phase = 'start';
  private readonly requests = new PacketReader(statementBytes + 64);
  private readonly answers = new PacketReader(answerBytes);

  /** The command whose bytes the client is sending. */
  private sending: Command | undefined = undefined;
  /** Commands sent, in their order; the first is being answered. */
  private head: Command | undefined = undefined;
  private tail: Command | undefined = undefined;
  private inFlight = 0;

  private expect: Expect = Expect.first;
  /** Column or parameter definitions that are still to come. */
  private definitions = 0;
  /** EOF packets still to come among the definitions of COM_STMT_PREPARE. */
  private definitionEofs = 0;
  /** Sequence of the answer's next packet; −1 = any (compression numbers packets otherwise). */
  private nextSequence = -1;

  /** Of those who have spoken; all, as long as nobody has. */
  private capabilities = ~0;
  private mariadbCapabilities = ~0;
  /** Whether EOF packets follow definitions; undefined = joined in the middle, and not seen yet. */
  private usesEof: boolean | undefined = undefined;
  private greetingAt = Number.NaN;
  private sslRequested = false;
  private responded = false;
  private namespace = '';
  private dialect: Dialect = mysqlDialect;
  /** Statements by id, in the order of use. */
  private readonly prepared = new Map<number, SqlName>();
  private lastPrepared: SqlName = noName;
  private compression: { client: FrameReader; server: FrameReader } | undefined = undefined;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  get idle(): boolean {
    return !this.lost && !this.head && !this.sending && this.requests.atBorder && this.answers.atBorder;
  }

  // ------------------------------------------------------------------------------------------------- client

  client(bytes: Uint8Array, at: number): void {
    let from = 0;
    if (this.compression) from = this.readCompressed(this.compression.client, bytes, 0, at);
    while (from < bytes.length && !this.lost && !this.compression)
      from = this.readRequest(bytes, from, bytes.length, at);
    this.requests.release();
  }

  private readRequest(bytes: Uint8Array, from: number, end: number, at: number): number {
    const { requests } = this;
    const command = this.sending ?? this.beginRequest();
    const to = requests.read(bytes, from, end);
    countOut(command.exchange, to - from, at);
    if (requests.headed) this.checkRequest(command);
    if (requests.whole && !this.lost) this.endRequest(command);
    return to;
  }

  /** The client's first byte behind a border: of a new command, or of one that is a dialogue. */
  private beginRequest(): Command {
    const { head } = this;
    const isDialogue =
      head !== undefined &&
      (this.phase === 'connect' ||
        this.expect === Expect.infile ||
        this.expect === Expect.authentication ||
        this.expect === Expect.stream);
    this.sending = isDialogue ? head : this.open();
    return this.sending as Command;
  }

  /** A command begins with sequence 0; everything inside a dialogue has a higher one. */
  private checkRequest(command: Command): void {
    const { requests } = this;
    const isFirst = requests.firstSequence === 0;
    if (this.phase === 'start') {
      if (isFirst) this.join();
      else if (requests.length >= 32) this.connect(command);
      else this.lose();
      return;
    }
    if (this.phase === 'connect') {
      // A TLS record behind the SSLRequest: 16 03 0x. Nothing can be read from here on.
      const isTls = this.sslRequested && (requests.length & 0xffff) === 0x0316;
      if (isFirst || isTls) this.lose();
      return;
    }
    const isNew = command !== this.head;
    if (isNew && !this.compression && (!isFirst || requests.length === 0)) this.lose();
  }

  private endRequest(command: Command): void {
    const { requests } = this;
    this.sending = undefined;
    command.sequence = requests.sequence;
    if (this.phase === 'connect') this.readConnect(command);
    else if (command === this.head) this.endDialogue();
    else this.readCommand(command);
  }

  private readCommand(command: Command) {
    const { bytes, from, to } = this.requests;
    const { exchange } = command;
    const code = bytes[from] as number;
    const word = commandNames[code] as string;
    if (word === '') return this.lose(command);
    command.code = code;
    exchange.operation = word;
    exchange.namespace = this.namespace;
    switch (code) {
      case Com.QUIT:
      case Com.STMT_SEND_LONG_DATA:
        return this.endOneWay(command);
      case Com.STMT_CLOSE:
        this.prepared.delete(statementId(bytes, from, to));
        return this.endOneWay(command);
      case Com.QUERY:
        this.nameQuery(command);
        break;
      case Com.STMT_PREPARE:
        command.name = nameSqlIn(bytes, from + 1, to, this.dialect);
        this.lastPrepared = command.name;
        exchange.operation = `PREPARE ${command.name.operation}`;
        exchange.statement = command.name.statement;
        break;
      case Com.STMT_EXECUTE:
      case Com.STMT_BULK_EXECUTE:
      case Com.STMT_FETCH:
        this.nameExecute(command, code === Com.STMT_FETCH ? 'FETCH ' : '');
        break;
      case Com.INIT_DB:
        command.database = nameText(bytes, from + 1, to);
        exchange.operation = `USE ${command.database}`;
        break;
      case Com.CHANGE_USER:
        command.database = readChangeUser(bytes, from, to);
        exchange.setup = true;
        break;
      case Com.BINLOG_DUMP:
      case Com.BINLOG_DUMP_GTID:
        exchange.idle = true;
        break;
    }
    this.enqueue(command);
  }

  private nameQuery(command: Command): void {
    const { bytes, from, to } = this.requests;
    const name = nameSqlIn(bytes, queryStart(bytes, from, to, this.capabilities), to, this.dialect);
    const { exchange } = command;
    if (name.operation !== '') exchange.operation = name.operation;
    exchange.statement = name.statement;
    if (name.operation.startsWith('USE ')) command.database = name.operation.slice(4);
  }

  private nameExecute(command: Command, verb: string): void {
    const { bytes, from, to } = this.requests;
    const id = statementId(bytes, from, to);
    const { exchange } = command;
    // MariaDB's clients execute what they have just sent to be prepared, before they know its id.
    const name = id === 0xffffffff ? this.lastPrepared : this.prepared.get(id);
    if (name === undefined || name === noName) return;
    if (id !== 0xffffffff) {
      this.prepared.delete(id);
      this.prepared.set(id, name);
    }
    command.name = name;
    exchange.operation = verb + name.operation;
    exchange.statement = name.statement;
  }

  /** The client's part of a dialogue inside an answer. */
  private endDialogue(): void {
    if (this.expect === Expect.infile && this.requests.length === 0) this.expect = Expect.first;
    const isNumbered = !this.compression && this.expect !== Expect.stream;
    this.nextSequence = isNumbered ? (this.requests.sequence + 1) & 0xff : -1;
  }

  // ------------------------------------------------------------------------------------------------- connect

  /** What has begun is the connection's opening. */
  private connect(command: Command): void {
    this.phase = 'connect';
    command.exchange.operation = 'connect';
    command.exchange.setup = true;
    if (command !== this.head) this.enqueue(command);
  }

  /** The connection was opened before it was seen. */
  private join(): void {
    this.phase = 'command';
    this.capabilities = 0;
    this.mariadbCapabilities = 0;
    this.answers.reset();
  }

  /** The client's response to the greeting; behind it, authentication, which is skipped. */
  private readConnect(command: Command): void {
    const { bytes, from, to } = this.requests;
    this.nextSequence = (this.requests.sequence + 1) & 0xff;
    if (this.responded) return;
    const response = readResponse(bytes, from, to);
    this.sslRequested = response.isSslRequest;
    if (response.isSslRequest) return;
    this.responded = true;
    // What both have is used.
    this.capabilities &= response.capabilities;
    this.mariadbCapabilities &= response.mariadbCapabilities;
    this.usesEof = (this.capabilities & Capability.CLIENT_DEPRECATE_EOF) === 0;
    command.database = response.database;
    command.exchange.namespace = response.database;
  }

  /** The server speaks first: its greeting, or an ERR that refuses the client. */
  private readStart(bytes: Uint8Array, from: number, end: number, at: number): number {
    const { answers } = this;
    if (answers.atBorder) this.greetingAt = at;
    const to = answers.read(bytes, from, end);
    if (answers.headed && answers.firstSequence !== 0) {
      this.join();
      return end;
    }
    if (!answers.whole) return to;
    const first = answers.length > 0 ? answers.bytes[answers.from] : -1;
    const isGreeting = first === 0x0a || (first === Header.ERR && answers.length > 3);
    if (!isGreeting) {
      this.join();
      return end;
    }
    const command = this.open();
    this.connect(command);
    const { exchange } = command;
    exchange.firstIn = this.greetingAt;
    exchange.lastIn = at;
    exchange.bytesIn = answers.length + 4;
    this.readConnectAnswer(command);
    return to;
  }

  private readConnectAnswer(command: Command) {
    const { bytes, from, to, length } = this.answers;
    const first = length > 0 ? (bytes[from] as number) : -1;
    if (first === 0x0a && this.answers.firstSequence === 0) {
      const greeting = readGreeting(bytes, from, to);
      if (!greeting) return this.lose();
      this.noteStatus(greeting.status);
      this.capabilities &= greeting.capabilities;
      this.mariadbCapabilities &= greeting.mariadbCapabilities;
      return;
    }
    if (first === Header.ERR) return this.endError(command);
    if (!this.isInSequence()) return this.lose();
    if (first === Header.OK) {
      this.endCommand(command, readOk(bytes, from, to, this.capabilities));
      const compresses = Capability.CLIENT_COMPRESS | Capability.CLIENT_ZSTD_COMPRESSION_ALGORITHM;
      if (this.capabilities & compresses) this.compression = { client: new FrameReader(), server: new FrameReader() };
      return;
    }
    // Another method, or more of its data.
    if (!this.responded) this.lose();
  }

  // ------------------------------------------------------------------------------------------------- server

  server(bytes: Uint8Array, at: number): void {
    let from = 0;
    if (this.compression) from = this.readCompressed(this.compression.server, bytes, 0, at);
    while (from < bytes.length && !this.lost && !this.compression)
      from = this.readAnswer(bytes, from, bytes.length, at);
    // The handshake's OK may stand before compressed bytes in one chunk.
    if (this.compression && from > 0 && from < bytes.length)
      this.readCompressed(this.compression.server, bytes, from, at);
    this.answers.release();
  }

  private readAnswer(bytes: Uint8Array, from: number, end: number, at: number): number {
    const { answers, head } = this;
    if (!head) {
      if (this.phase === 'start' && !this.sending) return this.readStart(bytes, from, end, at);
      // Nothing was asked: the rest of an answer that was joined in the middle, or a farewell of the server's.
      answers.reset();
      return end;
    }
    const { exchange } = head;
    if (this.expect === Expect.rows && answers.atBorder) {
      const to = answers.skipRows(bytes, from, end);
      if (to > from) {
        countIn(exchange, to - from, at);
        this.addRows(exchange, answers.rows);
        this.nextSequence = (answers.sequence + 1) & 0xff;
        return to;
      }
    }
    const to = answers.read(bytes, from, end);
    countIn(exchange, to - from, at);
    if (answers.whole) {
      if (this.phase === 'connect') this.readConnectAnswer(head);
      else this.readCommandAnswer(head);
      if (this.nextSequence >= 0 && this.head === head) this.nextSequence = (answers.sequence + 1) & 0xff;
    }
    return to;
  }

  private isInSequence(): boolean {
    return this.nextSequence < 0 || this.answers.firstSequence === this.nextSequence;
  }

  private readCommandAnswer(command: Command) {
    const { bytes, from, length } = this.answers;
    const first = length > 0 ? (bytes[from] as number) : -1;
    if (!this.isInSequence() || length === 0) return this.lose();
    if (first === Header.ERR && length >= 3) return this.endError(command);
    switch (this.expect) {
      case Expect.first:
        return this.readFirst(command, first);
      case Expect.columns:
        return this.readColumn();
      case Expect.columnsEnd:
      case Expect.rows:
        return this.readRow(command, first);
      case Expect.definitions:
        return this.readDefinition(command, first);
      case Expect.fieldList:
        return first === Header.EOF ? this.endCommand(command, undefined) : undefined;
      case Expect.authentication:
        return first === Header.OK ? this.endOk(command) : undefined;
      case Expect.infile:
        return this.lose();
      case Expect.stream:
        return isEof(first, length) ? this.endCommand(command, undefined) : undefined;
    }
  }

  private readFirst(command: Command, first: number) {
    const { bytes, from, to, length } = this.answers;
    if (command.code === Com.STATISTICS) return this.endCommand(command, undefined);
    if (command.code === Com.STMT_PREPARE) return this.readPrepared(command, first);
    if (first === Header.OK) return this.endOk(command);
    if (isEof(first, length)) return this.endCommand(command, undefined);
    if (first === Header.LOCAL_INFILE) {
      this.expect = Expect.infile;
      return;
    }
    const fields = new Fields(bytes, from, to);
    this.definitions = fields.lenenc();
    if (this.definitions === 0 || this.definitions > 0xffff || fields.isShort || fields.left > 1) return this.lose();
    // MariaDB leaves out the columns of a statement executed before: | count lenenc | 0x00 = left out |
    const isLeftOut =
      fields.left === 1 &&
      bytes[fields.at] === 0 &&
      (this.mariadbCapabilities & MariadbCapability.CACHE_METADATA ||
        this.capabilities & Capability.CLIENT_OPTIONAL_RESULTSET_METADATA);
    this.expect = isLeftOut ? Expect.columnsEnd : Expect.columns;
    if (command.exchange.rows < 0) command.exchange.rows = 0;
  }

  /** ColumnDefinition41: it begins with the catalog, which is always "def". */
  private readColumn() {
    const { bytes, from, length } = this.answers;
    if (length < 12 || bytes[from] !== 3 || bytes[from + 1] !== 0x64) return this.lose();
    if (--this.definitions === 0) this.expect = Expect.columnsEnd;
  }

  private readRow(command: Command, first: number) {
    const { bytes, from, to, length } = this.answers;
    const isBehindColumns = this.expect === Expect.columnsEnd;
    this.expect = Expect.rows;
    if (first !== Header.EOF || length >= maxPacket) {
      if (isBehindColumns) this.usesEof ??= false;
      this.addRows(command.exchange, 1);
      return;
    }
    if (!isEof(first, length)) {
      this.usesEof ??= false;
      return this.endResult(command, readOk(bytes, from, to, this.capabilities)?.status ?? 0);
    }
    const status = new Fields(bytes, from + 3, to).u16();
    if (!isBehindColumns) return this.endResult(command, status);
    this.usesEof = true;
    // With a cursor, the rows wait for COM_STMT_FETCH.
    if (status & Status.SERVER_STATUS_CURSOR_EXISTS) this.endResult(command, status);
  }

  /** COM_STMT_PREPARE_OK: | 0x00 | statement id u32 | columns u16 | parameters u16 | … | */
  private readPrepared(command: Command, first: number) {
    const { bytes, from, to } = this.answers;
    const fields = new Fields(bytes, from + 1, to);
    const id = fields.u32();
    const columns = fields.u16();
    const parameters = fields.u16();
    if (first !== Header.OK || fields.isShort) return this.lose();
    this.prepared.set(id, command.name);
    if (this.prepared.size > maxPrepared) this.prepared.delete(this.prepared.keys().next().value as number);
    this.expect = Expect.definitions;
    this.definitions = columns + parameters;
    this.definitionEofs = (columns > 0 ? 1 : 0) + (parameters > 0 ? 1 : 0);
    if (this.definitions === 0) this.endCommand(command, undefined);
  }

  private readDefinition(command: Command, first: number): void {
    if (isEof(first, this.answers.length)) {
      this.usesEof = true;
      this.definitionEofs--;
    } else this.definitions--;
    // Not known whether an EOF follows: it is over; an EOF finds nobody who waits for it.
    if (this.definitions <= 0 && (!this.usesEof || this.definitionEofs <= 0)) this.endCommand(command, undefined);
  }

  private addRows(exchange: Exchange, rows: number): void {
    exchange.rows = Math.max(exchange.rows, 0) + rows;
  }

  // ------------------------------------------------------------------------------------------------- ends

  private endOk(command: Command) {
    const { bytes, from, to } = this.answers;
    const ok = readOk(bytes, from, to, this.capabilities);
    if (!ok) return this.lose();
    if (ok.database !== '') command.database = ok.database;
    const { code } = command;
    if (code === Com.QUERY || code === Com.STMT_EXECUTE || code === Com.STMT_BULK_EXECUTE)
      this.addRows(command.exchange, ok.affectedRows);
    this.endResult(command, ok.status);
  }

  private endResult(command: Command, status: number): void {
    this.noteStatus(status);
    this.expect = Expect.first;
    if (!(status & Status.SERVER_MORE_RESULTS_EXISTS)) this.endCommand(command, undefined);
  }

  /** ERR_Packet: | 0xff | code u16 | … |. MariaDB reports progress in one of code 0xffff. */
  private endError(command: Command): void {
    const { bytes, from, to } = this.answers;
    const code = new Fields(bytes, from + 1, to).u16();
    if (code === 0xffff) return;
    command.exchange.error = String(code);
    command.database = '';
    this.endCommand(command, undefined);
  }

  private endCommand(command: Command, ok: { status: number; database: string } | undefined): void {
    if (ok) this.noteStatus(ok.status);
    if (command.database !== '') this.namespace = command.database;
    this.phase = 'command';
    this.head = command.next;
    if (!this.head) this.tail = undefined;
    this.inFlight--;
    this.beginAnswer();
    if (this.sending === command) this.sending = undefined;
    this.sink.closed(command.exchange);
  }

  private endOneWay(command: Command): void {
    command.exchange.oneWay = true;
    if (command.code === Com.QUIT) command.exchange.setup = true;
    this.sink.closed(command.exchange);
  }

  private noteStatus(status: number): void {
    const isLiteral = (status & Status.SERVER_STATUS_NO_BACKSLASH_ESCAPES) !== 0;
    this.dialect = isLiteral ? mysqlNoBackslashEscapes : mysqlDialect;
  }

  close(_at: number, error: string): void {
    if (!this.lost) this.endAll(error);
  }

  /** Nonsense: closes what is in flight and goes quiet. */
  private lose(command?: Command): void {
    if (command) this.sending = command;
    this.endAll('');
    this.lost = true;
  }

  private endAll(error: string): void {
    const { sending } = this;
    let command = this.head;
    if (sending && sending !== command) {
      if (this.tail) this.tail.next = sending;
      else command = sending;
    }
    this.head = undefined;
    this.tail = undefined;
    this.sending = undefined;
    for (; command; command = command.next) {
      if (command.exchange.error === '') command.exchange.error = error;
      this.sink.closed(command.exchange);
    }
    this.prepared.clear();
  }

  // ------------------------------------------------------------------------------------------------- queue

  private open(): Command {
    const command = new Command();
    command.exchange.operation = 'command';
    this.sink.opened(command.exchange);
    return command;
  }

  private enqueue(command: Command): void {
    if (this.tail) this.tail.next = command;
    this.tail = command;
    if (!this.head) {
      this.head = command;
      this.beginAnswer();
    }
    if (++this.inFlight > maxInFlight) this.lose();
  }

  /** Makes ready for the answer to the first command in the queue. */
  private beginAnswer(): void {
    const command = this.head;
    if (!command) return;
    this.nextSequence = this.compression || this.phase === 'connect' ? -1 : (command.sequence + 1) & 0xff;
    switch (command.code) {
      case Com.STMT_FETCH:
        this.expect = Expect.rows;
        break;
      case Com.FIELD_LIST:
        this.expect = Expect.fieldList;
        break;
      case Com.CHANGE_USER:
        this.expect = Expect.authentication;
        break;
      case Com.BINLOG_DUMP:
      case Com.BINLOG_DUMP_GTID:
        this.expect = Expect.stream;
        break;
      default:
        this.expect = Expect.first;
    }
  }

  // ------------------------------------------------------------------------------------------------- compression

  /**
   * Frames of the compressed protocol. What lies in them uncompressed (short requests and answers) is read as ever.
   * For the rest this decoder has no zlib: such a command is called `compressed`, and is over when the next begins.
   */
  private readCompressed(frames: FrameReader, bytes: Uint8Array, from: number, at: number): number {
    const isClient = frames === this.compression?.client;
    while (from < bytes.length && !this.lost) {
      const to = frames.read(bytes, from);
      if (isClient) {
        if (frames.headed) this.beginClientFrame(frames, at);
        else if (frames.isData) this.readClientFrame(frames, bytes, from, to, at);
      } else if (this.head) {
        if (frames.headed) this.beginServerFrame(this.head, frames, at);
        else if (frames.isData) this.readServerFrame(this.head, bytes, from, to, at);
      }
      from = to;
    }
    return bytes.length;
  }

  private beginClientFrame(frames: FrameReader, at: number): void {
    if (frames.begins && this.head?.isOpaque) this.endCommand(this.head, undefined);
    if (frames.isPlain) {
      const isRest = !this.sending && this.tail?.isOpaque;
      countOut((isRest ? (this.tail as Command) : (this.sending ?? this.beginRequest())).exchange, frameHeadBytes, at);
      return;
    }
    const command = this.sending ?? (frames.begins || !this.tail ? this.open() : this.tail);
    this.sending = undefined;
    if (!command.isOpaque && command !== this.tail && command !== this.head) this.enqueue(command);
    if (this.lost) return;
    if (command.code < 0) command.exchange.operation = 'compressed';
    command.exchange.namespace = this.namespace;
    command.isOpaque = true;
    this.requests.reset();
    countOut(command.exchange, frameHeadBytes, at);
  }

  private readClientFrame(frames: FrameReader, bytes: Uint8Array, from: number, to: number, at: number): void {
    const isRest = !this.sending && this.tail?.isOpaque;
    if (isRest) countOut((this.tail as Command).exchange, to - from, at);
    else if (frames.isPlain) while (from < to && !this.lost) from = this.readRequest(bytes, from, to, at);
  }

  private beginServerFrame(command: Command, frames: FrameReader, at: number): void {
    countIn(command.exchange, frameHeadBytes, at);
    if (frames.isPlain) return;
    command.isOpaque = true;
    this.answers.reset();
  }

  private readServerFrame(command: Command, bytes: Uint8Array, from: number, to: number, at: number): void {
    if (command.isOpaque) countIn(command.exchange, to - from, at);
    else while (from < to && !this.lost) from = this.readAnswer(bytes, from, to, at);
  }
}

function countOut(exchange: Exchange, bytes: number, at: number): void {
  if (exchange.bytesOut === 0) exchange.firstOut = at;
  exchange.bytesOut += bytes;
  exchange.lastOut = at;
}

function countIn(exchange: Exchange, bytes: number, at: number): void {
  if (exchange.bytesIn === 0) exchange.firstIn = at;
  exchange.bytesIn += bytes;
  exchange.lastIn = at;
}

/** EOF_Packet: | 0xfe | warnings u16 | status u16 | */
const isEof = (first: number, length: number): boolean => first === Header.EOF && length === 5;

/** | command u8 | statement id u32 | … | */
const statementId = (bytes: Uint8Array, from: number, to: number): number => new Fields(bytes, from + 1, to).u32();
