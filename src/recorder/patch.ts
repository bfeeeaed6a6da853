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
 * Replaces `owner[name]` by what `wrap` makes of it, keeping the function's own properties and its attributes as one of
 * `owner`. A method that is inherited becomes an own one, seen by `for … in` as before. Does nothing where there is none
 * (another version of Node).
 */
export function patch<F>(owner: object, name: string, wrap: (original: F) => F): void {
  const original = (owner as Record<string, unknown>)[name];
  if (typeof original !== 'function') return;
  const wrapped = wrap(original as F) as object;
  standsFor(wrapped, original);
  const nameless = Object.getOwnPropertyDescriptor(original, 'name')?.value === '';
  // Name, length, prototype, and what others read there: util.promisify.custom.
  for (const key of Reflect.ownKeys(original)) {
    const own = Object.getOwnPropertyDescriptor(wrapped, key);
    const { value } = Object.getOwnPropertyDescriptor(original, key)!;
    if (!own) Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(original, key)!);
    else if (own.configurable || own.writable) Object.defineProperty(wrapped, key, { value });
  }
  const before = Object.getOwnPropertyDescriptor(owner, name);
  if (before && !before.configurable && !before.writable) return;
  Object.defineProperty(owner, name, {
    value: wrapped,
    writable: before?.writable ?? true,
    enumerable: (before ?? inherited(owner, name))?.enumerable ?? false,
    configurable: before?.configurable ?? true,
  });
  // In stacks V8 names such a one by where it finds it, which is nowhere any more.
  if (nameless && before) Object.defineProperty(original, 'name', { value: name });
}

function inherited(owner: object, name: string): PropertyDescriptor | undefined {
  for (let at = Object.getPrototypeOf(owner); at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return found;
  }
  return undefined;
}
