// memcached's text protocol with its meta commands (https://github.com/memcached/memcached/blob/master/doc/protocol.txt):
//
//   get a b\r\n                VALUE a 0 5\r\nhello\r\nEND\r\n
//   set a 0 60 5\r\nhello\r\n  STORED\r\n
//   mg a v q\r\nmn\r\n         (nothing when there is no a) MN\r\n

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Recognition, type Sink } from '../decoder.ts';
import { InFlight } from '../in-flight.ts';
import { nameWithKey } from '../names/key.ts';

/** How the answer ends, and what stands in the request's line. */
type Form = 'values' | 'store' | 'line' | 'stats' | 'meta' | 'metaStore' | 'none' | 'watch';

interface Command {
  readonly name: string;
  readonly form: Form;
  /** The word that is a key; 0 = none. */
  readonly key: number;
  /** Fewest words. */
  readonly words: number;
  /** Words from 1 on that are numbers, by place. */
  readonly numbers: readonly number[];
}

const commands = new Map<string, Command>();
const command = (names: string, form: Form, key: number, words: number, numbers: readonly number[] = []) => {
  for (const name of names.split(' ')) commands.set(name, { name, form, key, words, numbers });
};
command('get gets', 'values', 1, 2);
command('gat gats', 'values', 2, 3, [1]);
command('set add replace append prepend', 'store', 1, 5, [2, 3, 4]);
command('cas', 'store', 1, 6, [2, 3, 4, 5]);
command('incr decr touch', 'line', 1, 3, [2]);
command('delete', 'line', 1, 2);
command('stats', 'stats', 0, 1);
command(
  'flush_all version verbosity cache_memlimit slabs lru lru_crawler refresh_certs extstore misbehave',
  'line',
  0,
  1,
);
command('mg md ma me', 'meta', 1, 2);
command('ms', 'metaStore', 1, 3, [2]);
command('mn', 'meta', 0, 1);
command('quit shutdown', 'none', 0, 1);
command('watch', 'watch', 0, 1);

const LF = 10;
const CR = 13;
const longestLine = 2048;
const mostWords = 24;
const mostPending = 50_000;

/** 'yes' when bytes begin with a command's line. */
export function textRequest(bytes: Uint8Array): Recognition {
  let name = '';
  let at = 0;
  for (; at < bytes.length && at < 16; at++) {
    const byte = bytes[at] as number;
    if (!((byte >= 97 && byte <= 122) || byte === 95)) break;
    name += String.fromCharCode(byte);
  }
  if (at === bytes.length) {
    for (const known of commands.keys()) if (known.startsWith(name)) return 'more';
    return 'no';
  }
  if (!commands.has(name)) return 'no';
  const end = bytes.indexOf(LF, at);
  const to = end < 0 ? bytes.length : end;
  for (; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte < 32 && !(byte === CR && at === to - 1)) return 'no';
  }
  if (end < 0) return bytes.length >= 4096 ? 'yes' : 'more';
  const line = new Line();
  line.split(bytes, 0, to);
  return parse(line) ? 'yes' : 'no';
}

/** 'yes' when bytes are what only a memcached server says: seen when joined in the middle. */
export function textAnswer(bytes: Uint8Array): Recognition {
  let text = '';
  for (let i = 0; i < bytes.length && i < 300; i++) text += String.fromCharCode(bytes[i] as number);
  if (/^(STORED|NOT_STORED)\r\n|^VALUE [!-~]{1,250} \d{1,10} \d{1,10}( \d{1,20})?\r\n/.test(text)) return 'yes';
  if (/^(STORED|NOT_STORED)/.test(text)) return text.length < 12 ? 'more' : 'no';
  if (/^VALUE [ -~]*\r?$/.test(text) && text.length < 300) return 'more';
  for (const word of ['STORED\r\n', 'NOT_STORED\r\n', 'VALUE ', 'END\r\n'])
    if (word.startsWith(text) || text === 'END\r\n') return 'more';
  return 'no';
}

/** A line's words, as offsets. */
class Line {
  bytes: Uint8Array = new Uint8Array(0);
  words = 0;
  readonly from = new Int32Array(mostWords);
  readonly to = new Int32Array(mostWords);
  noreply = false;

