// MongoDB's messages of one direction, from chunks cut anywhere.
//
//   0            4           8            12        16
//   +------------+-----------+------------+---------+--------------------------+
//   | length i32 | requestID | responseTo | opCode  | body (length − 16 bytes) |
//   +------------+-----------+------------+---------+--------------------------+
//
//   OP_MSG           | flagBits | sections … | checksum i32 if its flag is set |
//       a section    | 0x00 | document |   or   | 0x01 | length i32 | name NUL | documents … |
//   OP_REPLY         | flags i32 | cursor i64 | startingFrom i32 | numberReturned i32 | documents … |
//   OP_QUERY         | flags i32 | db.collection NUL | skip i32 | return i32 | document … |
//   OP_COMPRESSED    | opCode i32 | uncompressed length i32 | compressor u8 | bytes … |
//
// What documents hold goes to the direction's Notes (commands.ts, replies.ts), element by element, and is not kept.

import { DocumentReader, type ElementReader } from './bson.ts';
import { headBytes, MsgFlag, maxMessage, Op } from './spec.ts';

/** Where documents lie: a command or an answer (OP_MSG's first section), or one of a named sequence. */
export interface Notes extends ElementReader {
  /** A body begins; the header is known. */
  begin(message: MessageReader): void;
  /** "db.collection" of a legacy message is in `message.name`. */
  collection(message: MessageReader): void;
  /** Documents of the sequence in `message.name` follow: is the first one to be read? */
  sequence(message: MessageReader): boolean;
  /** A command or an answer follows, or a legacy message's documents: is the first one to be read? */
  wants(message: MessageReader): boolean;
}

/** A body is fixed bytes, a name, fixed bytes, documents; by opcode: how many fixed ones, is there a name, how many. */
const forms = new Map<number, readonly [number, boolean, number]>([
  [Op.reply, [20, false, 0]],
  [Op.update, [4, true, 4]],
  [Op.insert, [4, true, 0]],
  [Op.query, [4, true, 8]],
  [Op.getMore, [4, true, 12]],
  [Op.delete, [4, true, 4]],
  [Op.killCursors, [8, false, 0]],
  [Op.compressed, [9, false, 0]],
  // Behind its flags a section, of 6 bytes or more, which says itself what it is.
  [Op.msg, [4, false, 6]],
]);

const Step = {
  head: 0,
  fixed: 1,
  name: 2,
  moreFixed: 3,
  document: 4,
  /** What is left of the body. */
  rest: 5,
  kind: 6,
  sequenceLength: 7,
  sequenceName: 8,
  sequenceDocument: 9,
  sequenceRest: 10,
  checksum: 11,
} as const;
type Step = (typeof Step)[keyof typeof Step];

const maxName = 256;

export class MessageReader {
  /** After `read`: the header is complete. */
  headed = false;
  /** After `read`: the message is complete. */
  whole = false;
  /** It is no message of MongoDB's: nothing more can be read. */
  isBroken = false;
  length = 0;
  requestId = 0;
  responseTo = 0;
  opcode = 0;
  /** flagBits of OP_MSG, flags of OP_QUERY and OP_REPLY, the opcode inside OP_COMPRESSED. */
  flags = 0;
  /** OP_REPLY's numberReturned. */
  returned = 0;
  /** The last name read: a collection's or a sequence's; of a longer one the first 256 bytes. */
  readonly name = new Uint8Array(maxName);
  nameBytes = 0;
  private readonly notes: Notes;
  private readonly document: DocumentReader;
  private readonly fixed = new Uint8Array(20);
  private fixedBytes = 0;
  private step: Step = Step.head;
  /** Bytes of the body that are left, without its checksum; of those, how many belong to the sequence. */
  private left = 0;
  private sequenceLeft = 0;
  /** The next byte begins a document that is to be read. */
  private opens = false;
  private checksum = 0;
  private form: readonly [number, boolean, number] = [0, false, 0];

  constructor(notes: Notes) {
    this.notes = notes;
    this.document = new DocumentReader(notes);
  }

  /** True between messages. */
  get atBorder(): boolean {
    return this.step === Step.head && this.fixedBytes === 0;
  }

  /** Reads on from `at` to the end of a header, of a message, or of the chunk, whichever comes first; says where. */
  read(chunk: Uint8Array, at: number): number {
    this.headed = false;
    this.whole = false;
    if (this.step === Step.head) return this.readHead(chunk, at);
    while (at < chunk.length && this.step !== Step.checksum && !this.isBroken) {
      const isSequence = this.step >= Step.sequenceName;
      const room = isSequence ? this.sequenceLeft : this.left;
      const to = this.readBody(chunk, at, Math.min(chunk.length, at + room));
      this.left -= to - at;
      if (isSequence) this.sequenceLeft -= to - at;
      at = to;
      this.endStep();
    }
    if (this.step === Step.checksum && !this.isBroken) {
      at = this.readFixed(chunk, at, chunk.length, this.checksum);
      if (this.fixedBytes === this.checksum) this.end();
    }
    return at;
  }

  private end(): void {
    this.fixedBytes = 0;
    this.step = Step.head;
    this.whole = true;
  }

