// Logical requests, some at once.

/**
 * Does `work(id)` for each id from `first`, `atOnce` of them at a time, each begun by `begin`.
 * @returns the errors' messages, each once
 */
export function doAll(
  first: number,
  requests: number,
  atOnce: number,
  begin: (id: number, work: () => Promise<unknown>) => Promise<unknown>,
  work: (id: number) => Promise<unknown>,
): Promise<string[]> {
  const errors = new Set<string>();
  let next = first;
  let open = 0;
  return new Promise((resolve) => {
    const step = () => {
      while (open < atOnce && next < first + requests) {
        const id = next++;
        open++;
        begin(id, () => work(id))
          .catch((error: Error) => errors.add(error.message))
          .finally(() => {
            open--;
            if (open === 0 && next >= first + requests) resolve([...errors]);
            else setImmediate(step);
          });
      }
    };
    step();
  });
}

/** Until `count` is `enough`, or stands still: what nobody waits for may still be under way. */
export async function quiet(count: () => number, enough: number): Promise<void> {
  for (let before = -1, still = 0, i = 0; count() < enough && still < 3 && i < 100; i++) {
    still = count() === before ? still + 1 : 0;
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
