// A command that is waited for, by callback; a service is asked meanwhile.
'use strict';

const { exec } = require('node:child_process');
const { Redis } = require('ioredis');
const { account, ports, warm } = require('truth');

const redis = new Redis(ports.redis[30]);

function execute(command) {
  return new Promise((resolve, reject) => {
    exec(command, (error, out) => (error ? reject(error) : resolve(out)));
  });
}

async function convert() {
  const t = account('convert');
  const converted = execute('sleep 0.1');
  const asked = redis.get('name');
  t.cpu();
  await asked; // ended by operation get
  t.services(30);
  await converted;
  t.callees(60);
}

async function main() {
  await warm(() => redis.get('warm'));
  await warm(() => execute('true'));
  await convert();
  await redis.quit();
}

main();
