// The words that the recorder's halves share: a request that came in, a frame of a user function, a connection, and
// an operation: one exchange on a connection with who asked for it. Times are ns since the process's time 0 (clock.ts).

import { Rule } from '../model/schema.ts';
import type { Exchange } from '../protocols/decoder.ts';
import type { Neutral } from './context.ts';
import type { Frame, Wait } from './frames.ts';
import { nextLo } from './ids.ts';

/**
 * A span id as two u32, so that none is a BigInt on the hot path. `hi` is the process's, `lo` counts from anywhere and
 * is never 0: of a span of this process it says all.
 */
export interface SpanId {
  readonly hi: number;
  readonly lo: number;
}

/**
 * An inbound request, or a root of work that no request asked for (start-up, a cron-like timer). The value held in
 * the one AsyncLocalStorage; mutable; lives as long as anything refers to it.
 */
export class Root {
  /** Trace id as four u32, most significant first. */
  readonly trace: Uint32Array;
  readonly id: SpanId;
  /** The remote span of `traceparent`; undefined at the head of a trace. */
  readonly parent: SpanId | undefined;
  /** False for work that no request asked for: nothing written under it is put on a request. */
  readonly request: boolean;
  readonly start: number;
  /** True once answered or closed; an ended root owns no new operation by inheritance alone. */
  ended = false;
  /** Written at all; false when it was left out to stay under a budget (budget.ts). */
  recorded = true;
  /** How many like it it stands for; 0 = as many as the head of its trace. */
  weight = 1;
  /** Frames open beneath it, and linked. */
  frames = 0;
  /** frames.ts's own note: the frames open beneath it. */
  note: unknown = undefined;
  /** propagate.ts's own: what all `traceparent` of its operations begin with; '' until there is one. */
  header = '';
  /** ownership.ts's own: the number of the last window with several answers that something of it ran in. */
  seenIn = 0;

  constructor(trace: Uint32Array, id: SpanId, parent: SpanId | undefined, request: boolean, start: number) {
    this.trace = trace;
    this.id = id;
    this.parent = parent;
    this.request = request;
    this.start = start;
  }
}

/** What a connection's patch tells of it. */
export interface Peer {
  /** Number of the connection in the process, from 1. */
  readonly number: number;
  /** `server.address` and port as "host:port", or the path of a Unix socket. */
  readonly address: string;
  readonly secure: boolean;
  /** When the program asked for the connection, NaN for an accepted one. */
  connectAt: number;
  /** Durations of opening, ns; 0 until known. */
  dns: number;
  connect: number;
  tls: number;
  /** What the protocol says before the first request: its handshake and authentication, ns. */
  greeting: number;
  /** When it last answered or became ready, NaN before. */
  heardAt: number;
  /** The frame (frames.ts) for whose sake it was opened, where one ran. */
  readonly openedBy?: object | undefined;
  /** True once an operation has been charged with the four above. */
  charged: boolean;
}

/** One exchange and its owner. Settled (written as a span) exactly once. */
export class Operation {
  readonly exchange: Exchange;
  readonly peer: Peer;
  /** Of its span; the high half is the process's. */
  readonly lo: number;
  /** "mysql://127.0.0.1:3306/pins"; decided by the connection when the exchange closes. */
  service = '';
  protocol = '';
  root: Root | undefined = undefined;
  /** The owning frame (frames.ts); undefined = the root itself. */
  frame: Frame | undefined = undefined;
  line = 0;
  rule: Rule = Rule.none;
  /** The owner asked for it; NaN = not known, then exchange.firstOut stands for it. */
  askedAt = Number.NaN;
  /** The exchange was over: its answer was seen in full, or the connection ended. NaN while in flight. */
  closedAt = Number.NaN;
  /** Before its answer was read, how long that had probably lain there, ns. */
  lain = 0;
  /** The owner ran again; NaN = not known. */
  resumedAt = Number.NaN;
  /** Its weight if it turns out to be nobody's; -1 = not decided. */
  weight = -1;

  // ownership.ts's own: how it was asked.
  /** The guess can be believed, unless its answer contradicts it. */
  trusted = false;
  /** Told by adopt(): no guess. */
  exact = false;
  /** Not by the context of the writing only. */
  told = false;
  /** Its owner is final. */
  done = false;
  /** The owner is known, but the exchange is not over. */
  early = false;
  /** The number of the window that its answer is in. */
  window = 0;
  /** The frame that counts the operation as its own open one. */
  asker: Frame | undefined = undefined;
  /** Written in a connection's own events. */
  neutral: Neutral | undefined = undefined;
  /** What its function had waited for when it wrote: for the connection, unless it is explained otherwise. */
  before: Wait | undefined = undefined;
  /** The operation that the handler of its answer wrote. */
  chained: Operation | undefined = undefined;
  /** Operations that wait for this one's owner. */
  followers: Operation[] | undefined = undefined;
  /** How many of a chain wait for this one's owner. */
  depth = 0;
  /** frames.ts's own: the next of those that its function asked for in one go. */
  nextAsked: Operation | undefined = undefined;

  constructor(exchange: Exchange, peer: Peer) {
    this.exchange = exchange;
    this.peer = peer;
    this.lo = nextLo();
  }
}
