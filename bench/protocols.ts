// MB/s of recognising and decoding, one protocol after the other, over its recorded and made conversations and its long
// samples, beside the cost of reading every byte once in a plain loop (ratio 1).
//
//   node --import tsx bench/protocols.ts

import { existsSync } from 'node:fs';
import { bytesOf, type Event, eventsOf, feed, recordedIn, type Samples } from '../src/protocols/contract.ts';
import { Conversation } from '../src/protocols/conversation.ts';
import type { Sink } from '../src/protocols/decoder.ts';
import { protocols } from '../src/protocols/list.ts';
import { unknown } from '../src/protocols/unknown/decoder.ts';
import { websocketOn } from '../src/protocols/websocket/decoder.ts';

const folders: Record<string, string> = { http: 'http1', ws: 'websocket' };
const rounds = 5;
const sink: Sink = { opened: () => {}, closed: () => {} };

/** Megabytes a second, the best of the rounds (the others were disturbed). */
function speed(bytes: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const from = process.hrtime.bigint();
    work();
    best = Math.min(best, Number(process.hrtime.bigint() - from));
  }
  return (bytes / best) * 1e3;
}

const size = (events: readonly Event[]): number => events.reduce((sum, event) => sum + event.bytes.length, 0);

const plain = new Uint8Array(2 ** 24);
let sum = 0;
const reading = speed(plain.length, () => {
  for (let i = 0; i < plain.length; i++) sum = (sum + (plain[i] as number)) | 0;
});

const row = (...cells: (string | number)[]) =>
  console.log(
    cells
      .map((cell, i) => (typeof cell === 'number' ? cell.toFixed(cell < 10 ? 2 : 0) : cell).padEnd(i === 1 ? 34 : 14))
      .join(''),
  );
row('protocol', 'what', 'MB/s', 'ratio', 'µs/exchange');
row('', 'every byte read once', reading, 1, '');

// A WebSocket is what HTTP says is one; here all of its conversations are.
const websocket = { ...websocketOn('/chat'), recognise: () => 'yes' as const };

for (const protocol of [...protocols, websocket]) {
  const asked = protocol === websocket ? [websocket] : protocols;
  const folder = folders[protocol.name] ?? protocol.name;
  const url = new URL(`../src/protocols/${folder}/samples.ts`, import.meta.url);
  const { samples = {}, long = {} }: Samples = existsSync(url) ? ((await import(url.href)) as Samples) : {};
  const conversations = [...recordedIn(folder).map(({ events }) => events), ...Object.values(samples).map(eventsOf)];
  const total = conversations.reduce((all, events) => all + size(events), 0);
  const times = Math.ceil(2e7 / total);
  let exchanges = 0;
  const counting: Sink = { opened: () => {}, closed: () => void exchanges++ };
  let elapsed = 0;
  const whole = speed(total * times, () => {
    exchanges = 0;
    const from = process.hrtime.bigint();
    for (let i = 0; i < times; i++) {
      for (const events of conversations) {
        const conversation = new Conversation(counting, asked, unknown);
        for (const { fromClient, bytes, at } of events)
          if (fromClient) conversation.client(bytes, at);
          else conversation.server(bytes, at);
        conversation.close(0, '');
      }
    }
    elapsed = Number(process.hrtime.bigint() - from);
  });
  row(protocol.name, 'conversations, recognised', whole, whole / reading, elapsed / exchanges / 1e3);
  for (const [name, sample] of Object.entries(samples)) {
    const events = eventsOf(sample);
    const decoder = protocol.decode(counting);
    feed(decoder, events);
    feed(decoder, events);
    if (!decoder.idle || decoder.lost) continue; // cannot be said twice on one connection
    const again = Math.ceil(1e6 / size(events));
    const rate = speed(size(events) * again, () => {
      exchanges = 0;
      const start = process.hrtime.bigint();
      for (let i = 0; i < again; i++)
        for (const { fromClient, bytes, at } of events)
          if (fromClient) decoder.client(bytes, at);
          else decoder.server(bytes, at);
      elapsed = Number(process.hrtime.bigint() - start);
    });
    row(protocol.name, name.slice(0, 32), rate, rate / reading, elapsed / exchanges / 1e3);
  }
  for (const [name, { before, from, piece, times: pieces }] of Object.entries(long)) {
    const body = bytesOf(piece);
    const some = Math.min(pieces, Math.ceil(5e7 / body.length));
    const rate = speed(body.length * some, () => {
      const decoder = protocol.decode(sink);
      feed(decoder, eventsOf(before));
      for (let i = 0; i < some; i++)
        if (from === 'c') decoder.client(body, i);
        else decoder.server(body, i);
    });
    row(protocol.name, name, rate, rate / reading, '');
  }
}
if (sum === 1) console.log('');
