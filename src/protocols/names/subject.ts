// A subject, a topic, a routing key, the name of a queue or an exchange → the pattern it was made from:
//
//   orders.created           → orders.created      devices/42/telemetry  → devices/?/telemetry
//   users.9f3ac01b.mail      → users.?.mail        amq.gen-Jz4TY20BRgKO  → amq.gen-?
//   sensors/+/temp, events.> → as they are         $SYS/broker/uptime    → as it is
//
// Like a route (path.ts) it is an address that the program's author laid out, so every word of it stays, the last one,
// too; segments stand between points, slashes and colons.

import { looksSecret, partPattern } from './key.ts';

const longest = 120;
const mostSegments = 12;
const dollar = 36;

/** The pattern of the subject in bytes[from, to). */
export function subjectPattern(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > longest) to = from + longest;
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
  let pattern = '';
  let segments = 0;
  let at = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0;
    if (i < text.length && code !== 46 && code !== 47 && code !== 58) continue;
    if (i > at) {
      if (++segments > mostSegments) return `${pattern}…`;
      pattern += segmentPattern(text, at, i);
    }
    if (i < text.length) pattern += text[i];
    at = i + 1;
  }
  return pattern;
}

/** Of one segment: words and what stands between them, a wildcard, or ?. */
function segmentPattern(text: string, from: number, to: number): string {
  if (to - from === 1) {
    const wildcard = text[from] as string;
    if (wildcard === '*' || wildcard === '>' || wildcard === '#' || wildcard === '+') return wildcard;
  }
  if (looksSecret(text, from, to)) return '?';
  // $SYS, $JS, $share: the server's own.
  if (text.charCodeAt(from) === dollar && to - from > 1) return `$${partPattern(text, from + 1, to)}`;
  return partPattern(text, from, to);
}

// Names by what was asked last, told by its bytes (as in key.ts): a program says few subjects again and again. Bounded,
// each place overwritten by the next that falls on it.
const places = 256;
const longestHeld = 64;
const heldBytes = new Uint8Array(places * longestHeld);
const heldLengths = new Int16Array(places).fill(-1);
const heldFor: string[] = new Array(places).fill('');
const heldNames: string[] = new Array(places).fill('');

/** "publish orders.created": an operation's name and the pattern of its subject in bytes[from, to), if there is one. */
export function nameWithSubject(name: string, bytes: Uint8Array, from: number, to: number): string {
  const length = to - from;
  if (length <= 0) return name;
  if (length > longestHeld) return `${name} ${subjectPattern(bytes, from, to)}`;
  let hash = name.length;
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const place = (hash ^ (hash >>> 8)) & (places - 1);
  const base = place * longestHeld;
  if (heldLengths[place] === length && heldFor[place] === name) {
    let i = 0;
    while (i < length && heldBytes[base + i] === bytes[from + i]) i++;
    if (i === length) return heldNames[place] as string;
  }
  const full = `${name} ${subjectPattern(bytes, from, to)}`;
  for (let i = 0; i < length; i++) heldBytes[base + i] = bytes[from + i] as number;
  heldLengths[place] = length;
  heldFor[place] = name;
  heldNames[place] = full;
  return full;
}
