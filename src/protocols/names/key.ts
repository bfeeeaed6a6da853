// A cache key → the pattern it was made from, for names that group and tell nothing:
//
//   user:123:feed      → user:?:feed          user:alice        → user:?
//   {user1000}.friends → {?}.friends          sess_9f3ac01b     → sess_?
//   feed               → feed                 bob@example.com   → ?
//
// A key is fields between colons, a field is parts between other separators, a part is pieces between - and _.
// A piece stays when it is a word (words.ts). The last part is mostly the literal of the key, so it stays only after one
// that was dropped, or when it is the only one.

import { isWord } from './words.ts';

const longestKey = 250;
const mostParts = 8;
const colon = 58;

/** 1 = ends a part. */
const separates = new Uint8Array(256);
for (const separator of ':/|#.;,={}()[]<>!*+%&?$^~" ') separates[separator.charCodeAt(0)] = 1;

// Names by what was asked last: a program asks for keys of few patterns again and again. A key is told by its bytes,
// of `user:123` all such keys by `user:`, since a number after a colon is dropped whatever it is. Bounded, each place
// overwritten by the next key that falls on it.
const places = 256;
const longestHeld = 64;
const zero = 48;
const nine = 57;
const heldBytes = new Uint8Array(places * longestHeld);
/** Twice the length, 1 more for what a number follows; -1 for an empty place. */
const heldShapes = new Int16Array(places).fill(-1);
const heldFor: string[] = new Array(places).fill('');
const heldNames: string[] = new Array(places).fill('');

/** "get user:?": an operation's name and the pattern of its key in bytes[from, to). */
export function nameWithKey(name: string, bytes: Uint8Array, from: number, to: number): string {
  let end = to;
  while (end > from && (bytes[end - 1] as number) >= zero && (bytes[end - 1] as number) <= nine) end--;
  const isNumbered = end < to && end > from && bytes[end - 1] === colon;
  if (!isNumbered) end = to;
  const length = end - from;
  if (length > longestHeld) return `${name} ${keyPattern(bytes, from, to)}`;
  let hash = name.length;
  for (let i = from; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const place = (hash ^ (hash >>> 8)) & (places - 1);
  const shape = length * 2 + (isNumbered ? 1 : 0);
  const base = place * longestHeld;
  if (heldShapes[place] === shape && heldFor[place] === name) {
    let i = 0;
    while (i < length && heldBytes[base + i] === bytes[from + i]) i++;
    if (i === length) return heldNames[place] as string;
  }
  const full = `${name} ${keyPattern(bytes, from, to)}`;
  for (let i = 0; i < length; i++) heldBytes[base + i] = bytes[from + i] as number;
  heldShapes[place] = shape;
  heldFor[place] = name;
  heldNames[place] = full;
  return full;
}

/** The pattern of the key in bytes[from, to). */
export function keyPattern(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > longestKey) to = from + longestKey;
  let key = '';
  for (let i = from; i < to; i++) key += String.fromCharCode(bytes[i] as number);
  return keyPatternOf(key);
}

/** The pattern of a key as text, one character a byte. */
export function keyPatternOf(key: string): string {
  const length = Math.min(key.length, longestKey);
  let pattern = '';
  let parts = 0;
  let dropped = true;
  let at = 0;
  let fieldEnd = -1;
  while (at < length) {
    const code = key.charCodeAt(at);
    if (code < 256 && separates[code] === 1) {
      // Between two dropped parts of a field stands nothing: a date, an address, a number with a point.
      if (code >= 32 && code < 127) pattern += key[at];
      at++;
      continue;
    }
    if (parts++ === mostParts) return `${pattern}?`;
    if (at > fieldEnd) {
      fieldEnd = key.indexOf(':', at);
      if (fieldEnd < 0 || fieldEnd > length) fieldEnd = length;
      if (looksSecret(key, at, fieldEnd)) {
        pattern += '?';
        dropped = true;
        at = fieldEnd;
        continue;
      }
    }
    let end = at + 1;
    while (end < fieldEnd && separates[key.charCodeAt(end) & 255] === 0) end++;
    const part: string = !dropped && endsAt(key, end, length) ? '?' : partPattern(key, at, end);
    const last = pattern.length - 1;
    if (part === '?' && dropped && last > 0 && pattern[last - 1] === '?' && pattern.charCodeAt(last) !== colon)
      pattern = pattern.slice(0, last);
    else pattern += part;
    dropped = part === '?';
    at = end;
  }
  return parts === 0 ? '?' : pattern;
}

/** True when nothing but separators follows. */
function endsAt(key: string, at: number, length: number): boolean {
  while (at < length && separates[key.charCodeAt(at) & 255] === 1) at++;
  return at === length;
}

/** An e-mail address, a UUID, or a token of mixed letters and digits: no part of it is a word. */
export function looksSecret(key: string, from: number, to: number): boolean {
  let upper = 0;
  let lower = 0;
  let digit = 0;
  let hex = 0;
  for (let i = from; i < to; i++) {
    const code = key.charCodeAt(i);
    if (code === 64 || code > 126) return true;
    if (code >= 48 && code <= 57) digit++;
    else if (code >= 97 && code <= 122) lower++;
    else if (code >= 65 && code <= 90) upper++;
    if (code === 45 || (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 102)) hex++;
  }
  return to - from >= 16 && digit > 0 && ((upper > 0 && lower > 0) || hex === to - from);
}

/** Words joined by - or _, with ? for what is none: 'user_?', 'home-feed'; '?' when there is no word in it. */
export function partPattern(text: string, from: number, to: number): string {
  let pattern = '';
  let dropped = false;
  let kept = false;
  let at = from;
  for (let i = from; i <= to; i++) {
    const code = i < to ? text.charCodeAt(i) : 0;
    if (i < to && code !== 45 && code !== 95) continue;
    if (i > at) {
      const word = isWord(text, at, i);
      // Between two dropped pieces stands nothing.
      if (word) pattern += text.slice(at, i);
      else if (!dropped) pattern += '?';
      else pattern = pattern.slice(0, -1);
      kept ||= word;
      dropped = !word;
    }
    if (i < to) pattern += text[i];
    at = i + 1;
  }
  return kept ? pattern : '?';
}
