// What a request is called, from its command, its collection and the keys of its filter; never a value:
//
//   { find: "pins", filter: { user_id: 7, state: "open" }, $db: "app" }          →  find pins {user_id: ?, state: ?}
//   { update: "pins", updates: [{ q: { _id: … }, u: … }] }                        →  update pins {_id: ?}
//   { aggregate: "pins", pipeline: [{ $match: { user_id: 7 } }, { $group: … }] }  →  aggregate pins [$match {user_id: ?}, $group]
//   { getMore: 4711, collection: "pins" }                                         →  getMore pins
//   { explain: { find: "pins" } }                                                 →  explain find pins
//
// The words met on the way lie one behind the other in `noted`; names are made of them once and then remembered.

import { nameText } from '../names/sql.ts';
import { type DocumentReader, Take, word } from './bson.ts';
import type { MessageReader, Notes } from './messages.ts';
import { collectionCommands, Op, setupCommands, Type } from './spec.ts';

const words = {
  filter: word('filter'),
  query: word('query'),
  $query: word('$query'),
  q: word('q'),
  updates: word('updates'),
  deletes: word('deletes'),
  pipeline: word('pipeline'),
  $match: word('$match'),
  $changeStream: word('$changeStream'),
  collection: word('collection'),
  $db: word('$db'),
  explain: word('explain'),
  maxAwaitTimeMS: word('maxAwaitTimeMS'),
  maxTimeMS: word('maxTimeMS'),
  awaitData: word('awaitData'),
};

/** What a document that is being read is. */
const Part = { command: 0, filter: 1, statements: 2, statement: 3, pipeline: 4, stage: 5, wrapped: 6 } as const;
type Part = (typeof Part)[keyof typeof Part];

/** What a noted word is; lies before it. */
const Word = { command: 1, collection: 2, key: 3, stage: 4 } as const;

const maxNoted = 512;
const maxWord = 120;
const maxKeys = 4;
const maxStages = 8;
const maxOperation = 200;
/** A database's name has at most 63 bytes. */
const maxDatabase = 64;

export interface CommandName {
  /** At most 300 characters. */
  readonly operation: string;
  readonly isSetup: boolean;
}

const legacyCommands = new Map<number, string>([
  [Op.query, 'find'],
  [Op.getMore, 'getMore'],
  [Op.insert, 'insert'],
  [Op.update, 'update'],
  [Op.delete, 'delete'],
  [Op.killCursors, 'killCursors'],
]);

// Names by what was noted: a program says the same again and again. Each place is overwritten by the next that falls
// on it.
const places = 256;
const heldNoted: Uint8Array[] = new Array(places).fill(new Uint8Array(0));
const heldNames: CommandName[] = new Array(places).fill({ operation: '', isSetup: false });

/** Notes of the request that is being read. */
export class RequestNotes implements Notes {
  /** Of "$db" or of a legacy message's collection; '' = it did not say. */
  database = '';
  /** It waits on the server until something happens: hello with maxAwaitTimeMS, getMore with maxTimeMS. */
  awaits = false;
  /** Its cursor is one whose getMore waits until something happens: a change stream's, a tailable one's. */
  opensWatch = false;
  /** The cursor that getMore asks; 0 = another command. */
  cursorId = 0;
  /** It is a command, whose answer is the server's; a legacy query's is what the user stored. */
  isCommand = true;
  private readonly noted = new Uint8Array(maxNoted);
  private notedBytes = 0;
  private keys = 0;
  private stages = 0;
  private opcode = 0;
  /** A legacy query has its filter in "$query". */
  private isWrapped = false;
  /** What the open documents are, by depth. */
  private readonly parts: Part[] = [Part.command, 0, 0, 0, 0, 0, 0];
  private readonly databaseBytes = new Uint8Array(maxDatabase);
  private databaseLength = 0;
  private databaseName = '';

  begin(message: MessageReader): void {
    this.opcode = message.opcode;
    this.notedBytes = 0;
    this.keys = 0;
    this.stages = 0;
    this.awaits = false;
    this.opensWatch = false;
    this.cursorId = 0;
    this.database = '';
    this.isCommand = true;
    this.parts[0] = Part.command;
  }

