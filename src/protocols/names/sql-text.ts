// SQL text without its literals: the only code that reads a value, so that no other can give one away.
//
// A string, number, bit string, dollar quote, escape string or numbered parameter becomes `?`, a comment a space.
//
// https://dev.mysql.com/doc/refman/8.4/en/language-structure.html
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html

/** In what the two languages differ for a reader of tokens. */
export interface Dialect {
  /** "…" is a string (MySQL without ANSI_QUOTES; with it, identifiers in quotes read as `?`, which leaks nothing). */
  readonly doubleQuotesAreStrings: boolean;
  /** A backslash escapes inside '…' (not so under NO_BACKSLASH_ESCAPES or standard_conforming_strings). */
  readonly backslash: boolean;
  /** `#` begins a comment, `--` only with a space behind it, the inside of a comment like `/*! … ` is code. */
  readonly mysqlComments: boolean;
  /** $tag$…$tag$ is a string and $1 a parameter; comments nest. */
  readonly dollarQuotes: boolean;
}

export const mysql: Dialect = {
  doubleQuotesAreStrings: true,
  backslash: true,
  mysqlComments: true,
  dollarQuotes: false,
};
export const mysqlNoBackslashEscapes: Dialect = { ...mysql, backslash: false };
export const postgresql: Dialect = {
  doubleQuotesAreStrings: false,
  backslash: false,
  mysqlComments: false,
  dollarQuotes: true,
};
export const postgresqlBackslash: Dialect = { ...postgresql, backslash: true };

