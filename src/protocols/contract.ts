// The decoder contract (decoder.ts) as tests, for any protocol: goldens, cuts, prefixes, nonsense, memory, false claims.
//
// Conversations come from test/corpora/<folder>/*.streams.json.gz (recorded; MANIFEST.tsv there says where from) and
// from the protocol's own samples.ts (made by hand: what no recording holds). What was decoded is compared with
// test/corpora/<folder>/exchanges.txt, a line an exchange; UPDATE_GOLDENS=1 rewrites it, a person reads the difference.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { Kind } from '../model/schema.ts';
import { Conversation } from './conversation.ts';
import type { Decoder, Exchange, Protocol, Sink } from './decoder.ts';

/** Bytes of one direction at one time (µs since the conversation's start). */
export interface Event {
  readonly fromClient: boolean;
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface Recorded {
  readonly name: string;
  /** Recorded from the connection's first byte on. */
  readonly fromSyn: boolean;
  readonly events: readonly Event[];
}

/** A conversation made by hand: 'c' = from the client, 's' = from the server; text is taken as Latin-1. */
export type Sample = readonly (readonly ['c' | 's', string | Uint8Array])[];

/** A body of any length: `before`, then `piece` of `from`, `times` times, then `after`. */
export interface LongSample {
  readonly before: Sample;
  readonly from: 'c' | 's';
  readonly piece: Uint8Array;
  readonly times: number;
  readonly after: Sample;
  /** Exchanges in all. */
  readonly exchanges: number;
}

/** What a protocol's samples.ts may export. */
export interface Samples {
  readonly samples?: Record<string, Sample>;
  readonly long?: Record<string, LongSample>;
}

const corporaUrl = new URL('../../test/corpora/', import.meta.url);

export const bytesOf = (data: string | Uint8Array): Uint8Array =>
  typeof data === 'string' ? new Uint8Array(Buffer.from(data, 'latin1')) : data;

/** Events of a conversation made by hand, a millisecond apart. */
export const eventsOf = (sample: Sample): Event[] =>
  sample.map(([side, data], i) => ({ fromClient: side === 'c', at: i * 1000, bytes: bytesOf(data) }));

/** Every recorded conversation of a folder of the corpora. */
export function recordedIn(folder: string): Recorded[] {
  const directory = new URL(`${folder}/`, corporaUrl);
  if (!existsSync(directory)) return [];
  const recorded: Recorded[] = [];
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.streams.json.gz')) continue;
    const streams = JSON.parse(gunzipSync(readFileSync(new URL(file, directory))).toString()) as {
      fromSyn: boolean;
      gap: boolean;
      events: [number, 'c' | 's', string][];
    }[];
    streams.forEach(({ fromSyn, gap, events }, i) => {
      recorded.push({
        name: `${file.replace(/\.streams\.json\.gz$/, '')} ${i}${gap ? ' gap' : ''}`,
        fromSyn,
        events: events.map(([at, side, data]) => ({
          fromClient: side === 'c',
          at,
          bytes: new Uint8Array(Buffer.from(data, 'base64')),
        })),
      });
    });
  }
  return recorded;
}

