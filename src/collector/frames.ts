// Bytes of a socket or a `.rest` file → frames (model/wire.ts). Each body gets memory of its own, so that it can be
// given away to the store's thread.

import { FrameKind, frameHeadBytes, maxFrameBytes } from '../model/wire.ts';

export interface Frame {
  readonly kind: FrameKind;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Why bytes are no frames of a recorder. */
export class BadFrame extends Error {
  readonly code = 'WW_BAD_FRAME';
}

const maxHelloBytes = 64 * 1024;

export class FrameReader {
  readonly #head = new Uint8Array(frameHeadBytes);
  #headBytes = 0;
  #body: Uint8Array<ArrayBuffer> | undefined = undefined;
  #bodyBytes = 0;

  /**
   * The frames that these bytes complete.
   * @throws {BadFrame} when they cannot be frames; the reader is of no use after that.
   */
  read(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.#body === undefined) {
        const taken = Math.min(frameHeadBytes - this.#headBytes, bytes.length - at);
        this.#head.set(bytes.subarray(at, at + taken), this.#headBytes);
        this.#headBytes += taken;
        at += taken;
        if (this.#headBytes < frameHeadBytes) break;
        this.#body = new Uint8Array(bodyLength(this.#head));
        this.#bodyBytes = 0;
      }
      const taken = Math.min(this.#body.length - this.#bodyBytes, bytes.length - at);
      this.#body.set(bytes.subarray(at, at + taken), this.#bodyBytes);
      this.#bodyBytes += taken;
      at += taken;
      if (this.#bodyBytes < this.#body.length) break;
      frames.push({ kind: this.#head[4] as FrameKind, body: this.#body });
      this.#body = undefined;
      this.#headBytes = 0;
    }
    return frames;
  }

  /** A frame has begun and not ended. */
  get isAmid(): boolean {
    return this.#headBytes > 0;
  }
}

function bodyLength(head: Uint8Array): number {
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  const kind = head[4];
  if (kind !== FrameKind.hello && kind !== FrameKind.batch)
    throw new BadFrame(`no recorder sends frames of kind ${kind}`);
  if (head[5] !== 0 || head[6] !== 0 || head[7] !== 0) throw new BadFrame('the head of a frame is broken');
  if (length === 0 || length > (kind === FrameKind.hello ? maxHelloBytes : maxFrameBytes))
    throw new BadFrame(`a frame of ${length} bytes`);
  return length;
}

/** A frame with a number, as the collector answers. */
export function numberFrame(kind: FrameKind, value: number): Uint8Array {
  const frame = new Uint8Array(frameHeadBytes + 4);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 4, true);
  frame[4] = kind;
  view.setUint32(frameHeadBytes, value, true);
  return frame;
}
