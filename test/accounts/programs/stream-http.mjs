// A body in pieces, each worked on when it comes.
import http from 'node:http';
import { account, ports, spin, warm } from 'truth';

const agent = new http.Agent({ keepAlive: true });
const ask = (path) =>
  new Promise((resolve, reject) => {
    http.get({ port: ports.http[0], host: '127.0.0.1', path, agent }, resolve).on('error', reject);
  });

async function readPieces() {
  const t = account('readPieces');
  const response = await ask('/a?ms=60&chunks=4&every=60');
  t.callees(60);
  for await (const piece of response) {
    t.services();
    spin(piece.length);
    t.cpu(10);
  }
  t.services();
}

await warm(async () => {
  for await (const _ of await ask('/warm'));
});
await readPieces();
agent.destroy();
