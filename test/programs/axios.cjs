// axios from CommonJS, keep-alive with two sockets.
const http = require('node:http');
const axios = require('axios');

const client = axios.create({
  baseURL: process.env.HTTP_URL,
  httpAgent: new http.Agent({ keepAlive: true, maxSockets: 2 }),
});

async function readUser(id) {
  const { data } = await client.get(`/users/${id}`);
  return data;
}

async function askMissing() {
  try {
    await client.get('/missing');
  } catch (error) {
    return error.response.status;
  }
}

async function handle(id) {
  await readUser(id);
  await askMissing();
}

Promise.all(Array.from({ length: 20 }, (_, i) => handle(i))).then(() => client.defaults.httpAgent.destroy());