  private readHead(chunk: Uint8Array, at: number): number {
    at = this.readFixed(chunk, at, chunk.length, headBytes);
    if (this.fixedBytes < headBytes) return at;
    this.fixedBytes = 0;
    this.length = this.int32(0);
    this.requestId = this.int32(4);
    this.responseTo = this.int32(8);
    this.opcode = this.int32(12);
    const form = forms.get(this.opcode);
    if (!form || this.length > maxMessage || this.length < leastLength(form)) {
      this.isBroken = true;
      return at;
    }
    this.form = form;
    this.left = this.length - headBytes;
    this.flags = 0;
    this.returned = 0;
    this.nameBytes = 0;
    this.checksum = 0;
    this.opens = false;
    this.step = Step.fixed;
    this.headed = true;
    this.notes.begin(this);
    return at;
  }

  private readBody(chunk: Uint8Array, at: number, end: number): number {
    switch (this.step) {
      case Step.fixed:
        at = this.readFixed(chunk, at, end, this.form[0]);
        if (this.fixedBytes === this.form[0]) this.endFixed();
        return at;
      case Step.moreFixed:
        at = this.readFixed(chunk, at, end, this.form[2]);
        if (this.fixedBytes === this.form[2]) this.beginDocuments();
        return at;
      case Step.name:
      case Step.sequenceName:
        return this.readName(chunk, at, end);
      case Step.kind:
        this.beginSection(chunk[at] as number);
        return at + 1;
      case Step.sequenceLength:
        at = this.readFixed(chunk, at, end, 4);
        if (this.fixedBytes === 4) this.beginSequence();
        return at;
      case Step.document:
      case Step.sequenceDocument:
        at = this.document.read(chunk, at, end);
        if (this.document.isBroken) this.isBroken = true;
        else if (this.document.whole) this.endDocument();
        return at;
      default:
        return end;
    }
  }

  /** Moves on where a sequence or the body has ended; it is broken where that may not be. */
  private endStep(): void {
    const isSequence = this.step >= Step.sequenceName;
    if (this.opens) this.openDocument(isSequence ? this.sequenceLeft : this.left);
    if (isSequence && this.sequenceLeft > this.left) this.isBroken = true;
    if (isSequence && this.sequenceLeft <= 0) {
      if (this.step !== Step.sequenceRest) this.isBroken = true;
      this.step = Step.kind;
    }
    if (this.left > 0) return;
    if (this.step !== Step.rest && this.step !== Step.kind) this.isBroken = true;
    this.step = Step.checksum;
  }

  private endFixed(): void {
    const { opcode } = this;
    this.fixedBytes = 0;
    this.flags = this.int32(0);
    if (opcode === Op.msg) {
      // The lower 16 bits are of things that a reader must understand.
      if (this.flags & 0xffff & ~(MsgFlag.checksumPresent | MsgFlag.moreToCome)) this.isBroken = true;
      this.checksum = this.flags & MsgFlag.checksumPresent ? 4 : 0;
      this.left -= this.checksum;
      this.step = Step.kind;
    } else if (opcode === Op.reply) {
      this.returned = this.int32(16);
      this.beginDocuments();
    } else this.step = this.form[1] ? Step.name : Step.rest;
  }

  private readName(chunk: Uint8Array, at: number, end: number): number {
    while (at < end) {
      const byte = chunk[at++] as number;
      if (byte === 0) {
        if (this.step === Step.sequenceName) {
          this.opens = this.notes.sequence(this);
          this.step = this.opens ? Step.sequenceDocument : Step.sequenceRest;
        } else {
          this.notes.collection(this);
          if (this.form[2] > 0) this.step = Step.moreFixed;
          else this.beginDocuments();
        }
        return at;
      }
      if (this.nameBytes < maxName) this.name[this.nameBytes++] = byte;
    }
    return at;
  }

  private beginSection(kind: number): void {
    if (kind === 0) this.beginDocuments();
    else if (kind === 1) this.step = Step.sequenceLength;
    else this.isBroken = true;
  }

  private beginSequence(): void {
    this.fixedBytes = 0;
    this.sequenceLeft = this.int32(0) - 4;
    this.nameBytes = 0;
    this.step = Step.sequenceName;
  }

  /** A legacy message's documents follow. */
  private beginDocuments(): void {
    this.fixedBytes = 0;
    this.opens = this.notes.wants(this);
    this.step = this.opens ? Step.document : Step.rest;
  }

  /** @param room bytes that it may have; 0 = there is none (a legacy message's and a sequence's may be missing) */
  private openDocument(room: number): void {
    this.opens = false;
    if (room > 0) this.document.begin(room);
    else this.step = this.step === Step.sequenceDocument ? Step.sequenceRest : Step.rest;
  }

  private endDocument(): void {
    if (this.step === Step.sequenceDocument) this.step = Step.sequenceRest;
    else this.step = this.opcode === Op.msg ? Step.kind : Step.rest;
  }

  private readFixed(chunk: Uint8Array, at: number, end: number, size: number): number {
    while (at < end && this.fixedBytes < size) this.fixed[this.fixedBytes++] = chunk[at++] as number;
    return at;
  }

  private int32(at: number): number {
    const { fixed } = this;
    return (
      (fixed[at] as number) |
      ((fixed[at + 1] as number) << 8) |
      ((fixed[at + 2] as number) << 16) |
      ((fixed[at + 3] as number) << 24)
    );
  }
}

const leastLength = (form: readonly [number, boolean, number]): number =>
  headBytes + form[0] + (form[1] ? 1 : 0) + form[2];
