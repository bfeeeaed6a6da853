// http and https with callbacks and events.
const http = require('node:http');
const https = require('node:https');

const agent = new http.Agent({ keepAlive: true, maxSockets: 3 });

function readUser(id, done) {
  http.get(`${process.env.HTTP_URL}/users/${id}`, { agent }, (answer) => {
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (chunk) => {
      text += chunk;
    });
    answer.on('end', () => done(JSON.parse(text)));
  });
}

function readSafely(id, done) {
  https.get(`${process.env.HTTPS_URL}/users/${id}`, { rejectUnauthorized: false }, (answer) => {
    answer.resume();
    answer.on('end', done);
  });
}

function handle(id, done) {
  readUser(id, () => {
    readSafely(id, done);
  });
}

function main() {
  let left = 20;
  for (let id = 0; id < 20; id++) {
    handle(id, () => {
      left--;
      if (left === 0) agent.destroy();
    });
  }
}

main();
