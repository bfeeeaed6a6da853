// Node looks hosts up in its four threads: while they are busy, a request waits before it can connect.
import { pbkdf2 } from 'node:crypto';
import http from 'node:http';
import { account, ports, warm } from 'truth';

const get = (options) =>
  new Promise((resolve, reject) => {
    http
      .get({ host: 'localhost', family: 4, agent: false, ...options }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
      .on('error', reject);
  });

async function load() {
  const t = account('load');
  await new Promise((resolve, reject) => {
    const request = http.get({ host: 'localhost', family: 4, port: ports.http[60], agent: false }, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    request.on('error', reject);
    request.on('socket', (socket) => {
      t.cpu();
      socket.on('connect', () => t.connect(20));
    });
  });
  t.services(60);
}

await warm(() => get({ port: ports.http[0] }));
await warm(() => new Promise((resolve) => pbkdf2('a', 'b', 10, 64, 'sha512', resolve)));
for (let i = 0; i < 4; i++) pbkdf2('secret', 'salt', 60_000, 64, 'sha512', () => {});
await load();
