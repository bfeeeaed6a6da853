// Conversations for the contract, made by hand: what no recording holds.

import type { LongSample, Sample } from '../contract.ts';
import { MsgFlag, Op } from './spec.ts';

type Value = string | number | boolean | null | bigint | Uint8Array | Value[] | { [name: string]: Value };

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const int32 = (...values: number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setInt32(4 * i, value, true);
  });
  return new Uint8Array(view.buffer);
};
const cstring = (text: string): Uint8Array => bytes(`${text}\0`);

function float(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return new Uint8Array(view.buffer);
}

function element(name: string, value: Value): Uint8Array {
  const of = (type: number, ...parts: Uint8Array[]) => join([Uint8Array.of(type), cstring(name), ...parts]);
  if (value === null) return of(0x0a);
  if (typeof value === 'string') return of(0x02, int32(bytes(value).length + 1), cstring(value));
  if (typeof value === 'boolean') return of(0x08, Uint8Array.of(value ? 1 : 0));
  if (typeof value === 'bigint') return of(0x12, int32(Number(value & 0x7fffffffn), Number(value >> 32n)));
  if (typeof value === 'number') return Number.isInteger(value) ? of(0x10, int32(value)) : of(0x01, float(value));
  if (value instanceof Uint8Array) return of(0x05, int32(value.length), Uint8Array.of(0), value);
  return of(Array.isArray(value) ? 0x04 : 0x03, document(value));
}

export function document(value: { [name: string]: Value } | Value[]): Uint8Array {
  const body = join(Object.entries(value).map(([name, one]) => element(name, one)));
  return join([int32(body.length + 5), body, Uint8Array.of(0)]);
}

const message = (opcode: number, id: number, responseTo: number, ...body: Uint8Array[]): Uint8Array => {
  const all = join(body);
  return join([int32(all.length + 16, id, responseTo, opcode), all]);
};

/** OP_MSG with one section. */
export const msg = (id: number, responseTo: number, value: { [name: string]: Value }, flags = 0): Uint8Array =>
  message(Op.msg, id, responseTo, int32(flags), Uint8Array.of(0), document(value));

const sequence = (name: string, ...documents: { [name: string]: Value }[]): Uint8Array => {
  const body = join([cstring(name), ...documents.map(document)]);
  return join([Uint8Array.of(1), int32(body.length + 4), body]);
};

const query = (id: number, collection: string, value: { [name: string]: Value }): Uint8Array =>
  message(Op.query, id, 0, int32(4), cstring(collection), int32(0, -1), document(value));

const reply = (id: number, responseTo: number, flags: number, ...documents: { [name: string]: Value }[]): Uint8Array =>
  message(Op.reply, id, responseTo, int32(flags, 0, 0, 0, documents.length), ...documents.map(document));

const $db = 'app';
const ok = 1.5 - 0.5;
const lsid = { id: Uint8Array.from({ length: 16 }, (_, i) => i) };
const secret = 'secret-value';
const failed = (code: number, codeName: string) => ({ ok: 0, errmsg: secret, code, codeName });