  split(bytes: Uint8Array, from: number, to: number): void {
    if (to > from && bytes[to - 1] === CR) to--;
    this.bytes = bytes;
    this.words = 0;
    let at = from;
    while (at < to) {
      while (at < to && bytes[at] === 32) at++;
      if (at === to || this.words === mostWords) break;
      this.from[this.words] = at;
      while (at < to && bytes[at] !== 32) at++;
      this.to[this.words++] = at;
    }
    this.noreply = to - from > 8 && this.is(to - 7, to, 'noreply') && bytes[to - 8] === 32;
  }

  is(from: number, to: number, word: string): boolean {
    if (to - from !== word.length) return false;
    for (let i = 0; i < word.length; i++) if (this.bytes[from + i] !== word.charCodeAt(i)) return false;
    return true;
  }

  wordIs(word: number, text: string): boolean {
    return word < this.words && this.is(this.from[word] as number, this.to[word] as number, text);
  }

  text(word: number): string {
    let text = '';
    if (word < this.words)
      for (let i = this.from[word] as number; i < (this.to[word] as number); i++)
        text += String.fromCharCode(this.bytes[i] as number);
    return text;
  }

  /** A word as a whole number; -1 when it is none. */
  number(word: number): number {
    if (word >= this.words) return -1;
    const from = this.from[word] as number;
    const to = this.to[word] as number;
    if (to - from > 20 || to === from) return -1;
    let number = 0;
    for (let i = from; i < to; i++) {
      const digit = (this.bytes[i] as number) - 48;
      if (digit === -3 && i === from && to - from > 1) continue; // a negative time
      if (digit < 0 || digit > 9) return -1;
      number = number * 10 + digit;
    }
    return number;
  }

  /** The flag of a meta command that begins with `letter`: its word, 0 when there is none. */
  flag(letter: number): number {
    for (let word = 1; word < this.words; word++) if (this.bytes[this.from[word] as number] === letter) return word;
    return 0;
  }
}

/** The command of a line; undefined when the line is none. */
function parse(line: Line): Command | undefined {
  if (line.words === 0 || (line.to[0] as number) - (line.from[0] as number) > 16) return undefined;
  const found = commands.get(line.text(0));
  if (!found || line.words < found.words) return undefined;
  for (const word of found.numbers) if (line.number(word) < 0) return undefined;
  if (found.key > 0 && (line.to[found.key] as number) - (line.from[found.key] as number) > 400) return undefined;
  return found;
}

/** A quiet meta command does not say this. */
function isSilent(name: string, word: string): boolean {
  if (word === 'MN' || word === 'ME') return true;
  return name === 'mg' ? word === 'EN' : word === 'HD' || (word === 'NF' && name !== 'ms');
}

class Asked extends Exchange {
  readonly name: string;
  readonly form: Form;
  /** May stay without an answer. */
  quiet = false;
  opaque = '';
  constructor(name: string, form: Form) {
    super(Kind.client);
    this.name = name;
    this.form = form;
  }
}

/** Lines of one direction and the data blocks between them. */
class Lines {
  readonly line = new Line();
  /** Bytes of a data block still to come, its CRLF included. */
  left = 0;
  startedAt = 0;
  /** Bytes of the line in chunks before. */
  held = 0;
  private readonly kept = new Uint8Array(longestLine);
  private length = 0;
  private cut = false;
  private begun = false;

  get atBorder(): boolean {
    return this.left === 0 && !this.begun;
  }

  restart(): void {
    this.left = 0;
    this.length = 0;
    this.cut = false;
    this.begun = false;
    this.held = 0;
  }

  /** Reads from bytes[at] to the end of a line: the offset after it, or -1 when it goes on. */
  read(bytes: Uint8Array, at: number, time: number): number {
    if (!this.begun) {
      this.begun = true;
      this.startedAt = time;
      this.held = 0;
    }
    const end = bytes.indexOf(LF, at);
    const to = end < 0 ? bytes.length : end;
    if (end >= 0 && this.length === 0 && !this.cut && end - at <= longestLine) this.line.split(bytes, at, end);
    else {
      const room = longestLine - this.length;
      if (to - at > room) this.cut = true;
      const take = Math.min(room, to - at);
      this.kept.set(bytes.subarray(at, at + take), this.length);
      this.length += take;
      if (end < 0) {
        this.held += bytes.length - at;
        return -1;
      }
      this.line.split(this.kept, 0, this.length);
      this.length = 0;
      this.cut = false;
    }
    this.begun = false;
    return end + 1;
  }
}

