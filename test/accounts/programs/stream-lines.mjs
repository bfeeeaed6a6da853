// Lines of an answer, each worked on as it comes.
import http from 'node:http';
import { createInterface } from 'node:readline';
import { account, spin, warm } from 'truth';

const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((request, response) => {
  const lines = request.url === '/lines' ? 4 : 1;
  const send = (left) => {
    response.write(`line ${left}\n`);
    if (left > 1) setTimeout(send, 50, left - 1);
    else response.end();
  };
  setTimeout(send, lines === 4 ? 50 : 1, lines);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const open = (path) =>
  new Promise((resolve, reject) => {
    http.get({ port: server.address().port, host: '127.0.0.1', path, agent }, resolve).on('error', reject);
  });

async function readLines(path) {
  const t = account('readLines');
  const input = await open(path);
  t.callees();
  for await (const line of createInterface({ input })) {
    t.services();
    spin(line.length);
    t.cpu();
  }
  t.services();
}

await warm(async () => {
  for await (const _ of createInterface({ input: await open('/warm') }));
});
await readLines('/lines');
process.exit();