  /** "db.collection", or "db.$cmd" before a command. */
  collection({ name, nameBytes, opcode }: MessageReader): void {
    const point = name.subarray(0, nameBytes).indexOf(46);
    const to = point < 0 ? nameBytes : point;
    this.noteDatabase(name, to);
    this.isCommand = opcode === Op.query && nameBytes === to + 5 && name[to + 1] === 36 && name[to + 2] === 99; // $c
    if (this.isCommand) return;
    this.note(Word.collection, name, point < 0 ? nameBytes : to + 1, nameBytes);
    this.parts[0] = Part.wrapped;
  }

  wants({ opcode }: MessageReader): boolean {
    if (opcode === Op.msg) this.parts[0] = Part.command;
    return opcode === Op.msg || opcode === Op.query || opcode === Op.update || opcode === Op.delete;
  }

  sequence({ name, nameBytes }: MessageReader): boolean {
    this.parts[0] = Part.statement;
    const isNamed = (text: Uint8Array) => nameBytes === text.length && text.every((byte, i) => name[i] === byte);
    return isNamed(words.updates) || isNamed(words.deletes);
  }

  element(document: DocumentReader): Take {
    const { type, depth } = document;
    switch (this.parts[depth]) {
      case Part.command:
        return this.commandElement(document);
      case Part.filter:
        this.noteKey(document);
        return Take.skip;
      case Part.statements:
        return document.index === 0 ? this.enter(document, Part.statement) : Take.skip;
      case Part.statement:
        return document.isNamed(words.q) ? this.enter(document, Part.filter) : Take.skip;
      case Part.pipeline:
        return this.enter(document, Part.stage);
      case Part.stage:
        if (document.index > 0 || ++this.stages > maxStages) return Take.skip;
        this.note(Word.stage, document.name, 0, document.nameBytes);
        this.keys = 0;
        if (document.isNamed(words.$changeStream)) this.opensWatch = true;
        return document.isNamed(words.$match) ? this.enter(document, Part.filter) : Take.skip;
      default:
        // A legacy query: its filter, or that in "$query" with modifiers beside it.
        if (document.index === 0) this.isWrapped = type === Type.document && isQuery(document);
        if (document.index === 0 && this.isWrapped) return this.enter(document, Part.filter);
        if (!this.isWrapped) this.noteKey(document);
        return Take.skip;
    }
  }

  private commandElement(document: DocumentReader): Take {
    const { type, depth } = document;
    if (document.index === 0) return this.nameElement(document);
    if (type === Type.document) {
      if (document.isNamed(words.filter) || document.isNamed(words.query)) return this.enter(document, Part.filter);
    } else if (type === Type.array) {
      if (document.isNamed(words.pipeline)) return this.enter(document, Part.pipeline);
      if (document.isNamed(words.updates) || document.isNamed(words.deletes))
        return this.enter(document, Part.statements);
    } else if (type === Type.string) {
      if (depth === 0 && document.isNamed(words.$db)) return Take.keep;
      if (document.isNamed(words.collection)) return Take.keep;
    } else if (document.isNamed(words.maxAwaitTimeMS)) {
      this.awaits = true;
    } else if (document.isNamed(words.awaitData)) {
      this.opensWatch = true;
    } else if (document.isNamed(words.maxTimeMS)) {
      this.awaits = this.cursorId !== 0;
    }
    return Take.skip;
  }

  /** The command's name, and mostly its collection. */
  private nameElement(document: DocumentReader): Take {
    const isWrapper = this.opcode === Op.query && (document.isNamed(words.$query) || document.isNamed(words.query));
    if (isWrapper && document.type === Type.document) return this.enter(document, Part.command);
    this.note(Word.command, document.name, 0, document.nameBytes);
    if (document.isNamed(words.explain)) return this.enter(document, Part.command);
    return document.type === Type.string || document.type === Type.int64 ? Take.keep : Take.skip;
  }

  value(document: DocumentReader): void {
    const { value, valueBytes } = document;
    if (document.type === Type.int64) this.cursorId = document.number64();
    else if (document.index > 0 && document.isNamed(words.$db)) this.noteDatabase(value, valueBytes - 1);
    else this.note(Word.collection, value, 0, valueBytes - 1);
  }

  private enter(document: DocumentReader, part: Part): Take {
    const { type, depth } = document;
    const isArray = part === Part.statements || part === Part.pipeline;
    if (type !== (isArray ? Type.array : Type.document)) return Take.skip;
    this.parts[depth + 1] = part;
    return Take.enter;
  }

