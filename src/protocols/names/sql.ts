// The name that an SQL statement goes by, with no literal in it.
//
//   SELECT id, title FROM pins WHERE user_id = 7 ORDER BY id     →  SELECT pins WHERE user_id = ?
//   INSERT INTO pins (id, title) VALUES (1, 'a'), (2, 'b')        →  INSERT pins
//   UPDATE users u JOIN pins p ON … SET u.n = 3 WHERE u.id = 4    →  UPDATE users, pins WHERE u.id = ?
//   SELECT 1                                                      →  SELECT ?
//   CREATE TABLE IF NOT EXISTS pins (…)                           →  CREATE TABLE pins
//   SET autocommit = 0; COMMIT                                    →  SET autocommit; COMMIT
//
// `operation` is verb, tables and, for SELECT, UPDATE and DELETE, the WHERE clause; `statement` is the whole text.
// Both are made from the text without literals (sql-text.ts). Lists shrink, so that they group: `IN (?, ?, ?)` is `IN (?)`, the rows of VALUES are `VALUES (?)`, `ARRAY[?, ?]` is `[?]`.

import {
  backtick,
  behindQuoted,
  classOf,
  type Dialect,
  doubleQuote,
  isWordPart,
  letter,
  operator,
  questionMark,
  space,
  withoutLiterals,
} from './sql-text.ts';
import { verbs } from './sql-verbs.ts';

export { type Dialect, mysql, mysqlNoBackslashEscapes, postgresql, postgresqlBackslash } from './sql-text.ts';

/** Bytes of a statement that are looked at; what follows is not (a name is made from its beginning). */
export const statementBytes = 16 * 1024;
const maxStatement = 2000;
const maxOperation = 120;
const maxName = 200;
const maxTables = 4;
const maxStatements = 3;

export interface SqlName {
  /** At most 120 characters. */
  readonly operation: string;
  /** The statement with `?` for every literal, at most 2,000 characters; '' when it is the operation itself. */
  readonly statement: string;
}

export const noName: SqlName = { operation: '', statement: '' };

const unknownStatement = 'unknown statement';
/** A channel's name may hold an id, which only the operation leaves out. */
const channelVerbs: ReadonlySet<string> = new Set(['LISTEN', 'UNLISTEN', 'NOTIFY']);

/** Names by text without literals. A program has few of these, and sends them again and again. */
const known = new Map<string, SqlName>();
const maxKnown = 1000;
const maxKnownLength = 2000;
/** Characters without literals that a name is made from: twice of what a statement may have. */
const maxBare = 4000;

/** Names the statement in `text`, of which at most the first 16 K characters are read. */
export function nameSql(text: string, dialect: Dialect): SqlName {
  let bare = withoutLiterals(text.length > statementBytes ? text.slice(0, statementBytes) : text, dialect);
  if (bare.length > maxBare) bare = bare.slice(0, maxBare);
  const before = known.get(bare);
  if (before) return before;
  const tokens = new Tokens();
  tokenise(bare, tokens);
  const name = nameTokens(tokens);
  // The value of SET may be a word.
  if (bare.length > maxKnownLength || tokens.upper[0] === 'SET') return name;
  if (known.size >= maxKnown) known.clear();
  known.set(bare, name);
  return name;
}

// Names by the bytes that were asked last, so that the text need not be made and read again. Bounded, each place
// overwritten by the next statement that falls on it.
const places = 128;
const longestHeld = 512;
const heldBytes: (Uint8Array | undefined)[] = new Array(places).fill(undefined);
const heldDialects: (Dialect | undefined)[] = new Array(places).fill(undefined);
const heldNames: SqlName[] = new Array(places).fill(noName);

