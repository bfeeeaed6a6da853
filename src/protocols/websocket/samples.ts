// Conversations for the contract that no recording holds, made by hand.

import type { LongSample, Sample } from '../contract.ts';

const mask = [0x37, 0xfa, 0x21, 0x3d];
const letters = (text: string): number[] => [...new TextEncoder().encode(text)];
const head = (first: number, size: number, isMasked: boolean): number[] => {
  const length = size < 126 ? [size] : size < 65536 ? [126, size >> 8, size & 255] : [127, 0, 0, 0, 0, ...u32(size)];
  return [first, (length[0] as number) | (isMasked ? 128 : 0), ...length.slice(1)];
};
const u32 = (n: number): number[] => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255];
/** A frame of the client's. */
const out = (first: number, payload: string | number[]): number[] => {
  const bytes = typeof payload === 'string' ? letters(payload) : payload;
  return [...head(first, bytes.length, true), ...mask, ...bytes.map((byte, i) => byte ^ (mask[i % 4] as number))];
};
/** A frame of the server's. */
const back = (first: number, payload: string | number[]): number[] => {
  const bytes = typeof payload === 'string' ? letters(payload) : payload;
  return [...head(first, bytes.length, false), ...bytes];
};
const bytes = (...frames: number[][]): Uint8Array => Uint8Array.from(frames.flat());

const text = 0x81;
const binary = 0x82;
const compressed = 0xc1;
const close = 0x88;
const ping = 0x89;
const pong = 0x8a;

export const samples: Record<string, Sample> = {
  'messages both ways, in pieces, compressed': [
    ['c', bytes(out(text, 'secret value'), out(binary, [1, 2, 3]), out(compressed, 'deflated'))],
    ['s', bytes(back(text, 'Hello'), back(compressed, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]))],
    ['c', bytes(out(0x01, 'one '))],
    ['s', bytes(back(ping, 'are you there'), back(0x02, 'a'))],
    ['c', bytes(out(pong, 'are you there'), out(0x00, 'two '))],
    ['s', bytes(back(0x00, 'b'), back(pong, ''), back(0x80, 'c'))],
    ['c', bytes(out(0x80, 'three'), out(text, ''), out(binary, 'x'.repeat(300)))],
    ['s', bytes(back(text, 'y'.repeat(70_000)))],
  ],
  'pings and an orderly end': [
    ['c', bytes(out(ping, 'a'), out(ping, 'b'))],
    ['s', bytes(back(pong, 'a'), back(pong, 'b'))],
    ['c', bytes(out(ping, 'c'), out(close, [3, 232]))],
    ['s', bytes(back(text, 'still sent'), back(close, [3, 232]))],
  ],
  'the server ends it, with an error': [
    ['s', bytes(back(close, [3, 243, 111, 111, 112, 115]))],
    ['c', bytes(out(close, [3, 243]))],
  ],
  'the server ends it': [
    ['s', bytes(back(close, []))],
    ['c', bytes(out(close, []))],
  ],
  'the connection breaks': [
    ['c', bytes(out(0x01, 'the beginning'), out(ping, ''))],
    ['s', bytes(back(0x01, 'the beginning'))],
  ],
  'no WebSocket: a frame that is not masked': [['c', bytes(out(text, 'a'), back(text, 'b'))]],
  'no WebSocket: nothing is continued': [['s', bytes(back(0x80, 'b'))]],
};

export const long: Record<string, LongSample> = {
  'a long message': {
    before: [['s', Uint8Array.from(head(binary, 65536 * 16_000, false))]],
    from: 's',
    piece: new Uint8Array(65536),
    times: 16_000,
    after: [],
    exchanges: 1,
  },
  'many messages': {
    before: [],
    from: 'c',
    piece: bytes(...Array.from({ length: 400 }, () => out(text, 'some message that is not kept'))),
    times: 500,
    after: [],
    exchanges: 400 * 500,
  },
};
