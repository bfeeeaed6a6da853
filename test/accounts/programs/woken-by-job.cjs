// A job that tells when it is done, by an event.
'use strict';

const { EventEmitter } = require('node:events');
const { Redis } = require('ioredis');
const { account, ports, spin, warm } = require('truth');

const redis = new Redis(ports.redis[60]);

class Job extends EventEmitter {
  async run(key) {
    const t = account('Job.run');
    const asked = redis.get(key);
    t.cpu();
    await asked; // ended by operation get
    t.services(60);
    spin(20);
    t.cpu(20);
    this.emit('done', key);
  }
}

async function waitForJob(job) {
  const t = account('waitForJob');
  const key = await new Promise((resolve) => job.once('done', resolve)); // ended by function Job.run
  t.callees(80);
  spin(10);
  t.cpu(10);
  return key;
}

async function main() {
  await warm(() => redis.get('warm'));
  const job = new Job();
  const done = waitForJob(job);
  job.run('a');
  await done;
  await redis.quit();
}

main();
