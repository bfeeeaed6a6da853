// What an answer says: did it succeed, with which code did it fail, how many documents did it bring. Nothing of its
// text, which may hold values.
//
//   { cursor: { firstBatch: [ … ], id: 0, ns: … }, ok: 1 }            rows 2
//   { n: 0, writeErrors: [ { index: 0, code: 11000, … } ], ok: 1 }    error 11000
//   { ok: 0, errmsg: …, code: 59, codeName: "CommandNotFound" }       error 59

import { type DocumentReader, Take, word } from './bson.ts';
import type { MessageReader, Notes } from './messages.ts';
import { cursorNotFound, Op, ReplyFlag, Type } from './spec.ts';

const words = {
  ok: word('ok'),
  code: word('code'),
  $err: word('$err'),
  cursor: word('cursor'),
  id: word('id'),
  firstBatch: word('firstBatch'),
  nextBatch: word('nextBatch'),
  values: word('values'),
  writeErrors: word('writeErrors'),
  writeConcernError: word('writeConcernError'),
};

/** What a document that is being read is. */
const Part = { answer: 0, cursor: 1, rows: 2, writeErrors: 3, writeError: 4 } as const;
type Part = (typeof Part)[keyof typeof Part];

/** Notes of the answer that is being read. */
export class ReplyNotes implements Notes {
  /** Documents that it brought; -1 = it is not of such a kind. */
  rows = -1;
  /** Is a legacy answer's document one of the server's own, and not the user's? */
  isOfCommand = false;
  /** Of the cursor in it; 0 = none, or all was said. */
  cursorId = 0;
  private hasFailed = false;
  private code = 0;
  private writeCode = 0;
  private readonly parts: Part[] = [Part.answer, 0, 0, 0, 0, 0, 0];

  begin(): void {
    this.rows = -1;
    this.isOfCommand = false;
    this.cursorId = 0;
    this.hasFailed = false;
    this.code = 0;
    this.writeCode = 0;
  }

  collection(): void {}

  sequence(): boolean {
    return false;
  }

  wants({ opcode, flags, returned }: MessageReader): boolean {
    if (opcode === Op.msg) return true;
    if (opcode !== Op.reply) return false;
    if (flags & ReplyFlag.queryFailure) this.hasFailed = true;
    if (flags & ReplyFlag.cursorNotFound) {
      this.hasFailed = true;
      this.code = cursorNotFound;
    }
    if (!this.hasFailed && !this.isOfCommand) this.rows = returned;
    return this.hasFailed || this.isOfCommand;
  }

  element(document: DocumentReader): Take {
    const { type, depth } = document;
    switch (this.parts[depth]) {
      case Part.answer:
        return this.answerElement(document);
      case Part.cursor:
        if (type === Type.int64 && document.isNamed(words.id)) return Take.keep;
        if (type !== Type.array) return Take.skip;
        return document.isNamed(words.firstBatch) || document.isNamed(words.nextBatch)
          ? this.enterRows(document)
          : Take.skip;
      case Part.rows:
        this.rows++;
        return Take.skip;
      case Part.writeErrors:
        return document.index === 0 && type === Type.document ? this.enter(document, Part.writeError) : Take.skip;
      default:
        return document.isNamed(words.code) ? Take.keep : Take.skip;
    }
  }

  private answerElement(document: DocumentReader): Take {
    switch (document.type) {
      case Type.document:
        if (document.isNamed(words.cursor)) return this.enter(document, Part.cursor);
        return document.isNamed(words.writeConcernError) ? this.enter(document, Part.writeError) : Take.skip;
      case Type.array:
        if (document.isNamed(words.writeErrors)) return this.enter(document, Part.writeErrors);
        return document.isNamed(words.values) ? this.enterRows(document) : Take.skip;
      case Type.double:
      case Type.int32:
      case Type.int64:
      case Type.boolean:
        return document.isNamed(words.ok) || document.isNamed(words.code) ? Take.keep : Take.skip;
      default:
        if (document.isNamed(words.$err)) this.hasFailed = true;
        return Take.skip;
    }
  }

  value(document: DocumentReader): void {
    if (this.parts[document.depth] === Part.cursor) this.cursorId = document.number64();
    else if (document.depth > 0) this.writeCode ||= document.number32();
    else if (document.isNamed(words.code)) this.code = document.number32();
    else if (document.number32() === 0) this.hasFailed = true;
  }

  private enter(document: DocumentReader, part: Part): Take {
    this.parts[document.depth + 1] = part;
    return Take.enter;
  }

  private enterRows(document: DocumentReader): Take {
    this.rows = Math.max(this.rows, 0);
    return this.enter(document, Part.rows);
  }

  /** Its error code, 'error' for a failure without one, '' for a success. */
  error(): string {
    const code = this.hasFailed ? this.code : this.writeCode;
    if (code !== 0) return String(code);
    return this.hasFailed ? 'error' : '';
  }
}