/** Names the statement in `bytes[from, to)`. */
export function nameSqlIn(bytes: Uint8Array, from: number, to: number, dialect: Dialect): SqlName {
  const length = to - from;
  if (length > longestHeld) return nameSql(sqlText(bytes, from, to), dialect);
  let hash = length;
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const place = (hash ^ (hash >>> 9)) & (places - 1);
  const held = heldBytes[place];
  if (held !== undefined && held.length === length && heldDialects[place] === dialect) {
    let i = 0;
    while (i < length && held[i] === bytes[from + i]) i++;
    if (i === length) return heldNames[place] as SqlName;
  }
  const name = nameSql(sqlText(bytes, from, to), dialect);
  // What SET is given may be a secret: not held longer than needed.
  if (name.operation.startsWith('SET')) return name;
  heldBytes[place] = bytes.slice(from, to);
  heldDialects[place] = dialect;
  heldNames[place] = name;
  return name;
}

function nameTokens(tokens: Tokens): SqlName {
  collapse(tokens);
  let end = tokens.count;
  while (end > 0 && tokens.text[end - 1] === ';') end--;
  const operation = nameAll(tokens, end);
  const saysItAll = operation.includes(unknownStatement) || channelVerbs.has(tokens.upper[0] ?? '');
  const statement = saysItAll ? '' : render(tokens, 0, end, maxStatement, false);
  return { operation, statement: statement === operation ? '' : statement };
}

const utf8 = new TextDecoder();

/** The text of a statement in `bytes[from, to)`. */
export function sqlText(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > statementBytes) to = from + statementBytes;
  return utf8.decode(bytes.subarray(from, to));
}

/** A name on the wire, in `bytes[from, to)`: of a database, a statement. Printable, at most 200 characters. */
export function nameText(bytes: Uint8Array, from: number, to: number): string {
  if (from >= to) return '';
  return printable(utf8.decode(bytes.subarray(from, Math.min(to, from + maxName)))).slice(0, maxName);
}

/** A channel's name, its numbers replaced: 'user_42' → 'user_?'. */
export function nameChannel(channel: string): string {
  return cut(channel.replace(/\d+/g, '?'), maxOperation - 10);
}

// ---------------------------------------------------------------------------------------------------- tokens

const Token = { word: 1, quoted: 2, literal: 3, mark: 4 } as const;

class Tokens {
  count = 0;
  readonly kind: number[] = [];
  readonly text: string[] = [];
  /** A word in capitals; '' for everything else. */
  readonly upper: string[] = [];
  /** White space or a comment stood before it. */
  readonly spaced: boolean[] = [];

  add(kind: number, text: string, spaced: boolean): void {
    const i = this.count++;
    this.kind[i] = kind;
    this.text[i] = text;
    this.upper[i] = kind === Token.word ? text.toUpperCase() : '';
    this.spaced[i] = spaced;
  }

  /** 'a' 'b' is one string; the sign of a number belongs to it where it cannot be an operator. */
  addParameter(spaced: boolean): void {
    const last = this.count - 1;
    if (last >= 0) {
      if (this.kind[last] === Token.literal) return;
      const mark = this.text[last];
      if ((mark === '-' || mark === '+') && this.kind[last] === Token.mark && this.isSign(last)) {
        spaced = this.spaced[last] as boolean;
        this.count = last;
      }
    }
    this.add(Token.literal, '?', spaced);
  }

  private isSign(i: number): boolean {
    if (i === 0) return true;
    const kind = this.kind[i - 1];
    if (kind === Token.mark) return this.text[i - 1] !== ')' && this.text[i - 1] !== ']';
    return kind === Token.word && beforeSign.has(this.upper[i - 1] as string);
  }

  move(from: number, to: number): void {
    this.kind[to] = this.kind[from] as number;
    this.text[to] = this.text[from] as string;
    this.upper[to] = this.upper[from] as string;
    this.spaced[to] = this.spaced[from] as boolean;
  }
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));
const beforeSign = words('SELECT WHERE AND OR NOT IN VALUES BETWEEN THEN ELSE WHEN LIMIT OFFSET RETURN BY LIKE SET TO');

/** Control characters, which a quoted identifier may hold, as `?`. */
export function printable(text: string): string {
  let out = '';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 32 && code !== 127) continue;
    out += `${text.slice(from, i)}?`;
    from = i + 1;
  }
  return from === 0 ? text : out + text.slice(from);
}

