// Putting a function of ours in the place of one of Node's.

const replaced = new WeakMap<object, object>();

/** What a function of ours stands for; any other one itself. */
export const originalOf = (value: unknown): unknown =>
  (typeof value === 'function' ? replaced.get(value) : undefined) ?? value;

/** From now, `fn` shows the text of `original`. */
export function standsFor(fn: object, original: object): void {
  replaced.set(fn, original);
}

/**
 * Replaces `owner[name]` by what `wrap` makes of it, keeping its name, length and property attributes. A method that
 * is inherited becomes an own one, seen by `for … in` as before. Does nothing where there is none (another version of Node).
 */
export function patch<F>(owner: object, name: string, wrap: (original: F) => F): void {
  const original = (owner as Record<string, unknown>)[name];
  if (typeof original !== 'function') return;
  const wrapped = wrap(original as F) as object;
  standsFor(wrapped, original);
  Object.defineProperty(wrapped, 'name', { value: original.name, configurable: true });
  Object.defineProperty(wrapped, 'length', { value: original.length, configurable: true });
  const before = Object.getOwnPropertyDescriptor(owner, name);
  if (before && !before.configurable && !before.writable) return;
  Object.defineProperty(owner, name, {
    value: wrapped,
    writable: before?.writable ?? true,
    enumerable: (before ?? inherited(owner, name))?.enumerable ?? false,
    configurable: before?.configurable ?? true,
  });
}

function inherited(owner: object, name: string): PropertyDescriptor | undefined {
  for (let at = Object.getPrototypeOf(owner); at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return found;
  }
  return undefined;
}