export const samples: Record<string, Sample> = {
  'a driver opens a connection, authenticates, works and leaves': [
    ['c', query(1, 'admin.$cmd', { isMaster: 1, helloOk: true, client: { driver: { name: 'nodejs' } } })],
    ['s', reply(101, 1, 8, { ismaster: true, ok })],
    ['c', msg(2, 0, { saslStart: 1, mechanism: 'SCRAM-SHA-256', payload: bytes('n,,n=jane,r=secret'), $db: 'admin' })],
    ['s', msg(102, 2, { conversationId: 1, done: false, payload: bytes('r=secret'), ok })],
    ['c', msg(3, 0, { saslContinue: 1, conversationId: 1, payload: bytes('p=secret'), $db: 'admin' })],
    ['s', msg(103, 3, failed(18, 'AuthenticationFailed'))],
    [
      'c',
      msg(4, 0, { find: 'pins', filter: { user_id: 7, 'address.city': secret, state: { $in: [1, 2] } }, lsid, $db }),
    ],
    ['s', msg(104, 4, { cursor: { firstBatch: [{ ok: 0, code: 4711 }, { n: 2 }], id: 9n, ns: 'app.pins' }, ok })],
    ['c', msg(5, 0, { getMore: 9n, collection: 'pins', batchSize: 2, lsid, $db })],
    ['s', msg(105, 5, { cursor: { nextBatch: [{ n: 3 }, { n: 4 }, { n: 5 }], id: 0n, ns: 'app.pins' }, ok })],
    ['c', msg(6, 0, { endSessions: [lsid], $db: 'admin' })],
    ['s', msg(106, 6, { ok })],
  ],
  'commands and what they are called': [
    ['c', msg(1, 0, { insert: 'pins', documents: [{ title: secret }], ordered: true, $db })],
    ['s', msg(101, 1, { n: 1, ok })],
    [
      'c',
      msg(2, 0, { update: 'pins', updates: [{ q: { _id: secret }, u: { $set: { a: 1 } } }, { q: { b: 1 } }], $db }),
    ],
    ['s', msg(102, 2, { n: 1, nModified: 1, ok })],
    ['c', msg(3, 0, { delete: 'pins', deletes: [{ q: {}, limit: 0 }], $db })],
    ['s', msg(103, 3, { n: 5, ok: 1 })],
    [
      'c',
      msg(4, 0, { aggregate: 'pins', pipeline: [{ $match: { a: 1, $or: [] } }, { $group: { _id: secret } }], $db }),
    ],
    ['s', msg(104, 4, { cursor: { firstBatch: [], id: 0n }, ok: true })],
    ['c', msg(5, 0, { distinct: 'pins', key: 'tag', query: { a: 1, b: 2, c: 3, d: 4, e: 5 }, $db })],
    ['s', msg(105, 5, { values: [secret, secret], ok })],
    ['c', msg(6, 0, { explain: { find: 'events_2024', filter: { 'items.0.sku': 1 } }, verbosity: 'x', $db })],
    ['s', msg(106, 6, { queryPlanner: { ok: 0 }, ok })],
    ['c', msg(7, 0, { createUser: 'jane.doe', pwd: secret, roles: [], $db })],
    ['s', msg(107, 7, { ok })],
    ['c', msg(8, 0, { aggregate: 1, pipeline: [{ $currentOp: {} }], $db: 'admin' })],
    ['s', msg(108, 8, { cursor: { firstBatch: [{}, {}], id: 0n }, ok })],
    ['c', msg(9, 0, { 'no name': 1, $db })],
    ['s', msg(109, 9, failed(59, 'CommandNotFound'))],
  ],
  'sections, a checksum, no answer': [
    [
      'c',
      message(
        Op.msg,
        1,
        0,
        int32(MsgFlag.checksumPresent),
        sequence('deletes', { q: { user_id: 1 }, limit: 1 }, { q: { x: 1 } }),
        Uint8Array.of(0),
        document({ delete: 'pins', ordered: true, $db }),
        int32(0x7fffffff),
      ),
    ],
    ['s', message(Op.msg, 101, 1, int32(1), Uint8Array.of(0), document({ n: 2, ok }), int32(42))],
    [
      'c',
      message(
        Op.msg,
        2,
        0,
        int32(MsgFlag.moreToCome),
        Uint8Array.of(0),
        document({ insert: 'log', writeConcern: { w: 0 }, $db }),
        sequence('documents', { title: secret }, { title: secret }),
      ),
    ],
    ['c', message(Op.msg, 3, 0, int32(0), Uint8Array.of(0), document({ insert: 'log', $db }), sequence('documents'))],
    ['s', msg(103, 3, { n: 0, ok })],
  ],
  failures: [
    ['c', msg(1, 0, { insert: 'pins', documents: [], $db })],
    [
      's',
      msg(101, 1, {
        n: 0,
        writeErrors: [
          { index: 0, code: 11000, errmsg: secret },
          { index: 1, code: 121 },
        ],
        ok,
      }),
    ],
    ['c', msg(2, 0, { insert: 'pins', documents: [], $db })],
    ['s', msg(102, 2, { n: 1, writeConcernError: { code: 64, errmsg: secret }, ok })],
    ['c', msg(3, 0, { ping: 1, $db })],
    ['s', msg(103, 3, { ok: 0, errmsg: secret })],
    ['c', msg(4, 0, { find: 'pins', $db })],
    ['s', msg(104, 4, failed(50, 'MaxTimeMSExpired'))],
    ['c', msg(5, 0, { find: 'pins', $db })],
  ],
  'answers out of order': [
    ['c', join([msg(1, 0, { find: 'a', $db }), msg(2, 0, { find: 'b', $db }), msg(3, 0, { find: 'c', $db })])],
    ['s', msg(101, 2, { cursor: { firstBatch: [{}] }, ok })],
    ['s', join([msg(102, 3, { ok }), msg(103, 99, { ok: 0 }), msg(104, 1, { ok })])],
  ],
  'answers that are followed by more': [
    ['c', msg(1, 0, { hello: 1, topologyVersion: {}, maxAwaitTimeMS: 10000, $db: 'admin' }, MsgFlag.exhaustAllowed)],
    ['s', msg(101, 1, { ok }, MsgFlag.moreToCome)],
    ['s', msg(102, 101, { ok }, MsgFlag.moreToCome)],
    ['c', msg(2, 0, { getMore: 9n, collection: 'log', $db }, MsgFlag.exhaustAllowed)],
    ['s', msg(103, 2, { cursor: { nextBatch: [{}, {}], id: 9n }, ok }, MsgFlag.moreToCome)],
    ['s', msg(104, 103, { cursor: { nextBatch: [{}], id: 0n }, ok })],
    ['c', msg(3, 0, { aggregate: 'pins', pipeline: [{ $changeStream: {} }], $db })],
    ['s', msg(105, 3, { cursor: { firstBatch: [], id: 5n }, ok })],
    ['c', msg(4, 0, { getMore: 5n, collection: 'pins', $db })],
    ['s', msg(106, 102, { ok })],
    ['s', msg(107, 4, { cursor: { nextBatch: [{}], id: 5n }, ok })],
    ['c', msg(5, 0, { getMore: 6n, collection: 'pins', maxTimeMS: 1000, $db })],
  ],
  'compressed messages': [
    ['c', message(Op.compressed, 1, 0, int32(Op.msg, 99), Uint8Array.of(1), bytes('compressed'))],
    ['s', message(Op.compressed, 101, 1, int32(Op.msg, 99), Uint8Array.of(1), bytes('an answer'))],
    ['c', message(Op.compressed, 2, 0, int32(Op.msg, 99), Uint8Array.of(2), bytes('perhaps one way'))],
    ['c', message(Op.compressed, 3, 0, int32(Op.insert, 99), Uint8Array.of(3), bytes('one way'))],
    ['c', msg(4, 0, { hello: 1, $db: 'admin' })],
    ['s', msg(104, 4, { ok })],
  ],
  'an old client': [
    ['c', query(1, 'app.pins', { $query: { user_id: 7 }, $orderby: { n: 1 } })],
    ['s', reply(101, 1, 8, { ok: 0 }, { code: 7 })],
    ['c', message(Op.getMore, 2, 0, int32(0), cstring('app.pins'), int32(10, 9, 0))],
    ['s', reply(102, 2, 1)],
    ['c', message(Op.insert, 3, 0, int32(0), cstring('app.pins'), document({ title: secret }))],
    ['c', message(Op.update, 4, 0, int32(0), cstring('app.pins'), int32(0), document({ a: 1 }), document({ b: 1 }))],
    ['c', message(Op.delete, 5, 0, int32(0), cstring('app.pins'), int32(0), document({ _id: 1 }))],
    ['c', message(Op.killCursors, 6, 0, int32(0, 1, 9, 0))],
    ['c', query(7, 'app.$cmd', { getlasterror: 1 })],
    ['s', reply(107, 7, 2, { $err: secret, code: 13 })],
    ['c', query(8, 'app.$cmd', { $query: { count: 'pins', query: { user_id: 1 } }, $readPreference: {} })],
    ['s', reply(108, 8, 8, { n: 1, ok })],
  ],
};