/** Tokens of a text without literals (sql-text.ts). */
function tokenise(text: string, tokens: Tokens): void {
  const end = text.length;
  let spaced = false;
  for (let at = 0; at < end; ) {
    const from = at++;
    const code = text.charCodeAt(from);
    const kind = classOf(code);
    if (kind === space) {
      spaced = true;
      continue;
    }
    if (kind === letter || (code === 0x24 && isWordPart(text.charCodeAt(at)))) {
      while (isWordPart(text.charCodeAt(at))) at++;
      tokens.add(Token.word, text.slice(from, at), spaced);
    } else if (code === questionMark) {
      tokens.addParameter(spaced);
    } else if (code === backtick || code === doubleQuote) {
      at = behindQuoted(text, from, code, false);
      tokens.add(Token.quoted, printable(text.slice(from, at)), spaced);
    } else {
      at = readMark(text, from, code, tokens, spaced);
    }
    spaced = false;
  }
}

/** Reads an operator, a parameter or a variable; says what is behind it. */
function readMark(text: string, from: number, code: number, tokens: Tokens, spaced: boolean): number {
  let at = from + 1;
  const next = text.charCodeAt(at);
  if (code === 0x40 && (isWordPart(next) || next === 0x40)) {
    at++; // @name, @@name
    while (isWordPart(text.charCodeAt(at))) at++;
    tokens.add(Token.word, text.slice(from, at), spaced);
    return at;
  }
  if (code === 0x3a && classOf(next) === letter) {
    while (isWordPart(text.charCodeAt(at))) at++; // :name
    tokens.addParameter(spaced);
    return at;
  }
  if (code === 0x3a) {
    if (next === 0x3a || next === 0x3d) at++; // :: and :=
  } else if (code === 0x2d && next === 0x3e) {
    at += text.charCodeAt(at + 1) === 0x3e ? 2 : 1; // -> and ->>
  } else if (classOf(code) === operator || (code === 0x40 && classOf(next) === operator)) {
    while (classOf(text.charCodeAt(at)) === operator) at++;
    if (text.charCodeAt(at) === 0x40 && !isWordPart(text.charCodeAt(at + 1))) at++; // <@
  }
  tokens.add(Token.mark, text.slice(from, at), spaced);
  return at;
}

// ---------------------------------------------------------------------------------------------------- lists

const isConstant = words('NULL TRUE FALSE DEFAULT');

/** Shrinks the lists of IN, VALUES and [ ] to one `?`, in place. */
function collapse(tokens: Tokens): void {
  const { kind, text, upper } = tokens;
  const count = tokens.count;
  let to = 0;
  let isDuplicate = false; // VALUES(a) behind ON DUPLICATE KEY UPDATE is a function
  let isSet = false; // SET a = word: a value without quotes
  for (let i = 0; i < count; i++) {
    tokens.move(i, to++);
    const word = upper[i];
    const opens = i + 1 < count && kind[i + 1] === Token.mark && text[i + 1] === '(';
    if (word === 'DUPLICATE') isDuplicate = true;
    if (i === 0 || (kind[i - 1] === Token.mark && text[i - 1] === ';')) isSet = word === 'SET';
    let behind = 0;
    if (word === 'IN' && opens) behind = endOfLiterals(tokens, i + 1, count);
    else if ((word === 'VALUES' || word === 'VALUE') && opens && !isDuplicate) behind = endOfRows(tokens, i + 1, count);
    else if (text[i] === '[' && kind[i] === Token.mark) {
      behind = endOfLiterals(tokens, i, count);
      if (behind > i + 3) {
        tokens.move(i + 1, to++);
        kind[to - 1] = Token.literal;
        text[to - 1] = '?';
        upper[to - 1] = '';
        putMark(tokens, to++, ']', false);
        i = behind - 1;
      }
      continue;
    }
    if (behind === 0) {
      if (isSet && kind[to - 1] === Token.word && isValueOfSet(tokens, to - 1)) {
        kind[to - 1] = Token.literal;
        text[to - 1] = '?';
        upper[to - 1] = '';
      }
      continue;
    }
    putMark(tokens, to++, '(', true);
    kind[to] = Token.literal;
    text[to] = '?';
    upper[to++] = '';
    putMark(tokens, to++, ')', false);
    i = behind - 1;
  }
  tokens.count = to;
}

