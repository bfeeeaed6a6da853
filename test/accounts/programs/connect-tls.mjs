// A TLS handshake, each of whose answers is held.
import https from 'node:https';
import { account, ports, warm } from 'truth';

const get = (port, secured) =>
  new Promise((resolve, reject) => {
    https
      .get({ port, host: '127.0.0.1', agent: false, rejectUnauthorized: false }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
      .on('error', reject)
      .on('socket', (socket) => socket.on('secureConnect', secured));
  });

function load() {
  const t = account('load');
  return new Promise((resolve, reject) => {
    https
      .get({ port: ports.https[60], host: '127.0.0.1', agent: false, rejectUnauthorized: false }, (response) => {
        response.resume();
        response.on('end', () => {
          t.services(60);
          resolve();
        });
      })
      .on('error', reject)
      .on('socket', (socket) => {
        t.cpu();
        socket.on('secureConnect', () => t.connect(60));
      });
  });
}

await warm(() => get(ports.https[0], () => {}));
await load();
