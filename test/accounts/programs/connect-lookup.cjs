// Looking up the host takes its time, opening the connection does not.
'use strict';

const http = require('node:http');
const { account, ports, slowLookup, warm } = require('truth');

const get = (options) =>
  new Promise((resolve, reject) => {
    http
      .get({ port: ports.http[0], host: 'elsewhere.test', agent: false, ...options }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
      .on('error', reject);
  });

async function load() {
  const t = account('load');
  await new Promise((resolve, reject) => {
    http
      .get({ port: ports.http[60], host: 'elsewhere.test', agent: false, lookup: slowLookup(80) }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
      .on('error', reject)
      .on('socket', (socket) => {
        t.cpu();
        socket.on('connect', () => t.connect(80));
      });
  });
  t.services(60);
}

async function main() {
  await warm(() => get({ host: '127.0.0.1' }));
  await load();
}

main();
