// Ids that need no coordination. A span's: the process's random 32 bits, then a counter that starts anywhere.
// A trace's: 128 random bits. Random bits come from the system in one call, then from sfc32, which is enough for
// ids that must differ and need not be secret; the program's own Math.random is not consumed.

import { closeSync, openSync, readSync } from 'node:fs';
import type { SpanId } from './operation.ts';

const seed = new Uint32Array(8);
fill(seed);
let a = seed[0];
let b = seed[1];
let c = seed[2];
let count = 1;

/** 32 bits at random. */
export function random32(): number {
  const t = (((a + b) | 0) + count++) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = ((c << 21) | (c >>> 11)) + t;
  return t >>> 0;
}

/** High half of every span id of this process (or worker thread); never 0. */
export const processHi: number = seed[3] || 1;

let lo = seed[4];

/** The low half of a new span id; never 0. */
export function nextLo(): number {
  lo = (lo + 1) >>> 0 || 1;
  return lo;
}

export const nextSpanId = (): SpanId => ({ hi: processHi, lo: nextLo() });

/** A new trace id as four u32, most significant first; never all 0. */
export function newTrace(): Uint32Array {
  const trace = new Uint32Array(4);
  trace[0] = random32() || 1;
  trace[1] = random32();
  trace[2] = random32();
  trace[3] = random32();
  return trace;
}

/** Names this process to the collector; unguessable, as it is also a file's name. */
export const newToken = (): string => Array.from({ length: 4 }, () => hex8(random32())).join('');

const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Eight hex digits of a u32. */
export const hex8 = (value: number): string =>
  `${pairs[value >>> 24]}${pairs[(value >>> 16) & 255]}${pairs[(value >>> 8) & 255]}${pairs[value & 255]}`;

/** From the system: /dev/urandom where it is there (0.1 ms), else the crypto module (5 ms to load). */
function fill(words: Uint32Array<ArrayBuffer>): void {
  try {
    const file = openSync('/dev/urandom', 'r');
    try {
      if (readSync(file, words) === words.byteLength) return;
    } finally {
      closeSync(file);
    }
  } catch {
    // No such file: Windows.
  }
  globalThis.crypto.getRandomValues(words);
}
