// `for await (const x of E)` waits where no expression of the user's stands: in the loop's calls of `next` and
// `return`. The loop gets E in a thin shell that says so. No promise is added: the shell hands on what E's iterator
// returns, and reads E's properties when, and as often as, the loop does.

export interface Frames<F> {
  suspend(frame: F, value: unknown, line: number): unknown;
  back(frame: F): void;
}

type Method = (this: unknown) => unknown;

export function eachOf<F>({ suspend, back }: Frames<F>) {
  return function each(frame: F, iterable: unknown, line: number): unknown {
    // For these the loop's own error, or a string's letters, come without us.
    if (iterable === null || (typeof iterable !== 'object' && typeof iterable !== 'function')) return iterable;
    const from = iterable as Record<symbol, unknown>;

    const stepping = (iterator: object, name: 'next' | 'return'): unknown => {
      const method = (iterator as Record<string, unknown>)[name];
      if (typeof method !== 'function') return method;
      return () => {
        back(frame);
        const result: unknown = Reflect.apply(method as Method, iterator, []);
        suspend(frame, undefined, line);
        return result;
      };
    };
    const shell = (symbol: symbol): unknown => {
      const method = from[symbol];
      if (typeof method !== 'function') return method;
      return () => {
        const iterator: unknown = Reflect.apply(method as Method, iterable, []);
        if (typeof iterator !== 'object' || iterator === null) return iterator;
        return {
          get next() {
            return stepping(iterator, 'next');
          },
          get return() {
            return stepping(iterator, 'return');
          },
        };
      };
    };
    return {
      get [Symbol.asyncIterator]() {
        return shell(Symbol.asyncIterator);
      },
      get [Symbol.iterator]() {
        return shell(Symbol.iterator);
      },
    };
  };
}