export class Text implements Decoder {
  lost = false;
  private readonly sink: Sink;
  private readonly flight: InFlight<Asked>;
  private readonly out = new Lines();
  private readonly in = new Lines();
  /** Whose data block is being sent. */
  private asking: Asked | undefined = undefined;
  private askingQuiet = false;
  /** Whose answer is being received; undefined for one that answers nothing seen. */
  private answering: Asked | undefined = undefined;
  private asked = false;
  private clientQuiet = false;
  private serverQuiet = false;
  private over = false;
  /** An answer's data block is being received; it is the last of its answer. */
  private lastBlock = false;

  constructor(sink: Sink) {
    this.sink = sink;
    this.flight = new InFlight(sink);
  }

  get idle(): boolean {
    return (
      !this.lost && !this.over && this.flight.length === 0 && !this.asking && this.out.atBorder && this.in.atBorder
    );
  }

  client(bytes: Uint8Array, at: number): void {
    if (this.lost || this.over || this.clientQuiet) return;
    const { out } = this;
    let i = 0;
    while (i < bytes.length) {
      if (out.left > 0) {
        const take = Math.min(out.left, bytes.length - i);
        out.left -= take;
        i += take;
        const { asking } = this;
        if (asking) {
          asking.bytesOut += take;
          asking.lastOut = at;
        }
        if (out.left === 0) this.sent();
        continue;
      }
      const from = i;
      const next = out.read(bytes, i, at);
      if (next < 0) return;
      i = next;
      if (!this.request(out.held + next - from, at)) {
        if (this.asked) {
          this.lose();
          return;
        }
        // Joined in the middle of a data block: the next command begins after an answer.
        this.clientQuiet = true;
        out.restart();
        return;
      }
    }
  }

  server(bytes: Uint8Array, at: number): void {
    if (this.lost || this.over || this.serverQuiet) return;
    const lines = this.in;
    let i = 0;
    while (i < bytes.length) {
      if (lines.left > 0) {
        const take = Math.min(lines.left, bytes.length - i);
        lines.left -= take;
        i += take;
        this.count(take, at);
        if (lines.left === 0 && this.lastBlock) {
          this.lastBlock = false;
          this.answered();
        }
        continue;
      }
      const from = i;
      const next = lines.read(bytes, i, at);
      if (next < 0) return;
      i = next;
      if (!this.answer(lines.held + next - from, at)) {
        if (this.flight.length > 0) {
          this.lose();
          return;
        }
        // Joined in the middle of a value: the next answer begins after the next command.
        this.serverQuiet = true;
        lines.restart();
        return;
      }
      if (this.over) return;
    }
  }

  close(_at: number, error: string): void {
    this.closeAll(error || 'closed');
  }

  private closeAll(error: string): void {
    const { asking } = this;
    this.flight.closeAll(error, error);
    // A command without an answer whose data block was cut short.
    if (asking && this.askingQuiet) this.sink.closed(asking);
    this.asking = undefined;
  }

  private lose(): void {
    this.lost = true;
    this.closeAll('');
  }

