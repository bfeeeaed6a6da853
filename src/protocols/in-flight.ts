// The exchanges that were asked on a connection and are not answered in full, oldest first: a queue in one array.

import type { Exchange, Sink } from './decoder.ts';

export class InFlight<E extends Exchange> {
  private readonly sink: Sink;
  private queue: E[] = [];
  private head = 0;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  get length(): number {
    return this.queue.length - this.head;
  }

  /** The oldest; undefined when there is none. */
  get first(): E | undefined {
    return this.queue[this.head];
  }

  /** The one after `place` older ones. */
  at(place: number): E | undefined {
    return this.queue[this.head + place];
  }

  add(exchange: E): void {
    this.queue.push(exchange);
  }

  /** Takes the youngest back. */
  drop(): void {
    this.queue.pop();
  }

  closeFirst(): void {
    const exchange = this.queue[this.head++] as E;
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.head = 0;
    } else if (this.head >= 1024 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
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
