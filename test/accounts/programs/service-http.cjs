// node:http with an agent that keeps connections, by callbacks and events.
'use strict';

const http = require('node:http');
const { account, ports, warm } = require('truth');

const agent = new http.Agent({ keepAlive: true });
const get = (path) =>
  new Promise((resolve, reject) => {
    http
      .get({ port: ports.http[60], host: '127.0.0.1', path, agent }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
      .on('error', reject);
  });

function load() {
  const t = account('load');
  return new Promise((resolve, reject) => {
    http
      .get({ port: ports.http[60], host: '127.0.0.1', path: '/a?ms=40', agent }, (response) => {
        response.resume();
        response.on('end', () => {
          t.services(100);
          resolve();
        });
      })
      .on('error', reject);
  });
}

async function main() {
  await warm(() => get('/warm'));
  await load();
  agent.destroy();
}

main();
