// Timers that fire, whoever set them: setTimeout, setInterval, setImmediate, timers/promises, AbortSignal.timeout, Node's
// own time-outs of sockets.
//
// No function of Node's is replaced and no callback wrapped, so that identity, name, length, `promisify`, order, stacks
// and fake timers are what they were. All of them are made by the constructors of two classes that are not exported,
// which assign the callback's arguments to a property: a setter on the prototype sees that, and puts them, as an own
// property like before, into an object that looks the same to the call (`callback(...args)`) and tells when it is read.
//
//   new Timeout(callback, …)   this._timerArgs = undefined | [a, b]  ──setter──►  own property, a Told
//   the timer fires            ReflectApply(timer._onTimeout, timer, timer._timerArgs)
//                                                                    └─ reads `length`: fired()

import { inspect } from 'node:util';
import { now } from './clock.ts';
import { beginTimer } from './dispatch.ts';
import { hasOpenFrames, runningFrame, timerFired } from './frames.ts';
import { Given } from './stamp.ts';

function fired(told: Told): void {
  const repeats = typeof told.timer._repeat === 'number';
  if (!repeats && !hasOpenFrames()) return;
  try {
    const at = now();
    beginTimer(at, told.setAt, told.setBy, repeats);
    // One that repeats lets nobody pause.
    if (!told.hasFired) timerFired(at, told.setAt);
    told.hasFired = true;
  } catch {
    // Its function will have waited for something not known.
  }
}

/** The arguments of a timer's callback. */
class Told {
  [index: number]: unknown;
  readonly setAt = now();
  readonly setBy = runningFrame();
  hasFired = false;
  readonly timer: { readonly _repeat?: unknown };
  readonly args: readonly unknown[];

  constructor(timer: object, args: readonly unknown[]) {
    this.timer = timer;
    this.args = args;
    for (let i = 0; i < args.length; i++) this[i] = args[i];
  }

  /** Read by the call of a timer's callback. */
  get length(): number {
    fired(this);
    return this.args.length;
  }

  /** Read by the call of an immediate's. */
  [Symbol.iterator](): Iterator<unknown> {
    fired(this);
    return this.args[Symbol.iterator]();
  }

  /** As it was. */
  [inspect.custom](): unknown {
    return this.args.length === 0 ? undefined : this.args;
  }
}

const none: readonly unknown[] = [];

let given: unknown;

// A field of a class is defined, past the setter, and as quickly as a constructor's assignment.
class TimerArguments extends Given {
  _timerArgs = given;
}

class ImmediateArguments extends Given {
  _argv = given;
}

/** Objects of the class of `one` have, from now, a Told where the constructor puts their arguments. */
function tell(one: object, name: string, Arguments: new (timer: object) => object): void {
  const prototype = Object.getPrototypeOf(one) as object;
  if (!Object.hasOwn(one, name) || prototype === Object.prototype || name in prototype) return;
  Object.defineProperty(prototype, name, {
    configurable: true,
    enumerable: false,
    get: () => undefined,
    set(this: object, args: unknown) {
      given = args === undefined ? new Told(this, none) : Array.isArray(args) ? new Told(this, args) : args;
      new Arguments(this);
      given = undefined;
    },
  });
}

export function patchTimers(): void {
  const timeout = setTimeout(() => {}, 1);
  clearTimeout(timeout);
  tell(timeout, '_timerArgs', TimerArguments);
  const immediate = setImmediate(() => {});
  clearImmediate(immediate);
  tell(immediate, '_argv', ImmediateArguments);
}
