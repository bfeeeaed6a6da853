// Where time can go: each kind with its name, its colour and what it means, in the one order used by every bar,
// legend and tooltip. Colours are CSS variables (style.css), chosen to stay apart for colour-blind eyes, on light
// and dark; the same word has the same colour on the overview and in a trace.

import type { Accounts } from '../model/report.ts';
import { Cause } from '../model/schema.ts';

export interface Category {
  readonly name: string;
  /** CSS variable. */
  readonly colour: string;
  readonly meaning: string;
}

const category = (name: string, colour: string, meaning: string): Category => ({ name, colour, meaning });

/** The members of `Accounts`, in the order drawn. */
export const accounts: readonly (Category & { readonly key: keyof Accounts })[] = [
  { key: 'cpuMs', ...category('own CPU', '--cpu', 'its own synchronous code') },
  {
    key: 'calleesMs',
    ...category('callees', '--callees', 'user functions it waited for, accounted in their own rows'),
  },
  { key: 'servicesMs', ...category('services', '--server', 'waiting for services to answer') },
  { key: 'poolMs', ...category('pool', '--pool', 'asked, but the request not yet on the wire') },
  { key: 'connectMs', ...category('connect', '--connect', 'DNS, TCP and TLS') },
  { key: 'loopMs', ...category('loop', '--loop', 'the answer had arrived, but the event loop was busy') },
  { key: 'timersMs', ...category('timers', '--timers', 'waiting for a timer') },
  { key: 'otherMs', ...category('other', '--other', 'waiting for something else') },
  { key: 'unexplainedMs', ...category('unexplained', '--unexplained', 'no cause could be proved') },
];

/** The stretches a bar in a trace is made of. The number is the index into `stretches`. */
export const Stretch = {
  run: 0,
  callee: 1,
  operation: 2,
  pool: 3,
  dns: 4,
  connect: 5,
  tls: 6,
  send: 7,
  server: 8,
  receive: 9,
  loop: 10,
  timer: 11,
  other: 12,
  unknown: 13,
} as const;
export type Stretch = (typeof Stretch)[keyof typeof Stretch];

/** By Stretch. */
export const stretches: readonly Category[] = [
  category('running', '--cpu', 'the function ran (or a function it called without waiting)'),
  category('waits: callee', '--callees', 'waiting for a user function'),
  category('waits: operation', '--waits', 'waiting for an operation on a service'),
  category('pool', '--pool', 'asked, but the request not yet on the wire'),
  category('DNS', '--dns', 'looking up the host'),
  category('connect', '--connect', 'opening the connection'),
  category('TLS', '--tls', 'TLS handshake'),
  category('send', '--send', 'first to last byte of the request'),
  category('server', '--server', 'last byte of the request to first byte of the answer'),
  category('receive', '--receive', 'first to last byte of the answer'),
  category('loop', '--loop', 'answer complete until its owner ran again'),
  category('waits: timer', '--timers', 'waiting for a timer'),
  category('waits: other', '--other', 'waiting for something else'),
  category('waits: unexplained', '--unexplained', 'no cause could be proved'),
];

/** By Cause: the stretch that a wait of that cause is drawn as. */
export const stretchOfCause: readonly Stretch[] = (() => {
  const by: Stretch[] = [];
  by[Cause.unknown] = Stretch.unknown;
  by[Cause.operation] = Stretch.operation;
  by[Cause.callee] = Stretch.callee;
  by[Cause.timer] = Stretch.timer;
  by[Cause.other] = Stretch.other;
  by[Cause.pause] = Stretch.timer;
  return by;
})();
