// One outgoing connection: its bytes go to its conversation, whose exchanges become operations with an owner.
//
//   patch-net ── written, received ──► Connection ──► Conversation (protocols)
//                                          ▲               │ opened, closed
//                                          └───────────────┘──► ownership ──► span-buffer
//
// A fault of ours switches the connection off: counted, never thrown.

import { Kind } from '../model/schema.ts';
import { Conversation } from '../protocols/conversation.ts';
import { Exchange, type Sink } from '../protocols/decoder.ts';
import { protocols } from '../protocols/list.ts';
import { unknown } from '../protocols/unknown/decoder.ts';
import { following, orphanWeight } from './budget.ts';
import { now } from './clock.ts';
import { currentRoot, here, runInRoot } from './context.ts';
import { beginDelivery } from './dispatch.ts';
import { Operation, type Peer, Root } from './operation.ts';
import {
  adopt,
  answered,
  arrival,
  asked,
  askedBy,
  current,
  failed,
  failing,
  partly,
  type Snapshot,
  snapshot,
  unheard,
} from './ownership.ts';
import { isDue, seen } from './pauses.ts';
import { count } from './span-buffer.ts';

/** Who asked, where that is known before the bytes are written (patch-http.ts). */
export interface Asker {
  readonly at: number;
  readonly snapshot: Snapshot;
}

/** Who probably asked: its answer will tell (patch-fetch.ts). */
export interface Guess {
  readonly root: Root;
  readonly at: number;
}

/** A library holds a socket's bytes back from now on (`cork`). */
interface Cork {
  readonly by: Snapshot;
  /** Writes that were held back before. */
  readonly from: number;
}

/** Who may know more of what is being written to a socket than the context it is written in. */
export interface Witnesses {
  askerOn(socket: object): Asker | undefined;
  guessOn(socket: object): Guess | undefined;
}

/** Calls of `cork` that are told apart before the bytes are written. */
const maxCorks = 10_000;

let lastNumber = 0;
export const nextConnectionNumber = (): number => ++lastNumber;

const live = new Set<Connection>();

/**
 * In the place of a socket that is followed no more. A connection outlives its socket in the contexts that began while it
 * opened (Node's DNS resolver keeps the first one's), and must not keep it, nor what hangs on it.
 */
const nobody = {};

export class Connection implements Peer, Sink {
  readonly number: number;
  address: string;
  secure: boolean;
  connectAt: number;
  dns = 0;
  connect = 0;
  tls = 0;
  greeting = 0;
  heardAt = Number.NaN;
  charged = false;
  /** The socket whose bytes are the program's own: the TLSSocket once there is one. */
  top: object;
  /** False once closed, lost, or switched off: nothing more is decoded. */
  on = true;
  /** The operation that the last bytes written opened. */
  newest: Operation | undefined = undefined;
  /** May a header be added: undefined = not yet asked (propagate.ts). */
  mayPropagate: boolean | undefined = undefined;
  private conversation: Conversation;
  /** The operation that was opened last, until it is closed. */
  private last: Operation | undefined = undefined;
  private readonly witnesses: Witnesses;
  readonly openedBy: object | undefined;
  private readonly creator: Snapshot;
  private at = 0;
  private writing = false;
  /** Who gave the bytes that are being written, where that was before. */
  private hander: Snapshot | undefined = undefined;
  private corks: Cork[] = [];
  /** Who wrote first, while connecting. */
  private early: Guess | undefined = undefined;
  private ready = false;
  /** HTTP/2: its streams are the operations, and what passes the socket is none. */
  private streams = false;
  private readyAt = Number.NaN;
  private namespace: string | undefined = undefined;
  /** The protocol that `service` was made for. */
  private spoken = '';
  /** A proxy's, whose other end's address is known only when the program says it (for TLS). */
  private isTunnel = false;
  private service = '';

  constructor(top: object, address: string, secure: boolean, connectAt: number, witnesses: Witnesses) {
    this.witnesses = witnesses;
    this.number = nextConnectionNumber();
    this.top = top;
    this.address = address;
    this.secure = secure;
    this.connectAt = connectAt;
    this.conversation = new Conversation(this, protocols, unknown);
    this.creator = snapshot();
    this.openedBy = this.creator.frame;
    live.add(this);
  }

  get protocol(): string {
    return this.conversation.protocol;
  }

  /** The next byte written begins a request. */
  get idle(): boolean {
    return this.conversation.idle;
  }

  // --- opening

  lookedUp(at: number): void {
    if (this.dns === 0) this.dns = at - this.connectAt;
  }

