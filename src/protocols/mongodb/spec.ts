// Tables of MongoDB's wire protocol and of BSON.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ and https://bsonspec.org/spec.html

/** Of a message's header. 2001 … 2007 and 2010, 2011 are of servers before 6.0. */
export const Op = {
  reply: 1,
  update: 2001,
  insert: 2002,
  query: 2004,
  getMore: 2005,
  delete: 2006,
  killCursors: 2007,
  compressed: 2012,
  msg: 2013,
} as const;

export const headBytes = 16;
/** maxMessageSizeBytes of every server since 2.4. */
export const maxMessage = 48_000_000;

/** OP_MSG's flagBits. A reader must refuse a message with others of the lower 16. */
export const MsgFlag = { checksumPresent: 1, moreToCome: 2, exhaustAllowed: 1 << 16 } as const;
export const ReplyFlag = { cursorNotFound: 1, queryFailure: 2 } as const;
/** Error code CursorNotFound, which a legacy reply says by its flag. */
export const cursorNotFound = 43;

/** BSON element types that are looked at. */
export const Type = { double: 1, string: 2, document: 3, array: 4, boolean: 8, int32: 16, int64: 18 } as const;

/** Bytes of a value by its type: −1 = no such type, −2 = begins with its length, −3 = two strings that end in NUL. */
export const sizes = new Int8Array(256).fill(-1);
for (const [type, size] of [
  [0x01, 8], // double
  [0x02, -2], // string
  [0x03, -2], // document
  [0x04, -2], // array
  [0x05, -2], // binary
  [0x06, 0], // undefined
  [0x07, 12], // ObjectId
  [0x08, 1], // boolean
  [0x09, 8], // date
  [0x0a, 0], // null
  [0x0b, -3], // regular expression
  [0x0c, -2], // DBPointer
  [0x0d, -2], // code
  [0x0e, -2], // symbol
  [0x0f, -2], // code with scope
  [0x10, 4], // int32
  [0x11, 8], // timestamp
  [0x12, 8], // int64
  [0x13, 16], // decimal128
  [0x7f, 0], // MaxKey
  [0xff, 0], // MinKey
] as const)
  sizes[type] = size;

/** Bytes of a value behind its 4 bytes of length, which count `length`; < 0 = impossible. */
export function sizeBehindLength(type: number, length: number): number {
  switch (type) {
    case 0x03:
    case 0x04:
      return length < 5 ? -1 : length - 4;
    case 0x0f:
      return length < 14 ? -1 : length - 4;
    case 0x05:
      return length + 1;
    case 0x0c:
      return length < 1 ? -1 : length + 12;
    default:
      return length < 1 ? -1 : length;
  }
}

/** What opens, watches and closes a connection: the driver's own, never asked by the user. */
export const setupCommands: ReadonlySet<string> = new Set(
  'hello isMaster ismaster saslStart saslContinue authenticate getnonce endSessions'.split(' '),
);

/** Commands whose value is the name of a collection; others' may be a user's name, or any literal. */
export const collectionCommands: ReadonlySet<string> = new Set(
  (
    'aggregate collMod collStats collstats compact convertToCapped count create createIndexes createSearchIndexes dataSize ' +
    'delete deleteIndexes distinct drop dropIndexes dropSearchIndex find findAndModify findandmodify getMore insert ' +
    'killCursors listIndexes mapReduce mapreduce planCacheClear reIndex renameCollection shardCollection update ' +
    'updateSearchIndex validate'
  ).split(' '),
);
