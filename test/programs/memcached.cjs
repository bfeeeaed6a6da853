// memcached's text protocol with callbacks.
const Memcached = require('memcached');

const cache = new Memcached(`127.0.0.1:${process.env.MEMCACHED_PORT}`, { poolSize: 3 });

function readFeed(id, done) {
  cache.get(`page:${id}`, (error, value) => done(error, value));
}

function writeFeed(id, done) {
  cache.set(`page:${id}`, 'secret-value', 60, (error) => done(error));
}

function handle(id, done) {
  readFeed(id, (error) => {
    if (error) throw error;
    writeFeed(id, (failed) => {
      if (failed) throw failed;
      readFeed(id, done);
    });
  });
}

function main() {
  let left = 20;
  for (let id = 0; id < 20; id++) {
    handle(id, (error) => {
      if (error) throw error;
      left--;
      if (left === 0) cache.end();
    });
  }
}

main();