/** Whether the word stands where SET has a value: behind = or TO, or behind such a value and a comma (PostgreSQL). */
function isValueOfSet(tokens: Tokens, i: number): boolean {
  const before = tokens.text[i - 1];
  return before === '=' || before === ':=' || tokens.upper[i - 1] === 'TO';
}

function putMark(tokens: Tokens, at: number, mark: string, spaced: boolean): void {
  tokens.kind[at] = Token.mark;
  tokens.text[at] = mark;
  tokens.upper[at] = '';
  tokens.spaced[at] = spaced;
}

/** Behind the bracket that closes the one at `at`, if nothing but literals is inside; else 0. A cut list counts. */
function endOfLiterals(tokens: Tokens, at: number, count: number): number {
  let depth = 0;
  let literals = 0;
  for (let i = at; i < count; i++) {
    const text = tokens.text[i] as string;
    const kind = tokens.kind[i];
    if (kind === Token.literal || (kind === Token.word && isConstant.has(tokens.upper[i] as string))) literals++;
    else if (kind !== Token.mark) return 0;
    else if (text === '(' || text === '[') depth++;
    else if (text === ')' || text === ']') {
      if (--depth === 0) return literals > 0 ? i + 1 : 0;
    } else if (text !== ',' && text !== '-' && text !== '+') return 0;
  }
  return literals > 0 ? count : 0;
}

/** Behind the last of the rows (…), (…), …, whatever they hold. A cut row counts. */
function endOfRows(tokens: Tokens, at: number, count: number): number {
  let depth = 0;
  for (let i = at; i < count; i++) {
    const text = tokens.text[i];
    if (text === '(') depth++;
    else if (text === ')' && --depth === 0) {
      const isNext = i + 2 < count && tokens.text[i + 1] === ',' && tokens.text[i + 2] === '(';
      if (!isNext) return i + 1 < count && i + 2 === count && tokens.text[i + 1] === ',' ? count : i + 1;
      i++;
    }
  }
  return count;
}

// ---------------------------------------------------------------------------------------------------- text

/** Tokens [from, to) as text in one form: one space between tokens, none around brackets, dots and casts. */
function render(tokens: Tokens, from: number, to: number, max: number, short: boolean): string {
  let out = '';
  for (let i = from; i < to && out.length <= max; i++) {
    if (i > from && isApart(tokens, i)) out += ' ';
    if (!short) out += tokens.text[i];
    else if (tokens.kind[i] === Token.quoted) out += bare(tokens.text[i] as string);
    else out += keywords.has(tokens.upper[i] as string) ? tokens.upper[i] : tokens.text[i];
  }
  return cut(out, max);
}

const keywords = words(
  'SELECT FROM WHERE AND OR NOT IN IS NULL LIKE ILIKE BETWEEN EXISTS ANY ALL SOME AS ON JOIN LEFT RIGHT INNER OUTER ' +
    'CASE WHEN THEN ELSE END TRUE FALSE DISTINCT ESCAPE XOR REGEXP RLIKE DIV MOD INTERVAL COLLATE UNION LIMIT BY ORDER ' +
    'GROUP DATABASE SCHEMA TABLES COLUMNS INDEX NAMES SESSION GLOBAL LOCAL TRANSACTION ISOLATION LEVEL READ COMMITTED ' +
    'UNCOMMITTED REPEATABLE SERIALIZABLE ONLY WRITE SHOW DESCRIBE STATUS VARIABLES WARNINGS FULL CREATE TABLE VALUES',
);

