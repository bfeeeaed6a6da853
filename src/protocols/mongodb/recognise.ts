// Is a connection MongoDB's? Told by the header of the first request and the beginning of its body; where the
// connection was joined in the middle of an exchange, by those of the first answer.

import type { Recognition } from '../decoder.ts';
import { headBytes, maxMessage, Op, sizes } from './spec.ts';

export function recognise(client: Uint8Array, server: Uint8Array): Recognition {
  if (client.length > 0) return recogniseRequest(client);
  return server.length > 0 ? recogniseAnswer(server) : 'more';
}

const int32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) |
  ((bytes[at + 1] as number) << 8) |
  ((bytes[at + 2] as number) << 16) |
  ((bytes[at + 3] as number) << 24);

const isPrintable = (byte: number): boolean => byte > 0x20 && byte < 0x7f;

const lengthFits = (bytes: Uint8Array): boolean => {
  const length = int32(bytes, 0);
  return length > headBytes + 4 && length <= maxMessage;
};

function recogniseRequest(bytes: Uint8Array): Recognition {
  if (bytes.length >= 4 && !lengthFits(bytes)) return 'no';
  if (bytes.length < headBytes + 4) return 'more';
  // A request answers nothing; some clients say −1.
  const responseTo = int32(bytes, 8);
  if (responseTo !== 0 && responseTo !== -1) return 'no';
  const flags = int32(bytes, 16);
  switch (int32(bytes, 12)) {
    case Op.msg:
      return recogniseSection(bytes);
    case Op.compressed:
      return recogniseCompressed(bytes);
    case Op.killCursors:
      return flags === 0 && (int32(bytes, 0) - 24) % 8 === 0 ? 'yes' : 'no';
    case Op.query:
    case Op.insert:
    case Op.update:
    case Op.delete:
    case Op.getMore:
      return flags >= 0 && flags < 256 ? recogniseCollection(bytes) : 'no';
    default:
      return 'no';
  }
}

function recogniseAnswer(bytes: Uint8Array): Recognition {
  if (bytes.length >= 4 && !lengthFits(bytes)) return 'no';
  if (bytes.length < headBytes + 4) return 'more';
  switch (int32(bytes, 12)) {
    case Op.msg:
      return recogniseSection(bytes);
    case Op.compressed:
      return recogniseCompressed(bytes);
    case Op.reply: {
      if ((int32(bytes, 16) & ~0xf) !== 0) return 'no';
      if (bytes.length < 36) return 'more';
      const returned = int32(bytes, 32);
      if (returned < 0 || int32(bytes, 28) < 0) return 'no';
      if (returned === 0) return int32(bytes, 0) === 36 ? 'yes' : 'no';
      return recogniseDocument(bytes, 36);
    }
    default:
      return 'no';
  }
}

/** | flagBits i32 | kind u8 | document, or length i32, name … NUL and documents | */
function recogniseSection(bytes: Uint8Array): Recognition {
  if ((int32(bytes, 16) & ~0x10003) !== 0) return 'no';
  if (bytes.length < 21) return 'more';
  if (bytes[20] === 0) return recogniseDocument(bytes, 21);
  if (bytes[20] !== 1) return 'no';
  if (bytes.length < 26) return 'more';
  const length = int32(bytes, 21);
  return length > 4 && length <= int32(bytes, 0) - 21 && isPrintable(bytes[25] as number) ? 'yes' : 'no';
}

/** Its length fits the message, its first element has a type and a name. */
function recogniseDocument(bytes: Uint8Array, at: number): Recognition {
  if (bytes.length < at + 4) return 'more';
  const length = int32(bytes, at);
  if (length < 5 || length > int32(bytes, 0) - at) return 'no';
  if (bytes.length < at + 6) return 'more';
  if (bytes[at + 4] === 0) return length === 5 ? 'yes' : 'no';
  return sizes[bytes[at + 4] as number] !== -1 && isPrintable(bytes[at + 5] as number) ? 'yes' : 'no';
}

/** | flags i32 | db.collection NUL | */
function recogniseCollection(bytes: Uint8Array): Recognition {
  let points = 0;
  for (let at = 20; at < 20 + 200; at++) {
    if (at >= bytes.length) return 'more';
    const byte = bytes[at] as number;
    if (byte === 0) return points > 0 && at > 22 ? 'yes' : 'no';
    if (!isPrintable(byte) && byte < 0x80) return 'no';
    if (byte === 46) points++;
  }
  return 'no';
}

/** | opCode i32 | uncompressed length i32 | compressor u8 | */
function recogniseCompressed(bytes: Uint8Array): Recognition {
  if (bytes.length < 25) return 'more';
  const opcode = int32(bytes, 16);
  const isKnown = opcode === Op.msg || opcode === Op.reply || (opcode >= Op.update && opcode <= Op.killCursors);
  const length = int32(bytes, 20);
  return isKnown && length > 0 && length <= maxMessage && (bytes[24] as number) <= 3 ? 'yes' : 'no';
}
