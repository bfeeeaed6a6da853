// The exchanges that were asked on a connection and are not answered in full, oldest first: a queue in one array.

import type { Exchange, Sink } from './decoder.ts';

export class InFlight<E extends Exchange> {
  private readonly sink: Sink;
  /** Its places stay when they are empty: an array that shrinks and grows is made anew each time. */
  private queue: (E | undefined)[] = [];
  private head = 0;
  private tail = 0;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  get length(): number {
    return this.tail - this.head;
  }

  /** The oldest; undefined when there is none. */
  get first(): E | undefined {
    return this.head < this.tail ? this.queue[this.head] : undefined;
  }

  /** The one after `place` older ones. */
  at(place: number): E | undefined {
    return this.head + place < this.tail ? this.queue[this.head + place] : undefined;
  }

  add(exchange: E): void {
    this.queue[this.tail++] = exchange;
  }

  /** Takes the youngest back. */
  drop(): void {
    this.queue[--this.tail] = undefined;
  }

  closeFirst(): void {
    const exchange = this.queue[this.head] as E;
    this.queue[this.head++] = undefined;
    if (this.head === this.tail) {
      this.head = 0;
      this.tail = 0;
      if (this.queue.length > 1024) this.queue = [];
    } else if (this.head >= 1024 && this.head * 2 > this.tail) {
      this.queue = this.queue.slice(this.head, this.tail);
      this.tail -= this.head;
      this.head = 0;
    }
    this.sink.closed(exchange);
  }

  /** Closes all; an exchange that was not answered gets `error`, when its time is by nature idle `idleError`. */
  closeAll(error: string, idleError: string): void {
    for (let first = this.first; first; first = this.first) {
      if (first.error === '') first.error = first.idle ? idleError : error;
      this.closeFirst();
    }
  }
}
