// One process of the attribution bench: the recorder's own parts, a client set-up, logical requests at once, and a
// count of operations by what was said of their owner. Prints one line of JSON.
//   node program.cjs <client> <form> <requests> <at once> <ports as JSON>

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
import { patchNet } from '../../src/recorder/patch-net.ts';
import { takeBatch } from '../../src/recorder/span-buffer.ts';
import { compile } from '../../src/recorder/transform/compile.ts';
import { insert } from '../../src/recorder/transform/file.ts';
import { placeSites } from '../../src/recorder/transform/text.ts';
import { type Ask, clients } from './clients.ts';

const [, , clientName, form, requestText, atOnceText, portsText] = process.argv;
const here = process.env['BENCH_DIR'] ?? '.';
const withFrames = process.env['BENCH_FRAMES'] !== 'off';

const options = { dir: '', root: here, propagate: 'none', budget: 0, hosts: [], functions: withFrames } as const;
startContexts();
patchNet(options, { askerOn, guessOn });
patchHttp();
patchFetch();
startFrames();

// The truth travels in the payload: read it from the bytes that a request was decoded from.
type Told = Operation & { truth?: string };
let tags: string[] = [];
const newest = new WeakMap<Connection, Told>();
const { written, opened } = Connection.prototype;
Connection.prototype.written = function (bytes, at) {
  tags =
    bytes instanceof Uint8Array
      ? (Buffer.from(bytes)
          .toString('latin1')
          .match(/own:\d+\.\w+:/g) ?? [])
      : [];
  written.call(this, bytes, at);
  // A request in several chunks: its payload comes after what it was opened by.
  const op = newest.get(this);
  if (tags.length > 0 && op !== undefined) op.truth ??= tags[0];
  tags = [];
};
Connection.prototype.opened = function (exchange: Exchange) {
  opened.call(this, exchange);
  const op = exchange.note as Told;
  newest.set(this, op);
  const tag = tags.shift();
  if (tag !== undefined) op.truth = tag;
};

const roots = new Map<Root, number>();
const counts: Record<string, number> = {};
const add = (word: string) => {
  counts[word] = (counts[word] ?? 0) + 1;
};
const samples: string[] = [];
let total = 0;

onSettled((op: Told) => {
  const said = op.truth?.match(/^own:(\d+)\.(\w+):$/);
  if (!said || op.exchange.kind !== Kind.client || op.exchange.setup) return;
  total++;
  const [, id, name] = said;
  const owner = op.root && roots.get(op.root);
  add(`rule.${op.rule}`);
  add(owner === undefined ? 'rootNone' : owner === Number(id) ? 'rootRight' : 'rootWrong');
  if (owner !== undefined && owner !== Number(id) && samples.length < 5)
    samples.push(`${op.truth} on ${owner} rule ${op.rule}`);
  const frame = op.frame as Frame | undefined;
  if (!withFrames) return;
  add(frame === undefined ? 'functionNone' : frame.site.name === name ? 'functionRight' : 'functionWrong');
  if (frame !== undefined && frame.site.name !== name && samples.length < 10)
    samples.push(`${op.truth} in ${frame.site.name} rule ${op.rule}`);
});

/** The program's source as the transform would load it. */
function load(file: string): (ask: Ask, askBack: unknown) => Record<string, (id: number) => Promise<void>> {
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
  void runtime;
  const client = await clients[clientName](JSON.parse(portsText));
  const functions = load(join(here, 'functions.cjs'))(client.ask, client.askBack);
  const work = functions[form];
  const requests = Number(requestText);
  let next = 0;
  const errors = new Set<string>();
  const started = now();
  await new Promise<void>((resolve) => {
    let open = 0;
    const step = () => {
      while (open < Number(atOnceText) && next < requests) {
        const id = next++;
        open++;
        const root = openRoot({ trace: newTrace(), parent: undefined, request: true, start: now() });
        roots.set(root, id);
        const done = () => {
          endRoot(root, now());
          open--;
          if (open === 0 && next >= requests) resolve();
          else setImmediate(neutralStep);
        };
        runInRoot(
          root,
          () =>
            work(id).then(done, (error: Error) => {
              errors.add(error.message);
              done();
            }),
          undefined,
          [],
        );
      }
    };
    const neutralStep = step;
    step();
  });
  const tookNs = now() - started;
  await new Promise((resolve) => setTimeout(resolve, 50));
  flushOwners();
  takeBatch(0, 1);
  console.log(
    JSON.stringify({
      total,
      expected: requests * 4,
      perSecond: Math.round(total / (tookNs / 1e9)),
      ...counts,
      samples,
      errors: [...errors],
    }),
  );
  await client.close?.();
  process.exit(0);
}

main();