export const corpusFolders = (): string[] =>
  readdirSync(corporaUrl, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

const kinds = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

/** An exchange as a golden's line. */
export function line(exchange: Exchange): string {
  const { operation, error, status, rows, bytesOut, bytesIn, firstOut, lastOut, firstIn, lastIn } = exchange;
  const words = [operation];
  if (exchange.kind !== Kind.client) words.push(kinds[exchange.kind] ?? '');
  if (error) words.push(`error ${error}`);
  if (status) words.push(`status ${status}`);
  if (rows >= 0) words.push(`rows ${rows}`);
  words.push(`out ${bytesOut} B at ${firstOut}..${lastOut}`, `in ${bytesIn} B at ${firstIn}..${lastIn}`);
  if (exchange.oneWay) words.push('oneWay');
  if (exchange.idle) words.push('idle');
  if (exchange.setup) words.push('setup');
  if (exchange.within) words.push(`within ${exchange.within.operation}`);
  if (exchange.namespace) words.push(`namespace ${exchange.namespace}`);
  if (exchange.statement) words.push(`statement ${exchange.statement}`);
  return words.join(' | ');
}

/** A sink that holds every exchange to the contract, and keeps a log of what it was told. */
export class Watch implements Sink {
  readonly log: string[] = [];
  /** In the order in which they were opened. */
  readonly exchanges: Exchange[] = [];
  readonly open = new Map<Exchange, number>();
  private readonly known = new Set<Exchange>();
  bytesOut = 0;
  bytesIn = 0;

  opened(exchange: Exchange): void {
    assert.ok(!this.known.has(exchange), 'an exchange is opened once');
    this.known.add(exchange);
    this.exchanges.push(exchange);
    this.open.set(exchange, this.exchanges.length);
    this.log.push(`+${this.exchanges.length}`);
  }

  closed(exchange: Exchange): void {
    const number = this.open.get(exchange);
    assert.ok(number !== undefined, 'an exchange is closed once, after it was opened');
    this.open.delete(exchange);
    const text = line(exchange);
    this.log.push(`-${number} ${text}`);
    checkExchange(exchange, text);
    this.bytesOut += exchange.bytesOut;
    this.bytesIn += exchange.bytesIn;
    Object.freeze(exchange); // a later change throws
  }
}

function checkExchange(exchange: Exchange, text: string): void {
  const { operation, statement, namespace, error, firstOut, lastOut, firstIn, lastIn } = exchange;
  assert.ok(operation !== '', `an operation has a name: ${text}`);
  assert.ok(operation.length <= 300 && statement.length <= 2000 && namespace.length <= 200, `names are short: ${text}`);
  assert.ok(printable(operation + statement + namespace), `names are printable: ${JSON.stringify(text)}`);
  assert.match(error, /^[\w.-]{0,64}$/, `an error is a code: ${text}`);
  assert.ok(Number.isInteger(exchange.rows) && exchange.rows >= -1, `rows: ${text}`);
  assert.ok(Number.isInteger(exchange.bytesOut) && exchange.bytesOut >= 0, `bytes out: ${text}`);
  assert.ok(Number.isInteger(exchange.bytesIn) && exchange.bytesIn >= 0, `bytes in: ${text}`);
  assert.ok(!(firstOut > lastOut) && !(firstIn > lastIn), `times are in order: ${text}`);
  assert.equal(Number.isNaN(firstOut), Number.isNaN(lastOut), text);
  assert.equal(Number.isNaN(firstIn), Number.isNaN(lastIn), text);
  assert.ok(exchange.note === undefined, "the note is not the decoder's");
}

const printable = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code === 127) return false;
  }
  return true;
};

/** Seeded randomness (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** Feeds events, each cut by `cut` (given bytes left, how many next; the whole rest by default). */
export function feed(decoder: Decoder, events: readonly Event[], cut?: (left: number) => number): void {
  for (const { fromClient, at, bytes } of events) {
    let from = 0;
    while (from < bytes.length) {
      const size = cut ? Math.max(1, Math.min(cut(bytes.length - from), bytes.length - from)) : bytes.length - from;
      // A copy that is overwritten afterwards: a decoder that keeps a chunk is found out.
      const chunk = bytes.slice(from, from + size);
      if (fromClient) decoder.client(chunk, at);
      else decoder.server(chunk, at);
      chunk.fill(0xaa);
      from += size;
    }
  }
}

const lastAt = (events: readonly Event[]): number => events.at(-1)?.at ?? 0;
const size = (events: readonly Event[], fromClient?: boolean): number =>
  events.reduce((sum, e) => sum + (fromClient === undefined || e.fromClient === fromClient ? e.bytes.length : 0), 0);

