// Which calls matter: what is known of a call from its shape alone. All of it is guessing in the safe direction: a
// wrong guess costs some nanoseconds or one line of the report, never the program's meaning.

import type { AnyNode } from 'acorn';

type Call = AnyNode & { type: 'CallExpression' | 'NewExpression' };

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Globals that are called as functions and ask nothing of anybody. */
const plainFunctions = words(`
  String Number Boolean Symbol BigInt Array Object Date RegExp Error TypeError RangeError SyntaxError Map Set WeakMap
  WeakSet URL URLSearchParams parseInt parseFloat isNaN isFinite require encodeURIComponent decodeURIComponent
  encodeURI decodeURI structuredClone Uint8Array Float64Array`);

/** Globals and core modules by their usual names whose methods ask nothing of anybody. */
const plainObjects = words(`
  Math JSON Object Number String Date Reflect Symbol Buffer path console util assert Intl performance process Atomics`);

/** Methods of strings, arrays, maps and regular expressions that no client library uses for an operation. */
const plainMethods = words(`
  map filter slice splice join split trim trimStart trimEnd replace replaceAll toString concat includes indexOf
  lastIndexOf startsWith endsWith padStart padEnd charAt charCodeAt codePointAt substring substr toLowerCase
  toUpperCase localeCompare match matchAll normalize repeat at push unshift shift reverse fill flat flatMap every
  some findIndex findLast findLastIndex forEach reduce reduceRight test toFixed valueOf hasOwnProperty isPrototypeOf
  bind getTime toISOString toJSON isArray toPrecision getFullYear defineProperty`);

/** Methods that call their callback before they return, on everything known that has them. */
const alwaysSynchronous = words(`
  sort filter some every find findIndex findLast findLastIndex reduce reduceRight replace replaceAll toSorted`);
const mostlySynchronous = words('map forEach flatMap from');

const calleeName = (node: Call): string | undefined => {
  const { callee } = node;
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type === 'MemberExpression' && !callee.computed && callee.property.type === 'Identifier')
    return callee.property.name;
  return undefined;
};

/** A call that can neither ask a service for anything nor call back. */
export function isPlainCall(node: Call): boolean {
  const { callee } = node;
  if (callee.type === 'Identifier') return plainFunctions.has(callee.name);
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') return false;
  if (callee.object.type === 'Identifier' && plainObjects.has(callee.object.name)) return true;
  return (
    plainMethods.has(callee.property.name) &&
    node.arguments.every(({ type }) => type === 'Literal' || type === 'TemplateLiteral')
  );
}

/** True when the value of an expression may be a promise that a call made. */
export function returnsPromiseLike(node: AnyNode): boolean {
  switch (node.type) {
    case 'CallExpression':
      return !isPlainCall(node) && !isPlainResult(node);
    case 'ImportExpression':
      return true;
    case 'ChainExpression':
      return returnsPromiseLike(node.expression);
    case 'ConditionalExpression':
      return returnsPromiseLike(node.consequent) || returnsPromiseLike(node.alternate);
    case 'LogicalExpression':
      return returnsPromiseLike(node.left) || returnsPromiseLike(node.right);
    case 'SequenceExpression':
      return returnsPromiseLike(node.expressions[node.expressions.length - 1]);
    case 'AssignmentExpression':
      return returnsPromiseLike(node.right);
    default:
      return false;
  }
}

/** The calls in `Promise.all([first(), second()])`: nothing awaits one of them alone. */
export function promisesOf({ callee, arguments: [list] }: Call): AnyNode[] {
  if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier' || callee.object.name !== 'Promise')
    return [];
  if (list?.type !== 'ArrayExpression') return [];
  return list.elements.filter(
    (element): element is Call => element?.type === 'CallExpression' && !isPlainCall(element),
  );
}

const isPlainResult = (node: Call): boolean =>
  node.callee.type === 'MemberExpression' && plainMethods.has(calleeName(node) ?? '');

/** When a callback given to this call runs: before it returns, or perhaps later. */
export function synchronousCallback(node: Call): 'always' | 'mostly' | 'no' {
  if (node.callee.type !== 'MemberExpression') return 'no';
  const name = calleeName(node) ?? '';
  if (alwaysSynchronous.has(name)) return 'always';
  return mostlySynchronous.has(name) ? 'mostly' : 'no';
}

/** The name in a bundler's `__name(fn, "loadHome")` (esbuild's --keep-names, minified or not). */
export function namingCall(node: Call): string | undefined {
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier' || node.arguments.length !== 2)
    return undefined;
  const [first, second] = node.arguments;
  if (second.type !== 'Literal' || typeof second.value !== 'string' || !/^[\w$#.]+$/.test(second.value))
    return undefined;
  switch (first.type) {
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'ClassExpression':
    case 'ThisExpression':
    case 'Identifier':
      return second.value;
    default:
      return undefined;
  }
}

/**
 * A helper that runs a generator as an async function, by its name or by its shape (its name may be one letter):
 * tsc `__awaiter(this, void 0, void 0, function* () {…})`, esbuild `__async(this, null, function* () {…})`,
 * swc and babel `_async_to_generator(function* () {…})`.
 */
export function runsGeneratorAsAsync(node: Call): boolean {
  if (node.type !== 'CallExpression') return false;
  const last = node.arguments[node.arguments.length - 1];
  if (last?.type !== 'FunctionExpression' || !last.generator) return false;
  if (/^(?:__awaiter|__async|_?_?async_?to_?generator)$/i.test(calleeName(node) ?? '')) return true;
  return (
    node.arguments.length >= 3 &&
    node.callee.type === 'Identifier' &&
    node.arguments
      .slice(0, -1)
      .every(
        ({ type, ...argument }) =>
          type === 'ThisExpression' ||
          (type === 'Literal' && 'value' in argument && argument.value === null) ||
          (type === 'UnaryExpression' && 'operator' in argument && argument.operator === 'void') ||
          (type === 'Identifier' && 'name' in argument && argument.name === 'arguments'),
      )
  );
}
