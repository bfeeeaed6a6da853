// Node's own time-out of a request.
'use strict';

const http = require('node:http');
const { account, ports, warm } = require('truth');

const agent = new http.Agent({ keepAlive: true });
const get = (path) =>
  new Promise((resolve, reject) => {
    http
      .get({ port: ports.http[0], host: '127.0.0.1', path, agent }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
      .on('error', reject);
  });

const giveUp = (path, ms) =>
  new Promise((resolve, reject) => {
    const request = http.get({ port: ports.http[0], host: '127.0.0.1', path, agent }, resolve);
    request.on('error', reject);
    request.setTimeout(ms, () => request.destroy(new Error('too late')));
  });

async function ask() {
  const t = account('ask');
  try {
    await new Promise((resolve, reject) => {
      const request = http.get({ port: ports.http[0], host: '127.0.0.1', path: '/slow?ms=400', agent }, resolve);
      request.on('error', reject);
      request.setTimeout(80, () => request.destroy(new Error('too late')));
      t.cpu();
    });
  } catch {
    t.timers(78);
  }
}

async function main() {
  await warm(() => get('/warm'));
  await warm(() => giveUp('/warm?ms=50', 5).catch(() => {}));
  await ask();
  agent.destroy();
}

main();
