// What a process says of itself, checked: it comes from outside.

import type { Hello } from '../model/wire.ts';
import { BadFrame } from './frames.ts';

const maxChars = 4096;

/** @throws {BadFrame} */
export function parseHello(body: Uint8Array): Hello {
  let said: unknown;
  try {
    said = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw new BadFrame('a hello that is no JSON');
  }
  if (typeof said !== 'object' || said === null) throw new BadFrame('a hello that is no object');
  const of = said as Record<string, unknown>;
  if (of['version'] !== 1) throw new BadFrame(`a recorder of version ${String(of['version']).slice(0, 20)}`);
  const token = text(of, 'token');
  if (token === '') throw new BadFrame('a hello without a token');
  const origin = text(of, 'origin');
  // Until the year 2262, which is as far as 63 bits go.
  if (!/^\d{1,19}$/.test(origin) || BigInt(origin) >= 2n ** 63n) throw new BadFrame('a hello without a time');
  return {
    version: 1,
    token,
    pid: count(of, 'pid'),
    ppid: count(of, 'ppid'),
    thread: count(of, 'thread'),
    runtime: text(of, 'runtime'),
    service: text(of, 'service'),
    script: text(of, 'script'),
    origin,
  };
}

function text(of: Record<string, unknown>, name: string): string {
  const value = of[name];
  if (typeof value !== 'string' || value.length > maxChars) throw new BadFrame(`a hello whose ${name} is no text`);
  return value;
}

function count(of: Record<string, unknown>, name: string): number {
  const value = of[name];
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= 2 ** 32)
    throw new BadFrame(`a hello whose ${name} is no number`);
  return value as number;
}
