// A protocol that nobody recognised, as turns: a burst from the client, the burst that answers it.
//
//   server  hello                            (a greeting: setup)
//   client        a a                 b
//   server             A A A               B
//                 └─ turn ──┘         └ turn ┘
//
// When an answer is complete cannot be known, so a turn closes when the next one begins or the connection ends; its
// times are those of its bytes.

import { Kind } from '../../model/schema.ts';
import { type Decoder, Exchange, type Protocol, type Sink } from '../decoder.ts';

export const unknown: Protocol = {
  name: 'unknown',
  recognise: () => 'yes',
  decode: (sink) => new Turns(sink),
};

class Turns implements Decoder {
  readonly lost = false;
  private readonly sink: Sink;
  private turn: Exchange | undefined = undefined;
  private asked = false;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  get idle(): boolean {
    return this.turn === undefined;
  }

  client(bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) return;
    let turn = this.turn;
    if (turn && !Number.isNaN(turn.firstIn)) {
      this.turn = undefined;
      this.sink.closed(turn);
      turn = undefined;
    }
    turn ??= this.open('turn');
    this.asked = true;
    if (turn.bytesOut === 0) turn.firstOut = at;
    turn.lastOut = at;
    turn.bytesOut += bytes.length;
  }

  server(bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) return;
    let turn = this.turn;
    if (!turn) {
      turn = this.open(this.asked ? 'turn' : 'greeting');
      turn.setup = !this.asked;
    }
    if (turn.bytesIn === 0) turn.firstIn = at;
    turn.lastIn = at;
    turn.bytesIn += bytes.length;
  }

  close(_at: number, error: string): void {
    const turn = this.turn;
    if (!turn) return;
    this.turn = undefined;
    if (turn.bytesIn === 0) {
      turn.error = error;
      turn.oneWay = error === '';
    }
    this.sink.closed(turn);
  }

  private open(operation: string): Exchange {
    const turn = new Exchange(Kind.client);
    turn.operation = operation;
    this.turn = turn;
    this.sink.opened(turn);
    return turn;
  }
}