  private noteKey({ name, nameBytes }: DocumentReader): void {
    if (this.keys++ <= maxKeys) this.note(Word.key, name, 0, nameBytes);
  }

  private note(kind: number, bytes: Uint8Array, from: number, to: number): void {
    const { noted } = this;
    if (to - from > maxWord) to = from + maxWord;
    if (this.notedBytes + 2 + to - from > maxNoted) return;
    noted[this.notedBytes++] = kind;
    for (let i = from; i < to; i++) noted[this.notedBytes++] = bytes[i] as number;
    noted[this.notedBytes++] = 0;
  }

  private noteDatabase(bytes: Uint8Array, to: number): void {
    const length = Math.min(to, maxDatabase);
    let i = 0;
    while (i < length && this.databaseBytes[i] === bytes[i]) i++;
    if (i < length || length !== this.databaseLength) {
      this.databaseBytes.set(bytes.subarray(0, length));
      this.databaseLength = length;
      this.databaseName = nameText(bytes, 0, length);
    }
    this.database = this.databaseName;
  }

  /** What the request that was read is called. */
  name(): CommandName {
    const { noted, notedBytes } = this;
    let hash = this.opcode;
    for (let i = 0; i < notedBytes; i++) hash = (Math.imul(hash, 31) + (noted[i] as number)) | 0;
    const place = (hash ^ (hash >>> 8)) & (places - 1);
    const held = heldNoted[place] as Uint8Array;
    // The opcode lies behind what was noted.
    if (held.length === notedBytes + 1 && held[notedBytes] === (this.opcode & 0xff)) {
      let i = 0;
      while (i < notedBytes && held[i] === noted[i]) i++;
      if (i === notedBytes) return heldNames[place] as CommandName;
    }
    const name = nameOf(noted, notedBytes, legacyCommands.get(this.opcode) ?? '');
    const kept = new Uint8Array(notedBytes + 1);
    kept.set(noted.subarray(0, notedBytes));
    kept[notedBytes] = this.opcode & 0xff;
    heldNoted[place] = kept;
    heldNames[place] = name;
    return name;
  }
}

const isQuery = (document: DocumentReader): boolean => document.isNamed(words.$query) || document.isNamed(words.query);

/** @param legacy what the message's opcode says, unless a command in it does */
function nameOf(noted: Uint8Array, notedBytes: number, legacy: string): CommandName {
  let commands = '';
  let command = '';
  let collection = '';
  const stages: string[] = [];
  const keys: string[] = [];
  let filter = keys;
  for (let at = 0; at < notedBytes; ) {
    const end = noted.indexOf(0, at + 1);
    const kind = noted[at] as number;
    const text = latin1(noted, at + 1, end);
    at = end + 1;
    if (kind === Word.command) {
      // No command of MongoDB's has a digit: what has one is a key of somebody's.
      command = /^_?[A-Za-z]{1,40}$/.test(text) ? text : 'command';
      commands += commands === '' ? command : ` ${command}`;
    } else if (kind === Word.collection) {
      collection = identifier(text);
    } else if (kind === Word.stage) {
      filter = [];
      stages.push(/^\$_?[A-Za-z]{1,40}$/.test(text) ? text : '?');
    } else {
      filter.push(filter.length === maxKeys ? '…' : `${identifier(text)}: ?`);
      const stage = stages.length - 1;
      if (stage >= 0) stages[stage] = `$match {${filter.join(', ')}}`;
    }
  }
  let operation = commands === '' ? legacy || 'command' : commands;
  if (collection !== '' && (commands === '' || collectionCommands.has(command))) operation += ` ${collection}`;
  if (stages.length > 0) operation += ` [${stages.join(', ')}]`;
  else if (keys.length > 0) operation += ` {${keys.join(', ')}}`;
  if (operation.length > maxOperation) operation = `${operation.slice(0, maxOperation - 1)}…`;
  return { operation, isSetup: setupCommands.has(command) };
}

/**
 * The name of a collection or a field, its parts between points and dashes; one that is a number, has four digits or
 * more, or is none of a name's characters is data, and becomes `?`: 'events_2024' → 'events_?', 'items.0.sku' →
 * 'items.?.sku'.
 */
function identifier(name: string): string {
  return name.replace(/[^._-]+/g, (part) =>
    /^\$?[A-Za-z]\w*$/.test(part) && part.length <= 40 && part.replace(/\D/g, '').length < 4 ? part : '?',
  );
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