/** Feeds and closes; checks what must hold whatever the bytes. */
function run(make: (sink: Sink) => Decoder, events: readonly Event[], cut?: (left: number) => number): Watch {
  const watch = new Watch();
  const decoder = make(watch);
  feed(decoder, events, cut);
  decoder.close(lastAt(events), '');
  assert.equal(watch.open.size, 0, 'every opened exchange is closed after close()');
  assert.ok(watch.bytesOut <= size(events, true), 'no more bytes out than were seen');
  assert.ok(watch.bytesIn <= size(events, false), 'no more bytes in than were seen');
  return watch;
}

/** The first `length` bytes of a conversation. */
function prefix(events: readonly Event[], length: number): Event[] {
  const result: Event[] = [];
  for (const event of events) {
    if (length <= 0) break;
    result.push(event.bytes.length <= length ? event : { ...event, bytes: event.bytes.subarray(0, length) });
    length -= event.bytes.length;
  }
  return result;
}

/** All of 1 … n − 1 where that costs at most `budget` bytes, else an even sample. */
function positions(n: number, budget: number): number[] {
  const count = Math.min(n - 1, Math.max(20, Math.floor(budget / n)));
  return Array.from({ length: count }, (_, i) => 1 + Math.floor((i * (n - 1)) / count));
}

function mutate(events: readonly Event[], random: (below: number) => number): Event[] {
  return events.flatMap((event) => {
    if (random(3) > 0) return [event];
    const bytes = event.bytes.slice();
    const at = random(bytes.length);
    const span = 1 + random(Math.min(40, bytes.length - at));
    switch (random(6)) {
      case 0: // other bytes
        for (let i = at; i < at + span; i++) bytes[i] = random(256);
        return [{ ...event, bytes }];
      case 1: // one other byte
        bytes[at] = random(256);
        return [{ ...event, bytes }];
      case 2: // some left out
        return [{ ...event, bytes: Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + span)) }];
      case 3: // some twice
        return [{ ...event, bytes: Uint8Array.of(...bytes.subarray(0, at + span), ...bytes.subarray(at)) }];
      case 4: // the event left out
        return [];
      default: // from the other side
        return [{ ...event, fromClient: !event.fromClient }];
    }
  });
}

const randomBytes = (length: number, random: (below: number) => number): Uint8Array =>
  Uint8Array.from({ length }, () => random(256));

let collect: (() => void) | undefined;