const piece = join(Array.from({ length: 1000 }, () => document({ title: 'x'.repeat(40) })));
const rows = join(Array.from({ length: 1000 }, () => element('0', { title: 'x'.repeat(40) })));

/** One message of 47 MB. */
function longMessage(from: 'c' | 's', one: Uint8Array, times: number): LongSample {
  const find = msg(1, 0, { find: 'pins', $db });
  if (from === 'c') {
    const section = join([cstring('documents')]);
    const body = [int32(0), Uint8Array.of(0), document({ insert: 'pins', $db })];
    const length = one.length * times;
    const head = join([...body, Uint8Array.of(1), int32(4 + section.length + length), section]);
    return {
      before: [['c', join([int32(16 + head.length + length, 1, 0, Op.msg), head])]],
      from,
      piece: one,
      times,
      after: [['s', msg(2, 1, { n: 1, ok })]],
      exchanges: 1,
    };
  }
  const length = one.length * times;
  // { cursor: { firstBatch: [ … ] }, ok: 1 }
  const okElement = element('ok', ok);
  const batch = 5 + length;
  const cursor = 5 + 1 + 11 + batch;
  const all = 5 + 1 + 7 + cursor + okElement.length;
  const head = join([
    int32(0),
    Uint8Array.of(0),
    int32(all),
    Uint8Array.of(3),
    cstring('cursor'),
    int32(cursor),
    Uint8Array.of(4),
    cstring('firstBatch'),
    int32(batch),
  ]);
  const tail = join([Uint8Array.of(0, 0), okElement, Uint8Array.of(0)]);
  return {
    before: [
      ['c', find],
      ['s', join([int32(16 + head.length + length + tail.length, 2, 1, Op.msg), head])],
    ],
    from,
    piece: one,
    times,
    after: [['s', tail]],
    exchanges: 1,
  };
}

export const long: Record<string, LongSample> = {
  'documents inserted': longMessage('c', piece, Math.floor(47e6 / piece.length)),
  'documents found': longMessage('s', rows, Math.floor(47e6 / rows.length)),
};
