// A connection that breaks while its answer is awaited; the request is made again on another one.
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

async function load() {
  const t = account('load');
  try {
    await t.asked(get('/broken?ms=60&reset')); // ended by function get
  } catch {
    t.callees(60);
    await t.asked(get('/whole?ms=30')); // ended by function get
    t.callees(30);
  }
}

async function main() {
  await warm(() => get('/warm'));
  await warm(() => get('/warm?reset').catch(() => {}));
  await load();
  agent.destroy();
}

main();
