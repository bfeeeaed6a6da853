// A proxy that loses connections: now and then it cuts one, in turn by a reset and by an end.

import { connect, createServer, type Socket } from 'node:net';

const everyMs = 100;
/** What is younger is left alone: some clients do not survive it. */
const youngMs = 30;

/** Before `to` on 127.0.0.1; every so often the connection that is next in turn is lost. */
export async function startCutting(to: number): Promise<{ port: number; stop(): void }> {
  /** And since when. */
  const open = new Map<Socket, number>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    near.setNoDelay(true);
    far.setNoDelay(true);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
    open.set(near, performance.now());
    near.on('close', () => open.delete(near));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let cuts = 0;
  const timer = setInterval(() => {
    const before = performance.now() - youngMs;
    const sockets = [...open.keys()].filter((socket) => (open.get(socket) ?? 0) < before);
    const one = sockets[cuts % sockets.length];
    if (one === undefined) return;
    if (cuts++ % 2 === 0) one.resetAndDestroy();
    else one.destroy();
  }, everyMs);
  return {
    port: (server.address() as { port: number }).port,
    stop: () => {
      clearInterval(timer);
      server.close();
      for (const socket of open.keys()) socket.destroy();
    },
  };
}