function isApart(tokens: Tokens, i: number): boolean {
  const text = tokens.text[i] as string;
  const before = tokens.text[i - 1] as string;
  if (tokens.kind[i - 1] === Token.mark && (before === '(' || before === '[' || before === '.' || before === '::'))
    return false;
  if (before === '@' || text === '@') return false;
  if (tokens.kind[i] !== Token.mark) return true;
  if (text === '(') return tokens.spaced[i] === true || tokens.kind[i - 1] === Token.mark;
  return !(
    text === ',' ||
    text === ')' ||
    text === '.' ||
    text === ';' ||
    text === '[' ||
    text === ']' ||
    text === '::'
  );
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

/** An identifier without its quotes, where it is a plain word. */
function bare(quoted: string): string {
  for (let i = 1; i < quoted.length - 1; i++) if (!isWordPart(quoted.charCodeAt(i))) return quoted;
  return quoted.length > 2 ? quoted.slice(1, -1) : quoted;
}

// ---------------------------------------------------------------------------------------------------- operation

/** The operations of the statements, joined by '; '. */
function nameAll(tokens: Tokens, end: number): string {
  let out = '';
  let from = 0;
  let statements = 0;
  for (let i = 0; i <= end && out.length < maxOperation; i++) {
    if (i < end && (tokens.kind[i] !== Token.mark || tokens.text[i] !== ';')) continue;
    if (i > from) {
      if (statements === maxStatements) return cut(`${out}; …`, maxOperation);
      out += statements++ > 0 ? `; ${nameOne(tokens, from, i)}` : nameOne(tokens, from, i);
      if (hasBody(tokens, from)) break;
    }
    from = i + 1;
  }
  return cut(out, maxOperation);
}

/** CREATE PROCEDURE and the like: the statements behind its first semicolon are its body. */
function hasBody(tokens: Tokens, from: number): boolean {
  if (tokens.upper[from] !== 'CREATE') return false;
  for (let i = from + 1; i < Math.min(tokens.count, from + 12); i++)
    if (bodied.has(tokens.upper[i] as string)) return true;
  return false;
}

const bodied = words('PROCEDURE FUNCTION TRIGGER EVENT');

function nameOne(tokens: Tokens, from: number, to: number): string {
  const { upper, text } = tokens;
  while (from < to && text[from] === '(') from++;
  const verb = upper[from] as string;
  switch (verb) {
    case 'SELECT':
    case 'DELETE':
    case 'UPDATE':
    case 'WITH':
    case 'TABLE':
      return nameQuery(tokens, from, to, verb);
    case 'INSERT':
    case 'REPLACE':
    case 'MERGE': {
      let at = from + 1;
      while (at < to && modifiers.has(upper[at] as string)) at++;
      return named(verb, tokens, at, to);
    }
    case 'LOAD': {
      const into = find(tokens, 'INTO', from, to);
      return named('LOAD DATA', tokens, upper[into + 1] === 'TABLE' ? into + 2 : into + 1, to);
    }
    case 'CREATE':
    case 'ALTER':
    case 'DROP':
    case 'TRUNCATE':
    case 'REFRESH':
    case 'LOCK':
      return nameDefinition(tokens, from, to, verb);
    case 'CALL':
    case 'USE':
    case 'COPY':
    case 'EXECUTE':
    case 'ANALYZE':
    case 'VACUUM':
      return named(verb, tokens, from + 1, to);
    case 'LISTEN':
    case 'UNLISTEN':
    case 'NOTIFY':
      return nameChannel(named(verb, tokens, from + 1, to));
    case 'SET':
      return nameSet(tokens, from, to);
    case 'EXPLAIN':
    case 'DESCRIBE':
    case 'DESC': {
      let at = from + 1;
      while (at < to && !queryVerbs.has(upper[at] as string)) at++;
      return at < to ? `EXPLAIN ${nameOne(tokens, at, to)}` : render(tokens, from, to, maxOperation, true);
    }
    case 'ROLLBACK':
      return find(tokens, 'TO', from, to) < to ? 'ROLLBACK TO SAVEPOINT' : 'ROLLBACK';
    case 'RELEASE':
      return 'RELEASE SAVEPOINT';
    case 'BEGIN':
    case 'COMMIT':
    case 'END':
    case 'SAVEPOINT':
    case 'GRANT':
    case 'REVOKE':
    case 'PREPARE':
    case 'DEALLOCATE':
    case 'DECLARE':
    case 'FETCH':
    case 'MOVE':
    case 'CLOSE':
    case 'DO':
    case 'KILL':
    case 'START_REPLICATION':
    case 'CREATE_REPLICATION_SLOT':
    case 'DROP_REPLICATION_SLOT':
    case 'IDENTIFY_SYSTEM':
    case 'BASE_BACKUP':
      return verb;
    case 'START':
      return upper[from + 1] === 'TRANSACTION' ? 'START TRANSACTION' : verb;
    default:
      // What begins with no verb is no SQL that we know, so it may be anything.
      return verbs.has(verb) ? render(tokens, from, to, maxOperation, true) : unknownStatement;
  }
}

const queryVerbs = words('SELECT INSERT REPLACE UPDATE DELETE WITH MERGE');
const modifiers = words(
  'INTO IGNORE LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK ONLY LATERAL TABLE OVERWRITE IF NOT EXISTS CONCURRENTLY',
);

/** `verb name`, the name being the identifier at `at`; the verb alone where none is. */
function named(verb: string, tokens: Tokens, at: number, to: number): string {
  const name = at < to ? identifier(tokens, at, to) : '';
  return name === '' ? verb : `${verb} ${name}`;
}

/** The identifier at `at` with its qualifiers: db.table, bare of quotes; '' when there is none. */
function identifier(tokens: Tokens, at: number, to: number): string {
  if (!isName(tokens, at)) return '';
  let name = part(tokens, at);
  while (at + 2 < to && tokens.text[at + 1] === '.' && isName(tokens, at + 2)) {
    at += 2;
    name += `.${part(tokens, at)}`;
  }
  return name;
}

const isName = (tokens: Tokens, i: number): boolean => tokens.kind[i] === Token.word || tokens.kind[i] === Token.quoted;
const part = (tokens: Tokens, i: number): string =>
  tokens.kind[i] === Token.quoted ? bare(tokens.text[i] as string) : (tokens.text[i] as string);

/** Where the word is; `to` when it is not. */
function find(tokens: Tokens, word: string, from: number, to: number): number {
  while (from < to && tokens.upper[from] !== word) from++;
  return from;
}

const definitionModifiers = words(
  'OR REPLACE TEMPORARY TEMP UNLOGGED UNIQUE FULLTEXT SPATIAL GLOBAL LOCAL ONLINE OFFLINE FOREIGN',
);
const objects = words(
  'TABLE TABLES VIEW INDEX DATABASE SCHEMA FUNCTION PROCEDURE TRIGGER SEQUENCE TYPE EXTENSION EVENT MATERIALIZED DOMAIN',
);

/** CREATE UNIQUE INDEX CONCURRENTLY i ON t → CREATE INDEX i. The names of users and roles are left out. */
function nameDefinition(tokens: Tokens, from: number, to: number, verb: string): string {
  const { upper } = tokens;
  let at = from + 1;
  while (at < to && definitionModifiers.has(upper[at] as string)) at++;
  let object = '';
  while (at < to && objects.has(upper[at] as string)) object += ` ${upper[at++]}`;
  if (object === '' && verb !== 'TRUNCATE' && verb !== 'LOCK') return at < to ? `${verb} ${upper[at]}` : verb;
  while (at < to && modifiers.has(upper[at] as string)) at++;
  return named(verb + object, tokens, at, to);
}

/** SET up to the value: SET autocommit, SET NAMES, SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED. */
function nameSet(tokens: Tokens, from: number, to: number): string {
  let at = from + 1;
  while (at < to) {
    const text = tokens.text[at];
    if (tokens.kind[at] === Token.literal || text === '=' || text === ':=' || tokens.upper[at] === 'TO') break;
    if (tokens.upper[at - 1] === 'NAMES') break;
    at++;
  }
  return `SET ${render(tokens, from + 1, at, maxOperation - 4, true)}`;
}

const afterWhere = words(
  'GROUP ORDER LIMIT HAVING FOR RETURNING UNION EXCEPT INTERSECT WINDOW FETCH OFFSET LOCK INTO PROCEDURE',
);

/** Verb, tables and WHERE clause of a SELECT, UPDATE or DELETE, perhaps behind WITH. */
function nameQuery(tokens: Tokens, from: number, to: number, verb: string): string {
  const { upper, text, kind } = tokens;
  const ownTables: string[] = [];
  const innerTables: string[] = [];
  const common = new Set<string>();
  let where = -1;
  let whereEnd = to;
  let depth = 0;
  let expects = false; // the next identifier is a table
  let usesCommon = false;
  if (verb === 'UPDATE' || verb === 'TABLE') expects = true;
  for (let i = verb === 'WITH' ? from : from + 1; i < to; i++) {
    const word = upper[i] as string;
    if (kind[i] === Token.mark) {
      if (text[i] === '(') depth++;
      else if (text[i] === ')' && --depth < 0) {
        if (where >= 0 && whereEnd === to) whereEnd = i;
        depth = 0;
      }
      continue;
    }
    if (depth === 0) {
      if (verb === 'WITH' && word === 'AS') common.add(part(tokens, i - 1));
      if (verb === 'WITH' && queryVerbs.has(word) && i > from) {
        verb = word;
        expects = word === 'UPDATE';
        continue;
      }
      if (word === 'WHERE') {
        expects = false;
        if (where < 0) where = i;
        continue;
      }
      if (where >= 0 && whereEnd === to && afterWhere.has(word)) whereEnd = i;
    }
    if (word === 'FROM' || word === 'JOIN' || word === 'STRAIGHT_JOIN' || word === 'INTO' || word === 'USING') {
      const isTest = word === 'FROM' && upper[i - 1] === 'DISTINCT'; // a IS DISTINCT FROM b
      expects = !isTest && !(word === 'USING' && text[i + 1] === '(');
      continue;
    }
    if (!expects || modifiers.has(word)) continue;
    expects = false;
    if (word === 'SELECT' || word === 'VALUES' || kind[i] === Token.literal) continue;
    const name = identifier(tokens, i, to);
    while (text[i + 1] === '.' && isName(tokens, i + 2) && i + 2 < to) i += 2;
    if (depth > 0) add(innerTables, name);
    else if (common.has(name)) usesCommon = true;
    else add(ownTables, name);
    const comma = commaBehind(tokens, i, to);
    expects = comma > 0;
    if (expects) i = comma;
  }
  if (usesCommon || ownTables.length === 0) for (const name of innerTables) if (!common.has(name)) add(ownTables, name);
  if (ownTables.length === 0) return render(tokens, from, to, maxOperation, true);
  const tables = ownTables.length > maxTables ? `${ownTables.slice(0, maxTables).join(', ')}, …` : ownTables.join(', ');
  const head = `${verb === 'TABLE' ? 'SELECT' : verb} ${tables}`;
  if (where < 0 || head.length >= maxOperation) return head;
  return `${head} ${render(tokens, where, whereEnd, maxOperation - head.length - 1, true)}`;
}

function add(names: string[], name: string): void {
  if (name !== '' && !names.includes(name)) names.push(name);
}

/** Where the comma is that follows the table at `i` and its alias, so that another table comes; 0 = none does. */
function commaBehind(tokens: Tokens, i: number, to: number): number {
  let at = i + 1;
  if (tokens.upper[at] === 'AS') at++;
  if (at < to && isName(tokens, at)) at++;
  return at < to && tokens.kind[at] === Token.mark && tokens.text[at] === ',' ? at : 0;
}