/** Bytes held on the heap and beside it, after a collection. */
export function heldBytes(): number {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const counting = () => {
  const counts = { opened: 0, closed: 0 };
  const sink: Sink = { opened: () => counts.opened++, closed: () => counts.closed++ };
  return { counts, sink };
};

/** Recordings that hold another protocol than their folder says. */
const mislabelled: Record<string, string> = { 'http2-grpc/deepflow__istio-tcp-frag.pcap 0': 'http' };

/** TLS: a ClientHello's and a ServerHello's first bytes. */
const tls: Event[] = eventsOf([
  ['c', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x9a\x81\x0d\x0a\x0d\x0a\x00\x20*1\r\nGET / HTTP/1.1\r\n'],
  ['s', '\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03\x0a\x0d+OK\r\nHTTP/1.1 200 OK\r\n'],
]);

/**
 * Registers the contract's tests for one protocol.
 * @param folder of src/protocols/ and of test/corpora/
 * @param all every protocol, in the order in which they are asked
 */
export async function checkContract(
  protocol: Protocol,
  folder: string,
  all: readonly Protocol[],
  unknown: Protocol,
): Promise<void> {
  const made = new URL(`./${folder}/samples.ts`, import.meta.url);
  const { samples = {}, long = {} }: Samples = existsSync(made) ? ((await import(made.href)) as Samples) : {};
  const conversations: Recorded[] = [
    ...Object.entries(samples).map(([name, sample]) => ({ name, fromSyn: true, events: eventsOf(sample) })),
    ...recordedIn(folder),
  ];
  const observe = (sink: Sink) => new Conversation(sink, all, unknown);
  const decode = (sink: Sink) => protocol.decode(sink);
  const named = (claim: string) => `${protocol.name}: ${claim}`;
  const claims = protocol !== unknown;

  test(named('recorded conversations give the golden exchanges'), () => {
    const text: string[] = [];
    for (const { name, fromSyn, events } of conversations) {
      const watch = new Watch();
      const conversation = observe(watch);
      feed(conversation, events);
      conversation.close(lastAt(events), '');
      assert.equal(watch.open.size, 0, name);
      const say = [`## ${name}${fromSyn ? '' : ' joined'} → ${conversation.protocol}`];
      if (conversation.lost) say.push('lost');
      text.push(say.join(' '), ...watch.exchanges.map(line), '');
    }
    const file = new URL(`${folder}/exchanges.txt`, corporaUrl);
    const got = `${text.join('\n')}`;
    if (process.env['UPDATE_GOLDENS']) writeFileSync(file, got);
    assert.equal(got, existsSync(file) ? readFileSync(file, 'utf8') : '', `${file.pathname} differs`);
  });

  test(named('what is reported does not depend on the cuts'), () => {
    const random = randomFrom(1);
    for (const { name, events } of conversations) {
      for (const make of [observe, decode]) {
        const expected = run(make, events).log;
        const same = (what: string, cut: (left: number) => number) =>
          assert.deepEqual(run(make, events, cut).log, expected, `${name}: ${what}`);
        same('1-byte chunks', () => 1);
        const total = size(events);
        for (const at of positions(total, 3e6)) {
          let seen = 0;
          same(`cut at ${at}`, (left) => {
            const next = seen < at && seen + left > at ? at - seen : left;
            seen += next;
            return next;
          });
        }
        const rounds = Math.max(3, Math.min(30, Math.floor(2e6 / total)));
        for (let i = 0; i < rounds; i++) same(`random cuts ${i}`, () => 1 + random(i % 2 ? 17 : 300));
      }
    }
  });

  test(named('any prefix closes what it opened'), () => {
    for (const { events } of conversations)
      for (const length of positions(size(events) + 1, 3e6)) run(decode, prefix(events, length));
  });

  test(named('recognition is final and needs no certain chunks'), () => {
    for (const { name, events } of conversations) {
      const sides: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
      let before = 'more';
      for (const { fromClient, bytes } of events) {
        const side = fromClient ? 0 : 1;
        const known = sides[side];
        const room = Math.min(bytes.length, 4096 - known.length);
        const joined = Uint8Array.of(...known, ...bytes.subarray(0, room));
        for (let length = known.length + 1; length <= joined.length; length++) {
          sides[side] = joined.subarray(0, length);
          const answer = protocol.recognise(sides[0], sides[1]);
          if (before !== 'more') assert.equal(answer, before, `${name}: changed its mind at ${length}`);
          before = answer;
        }
        sides[side] = joined;
        if (before !== 'more') break; // nobody asks again
      }
    }
  });

  test(named('joining in the middle invents no error'), () => {
    for (const { name, events } of conversations) {
      const full = new Set(run(observe, events).exchanges.map(({ error }) => error));
      full.add('').add('closed');
      const step = Math.max(1, Math.floor(events.length / 60));
      for (let k = 1; k < events.length; k += step) {
        for (const make of [observe, decode]) {
          for (const { error } of run(make, events.slice(k)).exchanges)
            assert.ok(full.has(error), `${name} from event ${k}: error ${error}`);
        }
      }
    }
  });

  test(named('mutated conversations never throw, whatever their cuts'), () => {
    const random = randomFrom(2);
    for (const { name, events } of conversations) {
      const rounds = Math.max(5, Math.min(60, Math.floor(1e6 / size(events))));
      for (let i = 0; i < rounds; i++) {
        const mutated = mutate(events, random);
        for (const make of [observe, decode]) {
          const { log } = run(make, mutated);
          assert.deepEqual(run(make, mutated, () => 1 + random(i % 2 ? 200 : 9)).log, log, `${name}: mutation ${i}`);
        }
      }
    }
  });

  test(named('random bytes never throw, are not claimed, are not kept'), () => {
    const random = randomFrom(3);
    for (let i = 0; i < 2000; i++) {
      const client = randomBytes(1 + random(64), random);
      const server = randomBytes(random(64), random);
      if (claims) assert.notEqual(protocol.recognise(client, server), 'yes', Buffer.from(client).toString('hex'));
      run(
        decode,
        eventsOf([
          ['c', client],
          ['s', server],
          ['c', server],
          ['s', client],
        ]),
      );
    }
    const noise = randomBytes(65536, random);
    const opening = conversations[0]?.events ?? [];
    for (const start of [[], opening, opening.slice(0, 1)]) {
      const { sink } = counting();
      const decoder = protocol.decode(sink);
      feed(decoder, start);
      const before = heldBytes();
      for (let i = 0; i < 256; i++) {
        const chunk = noise.subarray(random(1000));
        if (random(2)) decoder.client(chunk, i);
        else decoder.server(chunk, i);
      }
      assert.ok(heldBytes() - before < 4e6, `keeps ${heldBytes() - before} B of noise`);
      decoder.close(0, '');
    }
  });

  test(named('requests without end and without answers are held in bounded memory'), () => {
    const { sink, counts } = counting();
    const decoder = protocol.decode(sink);
    const first = conversations.find(({ fromSyn, events }) => fromSyn && events.some((e) => e.fromClient));
    if (!first) return;
    const requests = first.events.filter((event) => event.fromClient);
    const bytes = Uint8Array.of(...requests.flatMap((event) => [...event.bytes]));
    const many = Buffer.concat(Array.from({ length: Math.ceil(65536 / bytes.length) }, () => bytes));
    const before = heldBytes();
    for (let fed = 0; fed < 32e6; fed += many.length) decoder.client(many, 0);
    assert.ok(heldBytes() - before < 48e6, `holds ${heldBytes() - before} B`);
    decoder.close(0, '');
    assert.equal(counts.closed, counts.opened);
  });

  for (const [name, { before, from, piece, times, after, exchanges }] of Object.entries(long)) {
    test(named(`${name}: ${Math.round((piece.length * times) / 2 ** 20)} MiB in flat memory`), () => {
      const { sink, counts } = counting();
      const decoder = protocol.decode(sink);
      feed(decoder, eventsOf(before));
      const held = heldBytes();
      for (let i = 0; i < times; i++) {
        if (from === 'c') decoder.client(piece, i);
        else decoder.server(piece, i);
      }
      assert.ok(heldBytes() - held < 2e6, `holds ${heldBytes() - held} B`);
      feed(decoder, eventsOf(after));
      assert.equal(decoder.lost, false);
      if (claims) assert.equal(decoder.idle, true);
      decoder.close(times, '');
      assert.deepEqual(counts, { opened: exchanges, closed: exchanges });
    });
  }

  if (!claims) return;
  test(named('does not claim what other protocols say, nor TLS'), () => {
    const foreign = corpusFolders().filter((other) => other !== folder);
    // In a recording of HTTP is a connection that is PostgreSQL's own: its SSLRequest, then TLS.
    const isOwn = ({ events: [first] }: Recorded) =>
      protocol.name === 'postgresql' && first && Buffer.from(first.bytes).toString('hex') === '0000000804d2162f';
    const others = foreign.flatMap((other) =>
      recordedIn(other)
        .filter((r) => !isOwn(r))
        .map((r) => ({ ...r, name: `${other}/${r.name}` })),
    );
    for (const { name, events } of [...others, { name: 'TLS', events: tls }]) {
      if (mislabelled[name] === protocol.name) continue;
      for (const from of [0, 1, 2]) {
        for (const cut of [() => 1, () => 1e9]) {
          const conversation = new Conversation(counting().sink, [protocol], unknown);
          feed(conversation, prefix(events.slice(from), 9000), cut);
          conversation.close(0, '');
          assert.notEqual(conversation.protocol, protocol.name, `${name} from event ${from}`);
        }
      }
    }
  });
}
