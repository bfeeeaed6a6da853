// Conversations for the contract that no recording holds, made by hand.

import type { LongSample, Sample } from '../contract.ts';
import { frameEnd } from './spec.ts';

const u16 = (n: number): number[] => [n >> 8, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 65535)];
const u64 = (n: number): number[] => [...u32(Math.floor(n / 2 ** 32)), ...u32(n >>> 0)];
const text = (s: string): number[] => [...new TextEncoder().encode(s)];
const name = (s: string): number[] => [s.length, ...text(s)];
const empty = u32(0); // a table without fields

const frame = (type: number, channel: number, ...payload: number[]): number[] => [
  type,
  ...u16(channel),
  ...u32(payload.length),
  ...payload,
  frameEnd,
];
/** A method's frame. */
const method = (channel: number, inClass: number, number: number, ...args: number[]): number[] =>
  frame(1, channel, ...u16(inClass), ...u16(number), ...args);
/** A message's header and its body, cut in frames of at most 10 bytes. */
const content = (channel: number, body: string): number[] => {
  const frames = frame(2, channel, ...u16(60), ...u16(0), ...u64(body.length), ...u16(0));
  for (let i = 0; i < body.length; i += 10) frames.push(...frame(3, channel, ...text(body.slice(i, i + 10))));
  return frames;
};
const publish = (channel: number, exchange: string, key: string, body: string): number[] => [
  ...method(channel, 60, 40, ...u16(0), ...name(exchange), ...name(key), 0),
  ...content(channel, body),
];
const bytes = (...parts: number[][]): Uint8Array => Uint8Array.from(parts.flat());
const heartbeat = frame(8, 0);

const preamble = (vhost: string): Sample => [
  ['c', 'AMQP\0\0\x09\x01'],
  ['s', bytes(method(0, 10, 10, 0, 9, ...empty, ...u32(5), ...text('PLAIN'), ...u32(5), ...text('en_US')))],
  [
    'c',
    bytes(method(0, 10, 11, ...empty, ...name('PLAIN'), ...u32(14), ...text('\0guest\0hunter2'), ...name('en_US'))),
  ],
  ['s', bytes(method(0, 10, 30, ...u16(2047), ...u32(131072), ...u16(60)))],
  ['c', bytes(method(0, 10, 31, ...u16(2047), ...u32(131072), ...u16(60)), method(0, 10, 40, ...name(vhost), 0, 0))],
];
const opened: Sample = [
  ['s', bytes(method(0, 10, 41, 0))],
  ['c', bytes(method(1, 20, 10, 0))],
  ['s', bytes(method(1, 20, 11, ...empty))],
];
const opening: Sample = [...preamble('/'), ...opened];
const confirming: Sample = [...opening, ['c', bytes(method(1, 85, 10, 0))], ['s', bytes(method(1, 85, 11))]];
const deliver = (tag: string, number: number, body: string): number[] => [
  ...method(1, 60, 60, ...name(tag), ...u64(number), 0, ...name('events'), ...name('orders.created')),
  ...content(1, body),
];

