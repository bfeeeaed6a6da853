// The marks in compiled code, and the way back: what the recorder itself needs of them, without the parser.

import { types } from 'node:util';
import { originalOf, standsFor } from '../patch.ts';

/** Every insertion stands between these two. The text of an arrow function may end before its last `close`. */
export const open = '/*$<*/';
export const close = '/*>$*/';
const inserted = /\/\*\$<\*\/[\s\S]*?(?:\/\*>\$\*\/|$)/g;

/** The user's own text. */
export const original = (code: string): string => code.replace(inserted, '');

/** The name of the runtime in compiled code: a global, see compile.ts. A source that holds it is left alone. */
export const runtimeName = '$ww';

/** How many characters a site's number takes, so that columns do not depend on the numbers. */
const siteDigits = 7;
const sitePattern = /\$ww\.m\[ *(\d+)\]/g;

/** A site in inserted text: the number of the function in its file, later in the process. */
export const siteText = (index: number): string => `$ww.m[${String(index).padStart(siteDigits)}]`;

/** `code` with its sites numbered from `first` in the process. */
export const placeSites = (code: string, first: number): string =>
  first === 0 ? code : code.replace(sitePattern, (_, index: string) => siteText(Number(index) + first));

const namesUs = /\$ww\.\w+(?:\(\.\.\.\))?(?: is not a function or its return value(?= is not ))?/g;

/**
 * V8's TypeErrors print the expression that failed: `(intermediate value).map is not a function` for what an `await`
 * gave. Where a call of ours stands around it, they name that; so the message is put right when a function's frame or
 * the user's `catch` has the error.
 */
export function unname(error: unknown): void {
  if (!types.isNativeError(error)) return;
  try {
    const { message } = error;
    if (typeof message !== 'string' || !message.includes('$ww.')) return;
    const plain = message.replace(namesUs, '(intermediate value)');
    const { stack } = error;
    error.message = plain;
    if (typeof stack === 'string') error.stack = stack.replace(message, () => plain);
  } catch {
    // A frozen one.
  }
}

/**
 * Makes Function.prototype.toString give the user's own text: functions are sent to browsers, workers and other
 * contexts as text, and there nobody knows our runtime. And the text of Node's own functions where ours stand.
 */
export function keepFunctionText(): void {
  const native = Function.prototype.toString;
  const own = {
    toString(this: unknown): string {
      const text: string = Reflect.apply(native, originalOf(this), []);
      return text.includes(open) ? original(text) : text;
    },
  };
  standsFor(own.toString, native);
  Object.defineProperty(Function.prototype, 'toString', {
    value: own.toString,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
