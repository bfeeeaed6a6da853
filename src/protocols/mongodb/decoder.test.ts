// What FerretDB's own tests hold of MongoDB's messages and documents (test/corpora/MANIFEST.tsv), and the exchanges that
// packetbeat and deepflow found in the recorded conversations: witnesses that are not ours.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { feed, recordedIn, Watch } from '../contract.ts';
import { type DocumentReader, DocumentReader as Reader, Take } from './bson.ts';
import { mongodb } from './decoder.ts';
import { document } from './samples.ts';
import { Type } from './spec.ts';

/** The bytes of a hex dump as `hexdump -C` writes it. */
function dump(name: string): Uint8Array {
  const text = readFileSync(new URL(`../../../test/corpora/mongodb/ferretdb/${name}.hex`, import.meta.url), 'utf8');
  const digits = text
    .split('\n')
    .map((line) => line.slice(8, 58))
    .join('')
    .replace(/\s/g, '');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** Enters everything; says every element's path. */
function walk(bytes: Uint8Array, cut: number): { paths: string[]; read: number; reader: Reader } {
  const names: string[] = [];
  const paths: string[] = [];
  const reader = new Reader({
    element(doc: DocumentReader) {
      names.length = doc.depth;
      names.push(Buffer.from(doc.name.subarray(0, doc.nameBytes)).toString());
      paths.push(names.join('.'));
      return doc.type === Type.document || doc.type === Type.array ? Take.enter : Take.skip;
    },
    value() {},
  });
  reader.begin(bytes.length);
  let at = 0;
  while (at < bytes.length && !reader.whole && !reader.isBroken)
    at = reader.read(bytes, at, Math.min(bytes.length, at + cut));
  return { paths, read: at, reader };
}

test("FerretDB's documents are read to their last byte, whatever their cuts", () => {
  for (const name of ['wirebson_testdata_all', 'wirebson_testdata_nested', 'wirebson_testdata_handshake1']) {
    const bytes = dump(name);
    for (const cut of [1, 2, 7, bytes.length]) {
      const { read, reader } = walk(bytes, cut);
      assert.deepEqual([reader.isBroken, reader.whole, read], [false, true, bytes.length], `${name} cut by ${cut}`);
    }
  }
  const { paths } = walk(dump('wirebson_testdata_handshake1'), 5);
  assert.deepEqual(
    paths.filter((path) => !path.includes('.')),
    ['ismaster', 'client', 'compression', 'loadBalanced'],
  );
  assert.ok(paths.includes('client.driver.name'), paths.join());
});

test('a document that does not fit its lengths is broken, and is read no further', () => {
  const whole = document({ cursor: { firstBatch: [{ a: 'text' }], id: 9n }, ok: 1 });
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0xff, 0x80, 0]) {
      const bytes = whole.slice();
      bytes[at] = value;
      const { read, reader } = walk(bytes, 3);
      assert.ok(reader.isBroken || reader.whole || read === bytes.length, `byte ${at} = ${value}`);
    }
  }
});

test("FerretDB's recorded buildInfo is one exchange", () => {
  const watch = new Watch();
  const decoder = mongodb.decode(watch);
  const request = [dump('testdata_handshake5_header'), dump('testdata_handshake5_body')];
  const answer = [dump('testdata_handshake6_header'), dump('testdata_handshake6_body')];
  feed(decoder, [
    ...request.map((bytes, at) => ({ fromClient: true, at, bytes })),
    ...answer.map((bytes, at) => ({ fromClient: false, at: 10 + at, bytes })),
  ]);
  const [exchange] = watch.exchanges;
  assert.deepEqual(
    [exchange?.operation, exchange?.namespace, exchange?.error, exchange?.bytesOut, exchange?.bytesIn],
    ['buildInfo', 'admin', '', 0x5c, 0x78b],
  );
  assert.equal(watch.open.size, 0);
  assert.ok(decoder.idle);
});

test('methods, rows and bytes are those that packetbeat and deepflow report', () => {
  const exchanges = (capture: string) => {
    const watch = new Watch();
    for (const { events } of recordedIn('mongodb').filter(({ name }) => name.startsWith(`${capture}.pcap `)))
      feed(mongodb.decode(watch), events);
    return watch.exchanges;
  };
  const [oneRow] = exchanges('packetbeat__mongo_one_row');
  assert.deepEqual([oneRow?.rows, oneRow?.bytesOut, oneRow?.bytesIn], [1, 50, 514]);
  assert.match(oneRow?.operation ?? '', /^find /);
  assert.deepEqual(
    exchanges('packetbeat__mongodb_more_rows').map(({ rows }) => rows),
    [101],
  );
  assert.match(exchanges('packetbeat__mongodb_inserts')[1]?.operation ?? '', /^insert /);
  assert.match(exchanges('packetbeat__mongodb_find')[0]?.operation ?? '', /^find /);
  const [message] = exchanges('deepflow__mongo-msg');
  assert.deepEqual(
    [message?.operation, message?.namespace, message?.error, (message?.lastIn ?? 0) - (message?.firstOut ?? 0)],
    ['find query {name: ?}', 'sky-test', '', 1458],
  );
});
