// The load: people who open their home page, a few at a time.

export interface Load {
  requests: number;
  p50Ms: number;
  p95Ms: number;
}

/** Opens `requests` home pages, `atOnce` at a time; the same users in the same order each time. */
export async function openHomes(url: string, requests: number, atOnce: number): Promise<Load> {
  const took: number[] = [];
  let next = 0;
  async function person(): Promise<void> {
    while (next < requests) {
      const user = 1 + ((next++ * 7919) % 200);
      const start = performance.now();
      const answer = await fetch(`${url}/home/${user}`);
      if (!answer.ok) throw new Error(`feed: ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
      took.push(performance.now() - start);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, person));
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(share * took.length))]!;
  return { requests, p50Ms: at(0.5), p95Ms: at(0.95) };
}