export const samples: Record<string, Sample> = {
  'a queue, messages in and out': [
    ...preamble('/shop'),
    ...opened,
    ['c', bytes(method(1, 50, 10, ...u16(0), ...name('orders'), 2, ...empty))],
    ['s', bytes(method(1, 50, 11, ...name('orders'), ...u32(0), ...u32(0)))],
    ['c', bytes(method(1, 50, 20, ...u16(0), ...name('orders'), ...name('events'), ...name('orders.*'), 0, ...empty))],
    ['s', bytes(method(1, 50, 21))],
    ['c', bytes(publish(1, 'events', 'orders.created', 'secret value'), publish(1, '', 'orders', ''), heartbeat)],
    ['c', bytes(publish(1, '', 'user.9f3ac01b77aa4242', 'x'))],
    ['s', heartbeat.length ? bytes(heartbeat) : ''],
    ['c', bytes(method(1, 60, 10, ...u32(0), ...u16(10), 0))],
    ['s', bytes(method(1, 60, 11))],
    ['c', bytes(method(1, 60, 20, ...u16(0), ...name('orders'), 0, 0, ...empty))],
    ['s', bytes(method(1, 60, 21, ...name('amq.ctag-1')), deliver('amq.ctag-1', 1, 'secret value'))],
    ['s', bytes(deliver('amq.ctag-1', 2, ''), deliver('another', 3, 'x'))],
    ['c', bytes(method(1, 60, 80, ...u64(1), 0), method(1, 60, 120, ...u64(2), 1), method(1, 60, 90, ...u64(3), 0))],
    ['c', bytes(method(1, 60, 30, ...name('amq.ctag-1'), 0))],
    ['s', bytes(method(1, 60, 31, ...name('amq.ctag-1')), deliver('amq.ctag-1', 4, 'late'))],
    ['c', bytes(method(1, 20, 40, ...u16(200), ...name('bye'), ...u32(0)))],
    ['s', bytes(method(1, 20, 41))],
    ['c', bytes(method(0, 10, 50, ...u16(200), ...name('bye'), ...u32(0)))],
    ['s', bytes(method(0, 10, 51))],
  ],
  'confirms: one by one, several at once, refused': [
    ...confirming,
    ['c', bytes(...['a', 'b', 'c', 'd', 'e', 'f'].map((body) => publish(1, 'events', 'orders.created', body)))],
    ['s', bytes(method(1, 60, 80, ...u64(2), 0), method(1, 60, 80, ...u64(3), 1))],
    ['s', bytes(method(1, 60, 120, ...u64(5), 0), method(1, 60, 80, ...u64(9), 0), method(1, 60, 80, ...u64(0), 1))],
    ['c', bytes(publish(1, 'events', 'orders.created', 'g'), publish(1, 'events', 'orders.created', 'h'))],
    [
      's',
      bytes(
        method(1, 60, 50, ...u16(312), ...name('NO_ROUTE'), ...name('events'), ...name('orders.created')),
        content(1, 'g'),
        method(1, 60, 80, ...u64(7), 0),
      ),
    ],
  ],
  'get: a message, none, and one that never comes': [
    ...opening,
    [
      'c',
      bytes(method(1, 60, 70, ...u16(0), ...name('orders'), 1), method(1, 60, 70, ...u16(0), ...name('orders'), 1)),
    ],
    ['s', bytes(method(1, 60, 71, ...u64(1), 0, ...name('events'), ...name('orders.created'), ...u32(0)))],
    ['s', bytes(content(1, 'a message of forty bytes and more, in frames'))],
    ['s', bytes(method(1, 60, 72, 0))],
    ['c', bytes(method(1, 60, 70, ...u16(0), ...name('orders'), 1))],
    ['s', bytes(method(1, 60, 71, ...u64(2), 0, ...name(''), ...name('orders'), ...u32(0)))],
  ],
  'a channel is closed by the server, another goes on': [
    ...confirming,
    ['c', bytes(method(2, 20, 10, 0))],
    ['s', bytes(method(2, 20, 11, ...empty))],
    ['c', bytes(method(2, 50, 10, ...u16(0), ...name('jobs'), 1, ...empty))],
    ['c', bytes(publish(1, 'nowhere', 'a', 'x'), publish(1, 'nowhere', 'b', 'y'))],
    ['s', bytes(method(1, 20, 40, ...u16(404), ...name("NOT_FOUND - no exchange 'nowhere'"), ...u16(60), ...u16(40)))],
    ['c', bytes(method(1, 20, 41))],
    ['s', bytes(method(2, 50, 11, ...name('jobs'), ...u32(0), ...u32(0)))],
    ['c', bytes(publish(2, 'nowhere', 'a', 'x'))],
    ['s', bytes(method(2, 20, 40, ...u16(404), ...name('NOT_FOUND'), ...u16(60), ...u16(40)))],
    ['c', bytes(method(2, 20, 41), method(2, 20, 10, 0))],
    ['s', bytes(method(2, 20, 11, ...empty))],
    ['c', bytes(method(2, 50, 30, ...u16(0), ...name('jobs'), 0), method(2, 40, 20, ...u16(0), ...name('events'), 2))],
    ['s', bytes(method(2, 50, 31, ...u32(7)))],
    ['c', bytes(method(2, 90, 10), method(2, 90, 20))],
    ['s', bytes(method(2, 90, 11))],
    ['s', bytes(method(0, 10, 50, ...u16(320), ...name('CONNECTION_FORCED'), ...u32(0)))],
    ['c', bytes(method(0, 10, 51))],
  ],
  'refused: the virtual host is not there': [
    ...preamble('9f3ac01b77aa4242'),
    ['s', bytes(method(0, 10, 50, ...u16(530), ...name('NOT_ALLOWED - vhost not found'), ...u16(10), ...u16(40)))],
    ['c', bytes(method(0, 10, 51))],
  ],
  'no AMQP after a while': [
    ...opening,
    ['c', bytes(method(1, 50, 10, ...u16(0), ...name('a'), 0, ...empty))],
    ['s', 'HTTP/1.1'],
  ],
};

const piece = (length: number): Uint8Array => bytes(frame(3, 1, ...new Array<number>(length).fill(120)));

export const long: Record<string, LongSample> = {
  'a long message': {
    before: [
      ...confirming,
      ['c', bytes(method(1, 60, 40, ...u16(0), ...name(''), ...name('big'), 0))],
      ['c', bytes(frame(2, 1, ...u16(60), ...u16(0), ...u64(65528 * 4096), ...u16(0)))],
    ],
    from: 'c',
    piece: piece(65528),
    times: 4096,
    after: [['s', bytes(method(1, 60, 80, ...u64(1), 0))]],
    exchanges: 4,
  },
  'many deliveries': {
    before: opening,
    from: 's',
    piece: bytes(...Array.from({ length: 400 }, () => deliver('a', 1, 'some body that is not kept'))),
    times: 500,
    after: [],
    exchanges: 2 + 400 * 500,
  },
};
