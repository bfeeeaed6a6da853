// The same requests and clients under another tracer, which a preload of peers/ has started: how many of the operations
// that it shows are on the right request. Prints a line of JSON a form.
//   node --require peers/<name>.cjs peer.cjs <client> <forms> <requests> <at once> <pool's size> <ports as JSON>

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { clients } from './clients/all.ts';
import { doAll, quiet } from './work.ts';

declare const peer: {
  onSpan(fn: (trace: string, text: string) => void): void;
  begin(work: (trace: string) => Promise<unknown>): Promise<unknown>;
};

const [, , clientName, formsText, requestText, atOnceText, sizeText, portsText] = process.argv;
const file = join(process.env['BENCH_DIR'] ?? '.', 'functions.cjs');

const requestOf = new Map<string, number>();
/** What its spans say, a count for each of "its trace's request, the tag". */
let total = 0;
let counts: Record<string, number> = {};
const add = (word: string) => {
  counts[word] = (counts[word] ?? 0) + 1;
};

peer.onSpan((trace, text) => {
  const tag = /own[:.](\d+)\.\w+/.exec(text);
  if (!tag) return;
  total++;
  const request = requestOf.get(trace);
  add(request === undefined ? 'rootNone' : request === Number(tag[1]) ? 'rootRight' : 'rootWrong');
});

async function main() {
  // Some clients' timers and idle connections keep no process.
  setInterval(() => {}, 1_000);
  const setup = clients[clientName];
  const client = await setup.open(JSON.parse(portsText), Number(sizeText));
  const functions = createRequire(file)(file)(client.ask, client.askBack, client.askWrong, client.askLate);
  client.onMessage?.(functions.handled);
  const requests = Number(requestText);
  const begin = (id: number, work: () => Promise<unknown>) =>
    peer.begin((trace) => {
      requestOf.set(trace, id);
      return work();
    });
  let first = 0;
  for (const form of formsText.split(',')) {
    counts = {};
    total = 0;
    const errors = await doAll(first, requests, Number(atOnceText), begin, functions[form]);
    await quiet(() => total, requests * 4 * (setup.operations ?? 1));
    first += requests;
    console.log(`RESULT ${JSON.stringify({ form, total, ...counts, errors })}`);
  }
  process.exit(0);
}

main();
