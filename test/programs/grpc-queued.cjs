// @grpc/grpc-js: calls of many requests at once, the first of them before the channel is ready.
const http = require('node:http');
const { once } = require('node:events');
const { join } = require('node:path');
const { promisify } = require('node:util');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const { pins } = grpc.loadPackageDefinition(loader.loadSync(join(__dirname, 'pins.proto')));
const client = new pins.Pins(process.env.GRPC_ADDRESS, grpc.credentials.createInsecure());
const getPin = promisify(client.getPin.bind(client));

async function readPin(id) {
  return await getPin({ id });
}

let waiting = [];
const server = http.createServer(async (request, response) => {
  // Twenty call at once, so that all of the first twenty meet a channel that is not ready.
  await new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length < 20) return;
    for (const go of waiting) go();
    waiting = [];
  });
  await readPin(Number(request.url.split('/')[2]));
  response.end();
});

/** The trace that a request says it belongs to: its number. */
async function ask(id) {
  const trace = String(id).padStart(32, '0');
  const { port } = server.address();
  const headers = { traceparent: `00-${trace}-00000000000000ff-01` };
  await once(
    http.get({ port, path: `/pins/${id}`, headers }).on('response', (r) => r.resume()),
    'close',
  );
}

async function main() {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  for (const first of [1, 21, 41]) await Promise.all(Array.from({ length: 20 }, (_, i) => ask(first + i)));
  server.close();
  client.close();
}

main();