  private request(bytes: number, at: number): boolean {
    const { line, startedAt } = this.out;
    if (line.words === 0) return this.asked;
    const found = parse(line);
    if (!found) return false;
    if (this.flight.length >= mostPending) return false;
    this.asked = true;
    if (this.serverQuiet) {
      this.serverQuiet = false;
      this.in.restart();
    }
    const { form } = found;
    const asked = new Asked(found.name, form);
    asked.operation = found.name;
    const meta = form === 'meta' || form === 'metaStore';
    if (found.key > 0) {
      const encoded = meta && line.flag(98) > 0; // b: the key is base64
      const from = line.from[found.key] as number;
      if (encoded) asked.operation = `${found.name} ?`;
      else asked.operation = nameWithKey(found.name, line.bytes, from, line.to[found.key] as number);
    }
    asked.firstOut = startedAt;
    asked.lastOut = at;
    asked.bytesOut = bytes;
    if (form === 'values' || found.name === 'mg') asked.rows = 0;
    if (meta) {
      asked.quiet = line.flag(113) > 0; // q
      const opaque = line.flag(79); // O
      if (opaque > 0) asked.opaque = line.text(opaque);
    }
    asked.oneWay = form === 'none' || (line.noreply && line.words > found.words && !meta && form !== 'values');
    if (form === 'watch') asked.idle = true;
    this.sink.opened(asked);
    if (!asked.oneWay) this.flight.add(asked);
    this.asking = asked;
    this.askingQuiet = asked.oneWay;
    if (form === 'store') this.out.left = line.number(4) + 2;
    else if (form === 'metaStore') this.out.left = line.number(2) + 2;
    else this.sent();
    return true;
  }

  /** A command was sent in full. */
  private sent(): void {
    const { asking } = this;
    this.asking = undefined;
    if (asking && this.askingQuiet) this.sink.closed(asking);
  }

  private answer(bytes: number, at: number): boolean {
    const { line, startedAt } = this.in;
    const word = line.text(0);
    const meta = /^(HD|VA|EN|NS|EX|NF|MN|ME)$/.test(word);
    if (meta) this.skipQuiet(line, word);
    const { first } = this.flight;
    this.answering = first;
    if (!first) return this.orphan(word);
    if (line.words === 0) return false;
    if (Number.isNaN(first.firstIn)) first.firstIn = startedAt;
    this.count(bytes, at);
    if (word === 'ERROR' || word === 'CLIENT_ERROR' || word === 'SERVER_ERROR') {
      first.error = word;
      this.answered();
      return true;
    }
    switch (first.form) {
      case 'values':
        if (word === 'END') this.answered();
        else {
          const length = line.number(3);
          if (word !== 'VALUE' || length < 0) return false;
          first.rows++;
          this.in.left = length + 2;
        }
        return true;
      case 'stats':
        if (word !== 'STAT' && word !== 'ITEM') this.answered();
        return true;
      case 'meta':
      case 'metaStore': {
        if (!meta) return false;
        if (first.rows >= 0) first.rows = word === 'VA' || word === 'HD' ? 1 : 0;
        if (word !== 'VA') {
          this.answered();
          return true;
        }
        const length = line.number(1);
        if (length < 0) return false;
        this.in.left = length + 2;
        this.lastBlock = true;
        return true;
      }
      case 'watch':
        // From here on the server sends its log.
        this.over = word === 'OK';
        this.answered();
        return true;
      default:
        this.answered();
        return true;
    }
  }

  /** A line that answers nothing seen; joined in the middle. */
  private orphan(word: string): boolean {
    if (word === 'VALUE' || word === 'VA') {
      const length = this.in.line.number(word === 'VA' ? 1 : 3);
      if (length < 0) return false;
      this.in.left = length + 2;
      return true;
    }
    if (!/^[A-Z_]{2,16}$/.test(word)) return false;
    if (word !== 'STAT' && word !== 'ITEM' && this.clientQuiet) {
      this.clientQuiet = false;
      this.out.restart();
    }
    return true;
  }

  /** Closes the quiet commands that this answer passes over. */
  private skipQuiet(line: Line, word: string): void {
    const opaqueAt = line.flag(79);
    const opaque = opaqueAt > 0 ? line.text(opaqueAt) : '';
    let place = 0;
    for (let one = this.flight.first; one; one = this.flight.at(++place)) {
      if (opaque ? one.opaque === opaque : !one.quiet || (!one.opaque && !isSilent(one.name, word))) break;
      if (!one.quiet) return;
    }
    if (place === this.flight.length) return;
    for (; place > 0; place--) this.flight.closeFirst();
  }

  private count(bytes: number, at: number): void {
    const { answering } = this;
    if (!answering) return;
    answering.bytesIn += bytes;
    answering.lastIn = at;
  }

  private answered(): void {
    const { answering } = this;
    this.answering = undefined;
    if (!answering) return;
    if (answering === this.asking) this.asking = undefined;
    this.flight.closeFirst();
  }
}
