// @grpc/grpc-js: unary calls, one of them refused by the service.
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

async function askMissing() {
  try {
    await getPin({ id: 0 });
  } catch (error) {
    return error.code;
  }
}

async function handle(id) {
  await readPin(id);
  await askMissing();
}

Promise.all(Array.from({ length: 20 }, (_, i) => handle(1 + i))).then(() => client.close());
