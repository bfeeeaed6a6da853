// @grpc/grpc-js: streams in each direction, failures behind messages, deadlines, cancelled calls, a server that goes.
const { once } = require('node:events');
const { join } = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const { pins } = grpc.loadPackageDefinition(loader.loadSync(join(__dirname, 'pins.proto')));
const client = new pins.Pins(process.env.GRPC_ADDRESS, grpc.credentials.createInsecure());

async function listPins(id) {
  let count = 0;
  for await (const pin of client.listPins({ id })) count += pin.id >= 0 ? 1 : 0;
  return count;
}

async function listBroken() {
  try {
    return await listPins(103);
  } catch (error) {
    return error.code;
  }
}

async function savePins(id) {
  return await new Promise((resolve, reject) => {
    const call = client.savePins((error, { n }) => (error ? reject(error) : resolve(n)));
    for (let i = 0; i < 3; i++) call.write({ id, title: 'secret-literal' });
    call.end();
  });
}

async function editPins(id) {
  const call = client.editPins();
  const seen = [];
  for (let i = 0; i < 3; i++) {
    call.write({ id: id + i, title: 'secret-literal' });
    const [pin] = await once(call, 'data');
    seen.push(pin.id);
  }
  call.end();
  await once(call, 'end');
  return seen;
}

async function waitTooLong() {
  return await new Promise((resolve) => {
    client.getPin({ id: -1 }, { deadline: Date.now() + 100 }, (error) => resolve(error.code));
  });
}

async function watchAndLeave(id) {
  const call = client.watchPins({ id });
  await once(call, 'data');
  call.cancel();
  await once(call, 'error');
}

async function handle(id) {
  await listPins(id);
  await listBroken();
  await savePins(id);
  await editPins(id);
  await waitTooLong();
  await watchAndLeave(id);
}

Promise.all(Array.from({ length: 20 }, (_, i) => handle(1 + i))).then(() => client.close());
