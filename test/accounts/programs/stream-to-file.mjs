// What a service sends goes into a file as it comes.
import { createWriteStream, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { account, ports, spin, warm } from 'truth';

const agent = new http.Agent({ keepAlive: true });
const file = join(tmpdir(), `whywait-stream-${process.pid}`);
const open = (path) =>
  new Promise((resolve, reject) => {
    http.get({ port: ports.http[0], host: '127.0.0.1', path, agent }, resolve).on('error', reject);
  });
const upper = () =>
  new Transform({
    transform(chunk, _encoding, done) {
      done(null, chunk.toString().toUpperCase());
    },
  });

async function download() {
  const t = account('download');
  const response = await open('/pins?ms=30&chunks=4&every=40'); // ended by function open
  t.callees(30);
  await pipeline(response, upper(), createWriteStream(file)); // ended by other
  t.services(118);
  spin(20);
  t.cpu(20);
}

await warm(async () => pipeline(await open('/warm'), upper(), createWriteStream(file)));
await download();
rmSync(file);
agent.destroy();