  /** The program writes, and Node holds it back until connected: then in the connection's own context. */
  writtenEarly(): void {
    try {
      const root = currentRoot();
      if (root && !root.ended) this.early ??= { root, at: now() };
    } catch (fault) {
      this.switchOff(fault);
    }
  }

  connected(at: number): void {
    this.ready = true;
    this.heardAt = at;
    this.readyAt = at;
    this.connect = at - this.connectAt - this.dns;
  }

  /** The handshake is over; it began when connected, or when the program asked for it. */
  secured(at: number): void {
    if (this.tls === 0 && this.ready) this.tls = at - this.readyAt;
    // Node keeps back, encrypted, what the program wrote before.
    const exchange = this.last?.exchange;
    if (exchange !== undefined && exchange.firstOut < at) {
      exchange.firstOut = at;
      exchange.lastOut = Math.max(at, exchange.lastOut);
    }
  }

  /** The program goes on with this connection in a TLSSocket (STARTTLS, a tunnel). */
  wrapped(socket: object, address: string | undefined): void {
    this.top = socket;
    this.secure = true;
    this.readyAt = now();
    this.namespace = undefined;
    if (this.protocol !== 'http' && !this.isTunnel) return;
    // A tunnel through a proxy: what was said so far is the proxy's, what follows is said to another.
    this.conversation.close(now(), '');
    if (address) this.address = address;
    this.conversation = new Conversation(this, protocols, unknown);
    this.mayPropagate = undefined;
  }

  // --- bytes

  /** What is written from now on is held back, for others to write with theirs; `from` writes are so already. */
  corked(from: number): void {
    if (!this.conversation.tells) return;
    try {
      if (from === 0) this.corks = [];
      if (this.corks.length < maxCorks) this.corks.push({ by: current(), from });
    } catch (fault) {
      this.switchOff(fault);
    }
  }

  /** Bytes are about to be written that `hander` gave, or that were the `place`th to be held back. */
  gave(hander: Snapshot | undefined, place: number): void {
    this.hander = hander;
    if (hander !== undefined) return;
    for (const { by, from } of this.corks) {
      if (from > place) return;
      this.hander = by;
    }
  }

  /** All of them are. */
  wrote(): void {
    this.hander = undefined;
    if (this.corks.length > 0) this.corks = [];
  }

  written(bytes: Uint8Array, at: number): void {
    if (this.streams) return;
    this.at = at;
    this.writing = true;
    try {
      this.conversation.client(bytes, at);
      if (this.conversation.lost) this.lose();
    } catch (error) {
      this.switchOff(error);
    }
    this.writing = false;
  }

  received(bytes: Uint8Array, at: number): void {
    if (this.streams) return;
    this.at = at;
    try {
      if (isDue(at)) seen(at, undefined);
      arrival();
      this.heardAt = at;
      this.conversation.server(bytes, at);
      const { last } = this;
      if (last !== undefined) {
        if (last.exchange.error !== '') failing(last, at);
        else if (last.exchange.lastIn === at) partly(last);
      }
      if (this.conversation.lost) this.lose();
    } catch (error) {
      this.switchOff(error);
    }
  }

  /** The peer has ended, or the socket was destroyed; `error` is '' or a code. */
  ended(error: string): void {
    if (!this.on) return;
    this.on = false;
    live.delete(this);
    this.at = now();
    try {
      arrival();
      if (this.ready) this.conversation.close(this.at, error);
      else if (error !== '' && !this.streams) this.refused(error);
    } catch (fault) {
      this.switchOff(fault);
    }
    this.top = nobody;
  }

  /** The address of the other side, once connected. */
  get remote(): string | undefined {
    // Not by `remoteAddress`, which leaves a property on the socket.
    const { _handle } = this.top as { _handle?: { getpeername?(into: { address?: string }): number } | null };
    const into: { address?: string } = {};
    return _handle?.getpeername?.(into) === 0 ? into.address : undefined;
  }

  /** An HTTP/2 session goes on with it. */
  giveToStreams(): void {
    this.streams = true;
  }

  private leave(): void {
    this.on = false;
    live.delete(this);
    this.top = nobody;
  }

  private refused(error: string): void {
    const exchange = new Exchange(Kind.client);
    exchange.operation = 'connect';
    exchange.error = error;
    exchange.firstOut = this.connectAt;
    exchange.lastOut = this.connectAt;
    const op = new Operation(exchange, this);
    op.askedAt = this.connectAt;
    op.closedAt = this.at;
    if (exchange.setup && !this.charged) this.greet(exchange);
    op.protocol = 'unknown';
    op.service = serviceOf('unknown', this.secure, this.address, '');
    adopt(op, this.creator);
    failed(op);
  }

