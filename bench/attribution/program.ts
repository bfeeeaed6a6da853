// One process of the attribution bench: the recorder's own parts, a client set-up, logical requests at once, and a
// count of operations by what was said of their owner. Prints a line of JSON a form.
//   node program.cjs <client> <forms> <requests> <at once> <pool's size> <ports as JSON>

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Kind } from '../../src/model/schema.ts';
import type { Exchange } from '../../src/protocols/decoder.ts';
import { now } from '../../src/recorder/clock.ts';
import { Connection } from '../../src/recorder/connection.ts';
import { endRoot, openRoot, runInRoot, startContexts } from '../../src/recorder/context.ts';
import { addSites, type Frame, runtime, startFrames } from '../../src/recorder/frames.ts';
import { newTrace } from '../../src/recorder/ids.ts';
import type { Operation, Root } from '../../src/recorder/operation.ts';
import { flushOwners, onSettled } from '../../src/recorder/ownership.ts';
import { guessOn, patchFetch } from '../../src/recorder/patch-fetch.ts';
import { askerOn, patchHttp } from '../../src/recorder/patch-http.ts';
import { patchHttp2 } from '../../src/recorder/patch-http2.ts';
import { patchNet } from '../../src/recorder/patch-net.ts';
import { patchStream } from '../../src/recorder/patch-stream.ts';
import { takeBatch } from '../../src/recorder/span-buffer.ts';
import { compile } from '../../src/recorder/transform/compile.ts';
import { insert } from '../../src/recorder/transform/file.ts';
import { placeSites } from '../../src/recorder/transform/text.ts';
import { clients } from './clients/all.ts';
import type { Client } from './clients/client.ts';
import { doAll, quiet } from './work.ts';

const [, , clientName, formsText, requestText, atOnceText, sizeText, portsText] = process.argv;
const here = process.env['BENCH_DIR'] ?? '.';
const withFrames = process.env['BENCH_FRAMES'] !== 'off';

const options = { dir: '', root: here, propagate: 'none', budget: 0, hosts: [], functions: withFrames } as const;
startContexts();
patchStream();
patchNet(options, { askerOn, guessOn });
patchHttp();
patchHttp2(options);
patchFetch();
startFrames();

// The truth travels in the payload. What a decoder says does not depend on where chunks are cut: cut behind each tag,
// the operation that was opened last is the one that carries it, or the next to be opened.
type Told = Operation & { truth?: string | undefined; late?: boolean };
class Truths {
  newest: Told | undefined = undefined;
  /** The next operation's: its decoder opens it behind its head. */
  ahead: string | undefined = undefined;

  tell(tag: string): void {
    const op = this.newest;
    const continues = op !== undefined && Number.isNaN(op.closedAt);
    if (continues && op.truth === undefined) op.truth = tag;
    // One that its decoder opens at once may say it twice.
    else if (!continues || op.truth !== tag || op.late) this.ahead = tag;
  }

  opened(op: Told): void {
    this.newest = op;
    op.truth = this.ahead;
    op.late = this.ahead !== undefined;
    this.ahead = undefined;
  }
}
const truths = new WeakMap<Connection, Truths>();
function truthsOf(connection: Connection): Truths {
  const known = truths.get(connection) ?? new Truths();
  truths.set(connection, known);
  return known;
}
const { written, opened } = Connection.prototype;
Connection.prototype.written = function (bytes, at) {
  let from = 0;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  for (const { 0: tag, index } of text.matchAll(/own:\w+\.\w+:/g)) {
    const to = index + tag.length;
    written.call(this, bytes.subarray(from, to), at);
    from = to;
    truthsOf(this).tell(tag);
  }
  if (from < bytes.length) written.call(this, bytes.subarray(from), at);
};
Connection.prototype.opened = function (exchange: Exchange) {
  opened.call(this, exchange);
  truthsOf(this).opened(exchange.note as Told);
};

const roots = new Map<Root, number>();
let counts: Record<string, number> = {};
const add = (word: string) => {
  counts[word] = (counts[word] ?? 0) + 1;
};
let sorts: Record<string, number> = {};
let total = 0;

