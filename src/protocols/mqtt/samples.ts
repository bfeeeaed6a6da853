// Conversations for the contract that no recording holds, made by hand.

import type { LongSample, Sample } from '../contract.ts';

const u16 = (n: number): number[] => [n >> 8, n & 255];
const letters = (s: string): number[] => [...new TextEncoder().encode(s)];
const text = (s: string): number[] => [...u16(letters(s).length), ...letters(s)];
const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)]);
const packet = (head: number, ...rest: number[]): number[] => [head, ...varint(rest.length), ...rest];
const bytes = (...packets: number[][]): Uint8Array => Uint8Array.from(packets.flat());

const opening = (level: number): Sample => {
  const properties = level === 5 ? [0] : [];
  const name = level === 3 ? 'MQIsdp' : 'MQTT';
  const login = [...text('sensor-17'), ...text('jane'), ...text('hunter2')];
  return [
    ['c', bytes(packet(0x10, ...text(name), level, 0xc2, 0, 60, ...properties, ...login))],
    ['s', bytes(packet(0x20, 0, 0, ...properties))],
  ];
};
/** Properties with their length before them. */
const counted = (...properties: number[]): number[] => [...varint(properties.length), ...properties];
const publish = (qos: number, topic: string, id: number, message: string, properties: number[] = []): number[] =>
  packet(0x30 | (qos << 1), ...text(topic), ...(qos ? u16(id) : []), ...properties, ...letters(message));
const ack = (type: number, id: number, ...more: number[]): number[] =>
  packet((type << 4) | (type === 6 ? 2 : 0), ...u16(id), ...more);

export const samples: Record<string, Sample> = {
  'every quality of service, out of order': [
    ...opening(4),
    [
      'c',
      bytes(publish(0, 'devices/42/telemetry', 0, 'secret value'), publish(1, 'orders/created', 7, 'secret value')),
    ],
    ['c', bytes(publish(2, 'orders/paid', 8, 'x'), publish(1, 'users/9f3ac01b77aa4242', 9, ''))],
    ['s', bytes(ack(5, 8), ack(4, 9), ack(4, 7))],
    ['c', bytes(ack(6, 8))],
    ['s', bytes(ack(7, 8))],
    ['c', bytes(publish(1, 'never/answered', 10, 'x'), publish(1, 'never/answered', 11, 'x'))],
    ['c', bytes(publish(1, 'again', 10, 'x'), packet(0x3a, ...text('again'), ...u16(10), 120), packet(0xc0))],
    ['s', bytes(packet(0xd0), ack(4, 10))],
    ['c', bytes(packet(0xe0))],
  ],
  'messages in': [
    ...opening(3),
    ['c', bytes(packet(0x82, ...u16(1), ...text('devices/+/telemetry'), 1, ...text('orders/#'), 0))],
    ['s', bytes(packet(0x90, ...u16(1), 1, 0x80))],
    ['s', bytes(publish(0, 'devices/42/telemetry', 0, 'secret value'), publish(1, 'orders/created', 3, 'x'))],
    ['c', bytes(ack(4, 3))],
    ['s', bytes(publish(2, 'orders/paid', 4, 'x'))],
    ['c', bytes(ack(5, 4))],
    ['s', bytes(ack(6, 4))],
    ['c', bytes(ack(7, 4))],
    ['c', bytes(packet(0xa2, ...u16(2), ...text('a'), ...text('b/c'), ...text('d'), ...text('e')))],
    ['s', bytes(packet(0xb0, ...u16(2)))],
    ['s', bytes(publish(0, 'cut/short', 0, 'x')).subarray(0, 12)],
  ],
  'MQTT 5: properties, aliases, reason codes': [
    ...opening(5),
    ['c', bytes(publish(0, 'devices/telemetry', 0, 'x', [3, 0x23, 0, 1]), publish(0, '', 0, 'x', [3, 0x23, 0, 1]))],
    ['c', bytes(publish(0, '', 0, 'x', [3, 0x23, 0, 9]))],
    [
      'c',
      bytes(
        publish(1, 'orders/created', 1, 'x', [
          ...counted(
            ...[0x01, 1, 0x02, 0, 0, 0, 9],
            ...[0x26, ...text('token'), ...text('hunter2')],
            ...[0x08, ...text('replies/17')],
            ...[0x09, ...text('abc'), 0x23, 0, 2],
          ),
        ]),
      ),
    ],
    ['s', bytes(ack(4, 1, 0x10))],
    ['c', bytes(publish(2, '', 2, 'x', [3, 0x23, 0, 2]), publish(1, 'forbidden', 3, 'x', [0]))],
    ['s', bytes(ack(5, 2, 0x97, 0), ack(4, 3, 0x87))],
    ['c', bytes(packet(0x82, ...u16(4), 2, 0x0b, 1, ...text('$share/workers/jobs/mail'), 1, ...text('secret/#'), 1))],
    ['s', bytes(packet(0x90, ...u16(4), 0, 1, 0x87))],
    ['s', bytes(publish(0, 'jobs/mail', 0, 'x', [5, 0x23, 0, 1, 0x0b, 1]), publish(0, '', 0, 'x', [3, 0x23, 0, 1]))],
    ['c', bytes(packet(0xa2, ...u16(5), 0, ...text('jobs/mail')))],
    ['s', bytes(packet(0xb0, ...u16(5), 0, 0x11))],
    ['c', bytes(publish(1, 'a', 6, 'x', [0]), publish(1, 'b', 7, 'x', [0]))],
    ['s', bytes(packet(0xe0, 0x8b, 0))],
  ],
  'taken over by another client': [...opening(5), ['s', bytes(packet(0xe0, 0x8e, 0))]],
  'refused: a wrong password': [...opening(4).slice(0, 1), ['s', bytes(packet(0x20, 0, 5))]],
  'no MQTT after a while': [...opening(4), ['c', bytes(publish(1, 'a', 1, 'x'))], ['s', '\0\0']],
};

export const long: Record<string, LongSample> = {
  'a long message': {
    before: [...opening(4), ['c', Uint8Array.of(0x32, ...varint(2 + 3 + 2 + 65536 * 4000), ...text('big'), ...u16(1))]],
    from: 'c',
    piece: new Uint8Array(65536).fill(120),
    times: 4000,
    after: [['s', bytes(ack(4, 1))]],
    exchanges: 2,
  },
  'many messages': {
    before: opening(5),
    from: 's',
    piece: bytes(...Array.from({ length: 400 }, () => publish(0, 'devices/42/telemetry', 0, 'not kept', [0]))),
    times: 500,
    after: [],
    exchanges: 1 + 400 * 500,
  },
};