  private lose(): void {
    this.leave();
    count('lost.connections', `${this.protocol} ${this.address}`, 1);
  }

  /** A fault of ours: the program goes on, and this connection is followed no more. */
  switchOff(fault: unknown): void {
    this.leave();
    count('off.connections', `${this.protocol} ${this.address} ${fault instanceof Error ? fault.name : ''}`, 1);
  }

  // --- Sink

  opened(exchange: Exchange): void {
    const weight = following ? -1 : this.weightUnfollowed(exchange);
    if (weight === 0) {
      this.early = undefined;
      return;
    }
    const op = new Operation(exchange, this);
    op.weight = weight;
    exchange.note = op;
    this.newest = op;
    this.last = op;
    const isHttp = this.protocol === 'http';
    const asker = isHttp ? this.witnesses.askerOn(this.top) : undefined;
    const told = isHttp ? this.witnesses.guessOn(this.top) : undefined;
    const guess = told ?? this.early;
    this.early = undefined;
    if (asker) {
      adopt(op, asker.snapshot);
      op.askedAt = asker.at;
    } else if (this.hander !== undefined) {
      askedBy(op, this.hander);
    } else if (guess && !guess.root.ended) {
      runInRoot(guess.root, asked, undefined, [op, told !== undefined]);
      op.askedAt = guess.at;
    } else {
      asked(op);
    }
  }

  /**
   * No request that is recorded is under way: what asks now? 0 = one that is not, and the exchange is left alone;
   * else a weight, or -1 where it need not be decided now.
   */
  private weightUnfollowed(exchange: Exchange): number {
    const isHttp = this.protocol === 'http';
    let root = (here.frame as { readonly root: Root | undefined } | undefined)?.root ?? currentRoot();
    if (this.hander !== undefined) root = this.hander.root;
    if (isHttp)
      root = this.witnesses.askerOn(this.top)?.snapshot.root ?? this.witnesses.guessOn(this.top)?.root ?? root;
    root ??= this.early?.root;
    if (root === undefined) return orphanWeight();
    if (root.recorded) return -1;
    exchange.note = root;
    if (isHttp) {
      // For the header that tells the decision.
      this.newest = new Operation(exchange, this);
      this.newest.root = root;
    }
    return 0;
  }

  /** Answered together with others that are followed: it takes part in the question whose each is. */
  private followLate(exchange: Exchange, root: Root): Operation {
    const op = new Operation(exchange, this);
    exchange.note = op;
    if (root.ended) asked(op);
    else runInRoot(root, asked, undefined, [op, false]);
    return op;
  }

  /** What opened the connection is over: from when it was up, or was spoken on. */
  private greet({ firstIn, firstOut }: Exchange): void {
    // The first: since the connection was there, whoever had to speak.
    const since = this.greeting === 0 ? this.readyAt + this.tls : Math.min(firstIn || firstOut, firstOut || firstIn);
    if (this.at > since) this.greeting += this.at - since;
  }

  tunnelled(): void {
    this.isTunnel = true;
    this.mayPropagate = undefined;
  }

  closed(exchange: Exchange): void {
    let op = exchange.note;
    if (op instanceof Root && following) op = this.followLate(exchange, op);
    if (!(op instanceof Operation)) return;
    if (this.last === op) this.last = undefined;
    op.closedAt = this.at;
    if (exchange.setup && !this.charged) this.greet(exchange);
    op.protocol = this.conversation.protocol;
    if (exchange.namespace !== this.namespace || op.protocol !== this.spoken) {
      this.namespace = exchange.namespace;
      this.spoken = op.protocol;
      this.service = serviceOf(op.protocol, this.secure, this.address, exchange.namespace);
    }
    op.service = this.service;
    if (exchange.kind === Kind.consumer && !this.writing) beginDelivery(this.at);
    // What closes while the program writes (an unknown protocol's turn, when the next begins) wakes nobody now.
    if (this.writing) unheard(op);
    else if (Number.isNaN(exchange.firstIn)) failed(op);
    else answered(op);
  }
}

/** "mysql://127.0.0.1:3306/pins", "https://example.org:443", "tcp://…" for an unknown protocol. */
export function serviceOf(protocol: string, secure: boolean, address: string, namespace: string): string {
  let scheme = protocol;
  if (secure && (protocol === 'http' || protocol === 'ws')) scheme += 's';
  else if (protocol === 'unknown' || protocol === '') scheme = secure ? 'tls' : 'tcp';
  return namespace === '' ? `${scheme}://${address}` : `${scheme}://${address}/${namespace}`;
}

/** At exit: what is in flight is over. */
export function closeAll(): void {
  for (const connection of [...live]) connection.ended('');
}