/** A frame's function, or that of the named one around it. */
function functionOf(frame: Frame): string {
  let one: Frame | undefined = frame;
  while (one !== undefined && one.site.name === '') one = one.parent;
  return one === undefined ? '' : one.site.name.replace(/^.*[.#]/, '');
}

// gRPC's bytes pass no socket: its service's name is the tag.
const truth = /^own[:.](\w+)\.(\w+?)(?::|\/Get)$/;
/** What is delivered, and that it was taken: no request's. */
const isDelivery = ({ kind, operation }: Exchange) => kind === Kind.consumer || operation === 'ack';

onSettled((op: Told) => {
  const owner = op.root && roots.get(op.root);
  if (isDelivery(op.exchange)) {
    add('deliveries');
    if (owner === undefined) return;
    add('workWrong');
    sample(`${op.exchange.operation} on ${owner}, rule ${op.rule}`);
    return;
  }
  const said = truth.exec(op.truth ?? op.exchange.operation);
  if (!said || op.exchange.setup) return;
  const [, id, name] = said;
  if (id === 'work') {
    handled(op, owner);
    return;
  }
  total++;
  add(`rule.${op.rule}`);
  add(owner === undefined ? 'rootNone' : owner === Number(id) ? 'rootRight' : 'rootWrong');
  if (owner !== Number(id))
    sample(`${said[0]} on ${owner === undefined ? 'none' : 'another'}, rule ${op.rule}, ${op.exchange.operation}`);
  if (!withFrames) return;
  const frame = op.frame as Frame | undefined;
  const found = frame === undefined ? undefined : functionOf(frame);
  add(found === undefined ? 'functionNone' : found === name ? 'functionRight' : 'functionWrong');
  if (found !== name) sample(`${said[0]} in ${found ?? 'none'}, rule ${op.rule}, ${op.exchange.operation}`);
});

/** What the program does with what was delivered is work of its own. */
function handled(op: Told, owner: number | undefined): void {
  add('handled');
  if (owner !== undefined) add('workWrong');
  const isRight = owner === undefined && op.root !== undefined && (!withFrames || op.frame !== undefined);
  if (isRight) add('handledRight');
  else sample(`handled on ${owner ?? 'none'}, rule ${op.rule}, ${op.exchange.operation}`);
}

/** Each sort of mistake a few times. */
function sample(text: string): void {
  const sort = text.replace(/(?<!rule )\d+/g, 'N');
  sorts[sort] = (sorts[sort] ?? 0) + 1;
}

/** The program's source as the transform would load it. */
type Work = (id: number) => Promise<unknown>;
type Handler = Parameters<NonNullable<Client['onMessage']>>[0];
function load(
  file: string,
): (
  ask: Client['ask'],
  askBack: Client['askBack'],
  askWrong: Client['askWrong'],
  askLate: Client['askLate'],
) => Record<string, Work> {
  let code = readFileSync(file, 'utf8');
  if (withFrames) {
    const { insertions, functions } = compile(code, { file: 'functions.cjs', sourceType: 'commonjs' });
    code = placeSites(insert(code, insertions), addSites(functions));
  }
  const module = { exports: {} };
  new Function('module', 'require', code)(module, createRequire(file));
  return module.exports as never;
}

async function main() {
  // Some clients' timers and idle connections keep no process.
  setInterval(() => {}, 1_000);
  void runtime;
  const setup = clients[clientName];
  const client = await setup.open(JSON.parse(portsText), Number(sizeText));
  const functions = load(join(here, 'functions.cjs'))(client.ask, client.askBack, client.askWrong, client.askLate);
  client.onMessage?.(functions['handled'] as unknown as Handler);
  const requests = Number(requestText);
  const begin = async (id: number, work: () => Promise<unknown>) => {
    const root = openRoot({ trace: newTrace(), parent: undefined, request: true, start: now() });
    roots.set(root, id);
    try {
      await runInRoot(root, work, undefined, []);
    } finally {
      endRoot(root, now());
    }
  };
  let first = 0;
  for (const form of formsText.split(',')) {
    counts = {};
    sorts = {};
    total = 0;
    const started = now();
    const errors = await doAll(first, requests, Number(atOnceText), begin, functions[form]);
    const tookNs = now() - started;
    const expected = requests * 4 * (setup.operations ?? 1);
    const isCounted = form !== 'adversarial' && form !== 'lost';
    await quiet(() => total, isCounted ? expected : Number.POSITIVE_INFINITY);
    flushOwners();
    takeBatch(0, 1);
    first += requests;
    const perSecond = Math.round(total / (tookNs / 1e9));
    console.log(`RESULT ${JSON.stringify({ form, total, expected, perSecond, ...counts, sorts, errors })}`);
  }
  await client.close?.();
  process.exit(0);
}

main();