export const space = 1;
export const digit = 2;
export const letter = 3;
export const operator = 4;
const classes = new Uint8Array(128);
for (let code = 0; code <= 32; code++) classes[code] = space;
classes[127] = space;
for (const c of '0123456789') classes[c.charCodeAt(0)] = digit;
for (const c of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_') classes[c.charCodeAt(0)] = letter;
for (const c of '<>=!|&~^%#') classes[c.charCodeAt(0)] = operator;

/** 0 for NaN, which is behind the end. */
export const classOf = (code: number): number => (code < 128 ? (classes[code] as number) : code >= 128 ? letter : 0);
/** Letters, digits, _, $ and everything beyond ASCII. NaN, behind the end, is none. */
export const isWordPart = (code: number): boolean =>
  code === 0x24 || (code < 128 ? classes[code] === letter || classes[code] === digit : code >= 128);

const quote = 0x27;
export const doubleQuote = 0x22;
export const backtick = 0x60;
export const questionMark = 0x3f;
const backslash = 0x5c;

const dot = 0x2e;
const dollar = 0x24;

/**
 * The text with `?` for every literal and a space for every comment. A quote that is never closed takes the rest of
 * the text with it. No other code sees a literal: whatever is done with the result can give none away.
 */
export function withoutLiterals(text: string, dialect: Dialect): string {
  const end = text.length;
  let out = '';
  let copied = 0;
  for (let at = 0; at < end; ) {
    const code = text.charCodeAt(at);
    const kind = classOf(code);
    if (kind === space) {
      at++;
      continue;
    }
    let from = at;
    let behind = at;
    let put = '?';
    if (kind === letter) {
      at++;
      while (isWordPart(text.charCodeAt(at))) at++;
      behind = stringAfterPrefix(text, from, at, dialect);
      if (behind === 0) continue;
    } else if (kind === digit || (code === dot && isNumberFromDot(text, at))) {
      behind = behindNumber(text, at);
    } else if (code === quote || (code === doubleQuote && dialect.doubleQuotesAreStrings)) {
      behind = behindQuoted(text, at, code, dialect.backslash);
    } else if (code === backtick || code === doubleQuote) {
      at = behindQuoted(text, at, code, false);
      // An identifier whose quote is never closed may be anything.
      if (at === end && !closes(text, from, at, code)) return out + text.slice(copied, from);
      continue;
    } else if (code === dollar) {
      behind = behindDollar(text, at, dialect);
      if (behind < 0) return out + text.slice(copied, from);
    } else if (code === 0x2d || code === 0x2f || code === 0x23 || code === 0x2a) {
      behind = behindComment(text, at, dialect);
      put = ' ';
    }
    if (behind === from) {
      at++;
      continue;
    }
    out += text.slice(copied, from) + put;
    from = behind;
    at = behind;
    copied = behind;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

/** Behind the string that belongs to a prefix: N'…' X'…' B'…' E'…' U&'…' _utf8'…'; 0 when there is none. */
function stringAfterPrefix(text: string, from: number, at: number, dialect: Dialect): number {
  const next = text.charCodeAt(at);
  const first = text.charCodeAt(from) | 0x20;
  if (next === quote || (next === doubleQuote && dialect.doubleQuotesAreStrings)) {
    const isPrefix = at - from === 1 ? 'nxbe'.includes(String.fromCharCode(first)) : text.charCodeAt(from) === 0x5f;
    if (!isPrefix) return 0;
    return behindQuoted(text, at, next, dialect.backslash || first === 0x65);
  }
  if (next === 0x26 && at - from === 1 && first === 0x75 && text.charCodeAt(at + 1) === quote) {
    return behindQuoted(text, at + 1, quote, false);
  }
  return 0;
}

/** Behind the closing quote; the end of the text when there is none. A doubled quote does not close. */
export function behindQuoted(text: string, at: number, mark: number, escapes: boolean): number {
  const end = text.length;
  for (at++; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === backslash && escapes) at++;
    else if (code === mark) {
      if (text.charCodeAt(at + 1) !== mark) return at + 1;
      at++;
    }
  }
  return end;
}

/** Whether an identifier `text[from, to)` that goes to the end has its closing quote. */
function closes(text: string, from: number, to: number, mark: number): boolean {
  let marks = 0;
  for (let i = from; i < to; i++) if (text.charCodeAt(i) === mark) marks++;
  return marks % 2 === 0;
}

/** `.5` is a number, the dot of `t.5` or `f().5` is not. */
function isNumberFromDot(text: string, at: number): boolean {
  if (classOf(text.charCodeAt(at + 1)) !== digit) return false;
  const before = at === 0 ? 0x20 : text.charCodeAt(at - 1);
  const isName =
    isWordPart(before) || before === 0x29 || before === 0x5d || before === doubleQuote || before === backtick;
  return !isName;
}

/** Behind $1, or $$…$$ and $tag$…$tag$; −1 where a tag is never complete; `at` where a dollar is only a dollar. */
function behindDollar(text: string, at: number, dialect: Dialect): number {
  let end = at + 1;
  if (classOf(text.charCodeAt(end)) === digit) {
    while (classOf(text.charCodeAt(end)) === digit) end++;
    return end;
  }
  if (!dialect.dollarQuotes) return at;
  while (text.charCodeAt(end) !== dollar && isWordPart(text.charCodeAt(end))) end++;
  if (text.charCodeAt(end) !== dollar) return -1;
  const tag = text.slice(at, end + 1);
  const close = text.indexOf(tag, end + 1);
  return close < 0 ? text.length : close + tag.length;
}

/** Behind 12, 1.5, 1e-5, 0xff, 1_000 and whatever else is glued to a digit. */
function behindNumber(text: string, at: number): number {
  const isHex = text.charCodeAt(at) === 0x30 && (text.charCodeAt(at + 1) | 0x20) === 0x78;
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isWordPart(code) || code === 0x2e) continue;
    const isSign = code === 0x2b || code === 0x2d;
    if (isSign && !isHex && (text.charCodeAt(at - 1) | 0x20) === 0x65 && classOf(text.charCodeAt(at + 1)) === digit)
      continue;
    break;
  }
  return at;
}

/** Behind the comment that begins at `at`; `at` itself when none does. */
function behindComment(text: string, at: number, dialect: Dialect): number {
  const code = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  if (code === 0x2d && next === 0x2d) {
    // MySQL: 5--3 is 8; only -- and a space is a comment.
    if (dialect.mysqlComments && at + 2 < text.length && classOf(text.charCodeAt(at + 2)) !== space) return at;
    return lineEnd(text, at);
  }
  if (code === 0x23 && dialect.mysqlComments) return lineEnd(text, at);
  if (code === 0x2a && next === 0x2f) return dialect.mysqlComments ? at + 2 : at; // the end of /*! … */
  if (code !== 0x2f || next !== 0x2a) return at;
  if (dialect.mysqlComments) {
    const after = text.charCodeAt(at + 2);
    const isCode = after === 0x21 || ((after | 0x20) === 0x6d && text.charCodeAt(at + 3) === 0x21); // ! or M!
    if (isCode) {
      at += after === 0x21 ? 3 : 4;
      while (classOf(text.charCodeAt(at)) === digit) at++;
      return at;
    }
  }
  let depth = 1;
  for (at += 2; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x2a && text.charCodeAt(at + 1) === 0x2f) {
      at++;
      if (--depth === 0) return at + 1;
    } else if (dialect.dollarQuotes && c === 0x2f && text.charCodeAt(at + 1) === 0x2a) {
      at++;
      depth++;
    }
  }
  return text.length;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}
