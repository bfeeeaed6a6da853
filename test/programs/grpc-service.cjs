// The service of pins.proto. ListPins sends as many pins as the id says, then fails for ids from 100; WatchPins sends one
// and goes on until the client leaves. `main`: the service, and a client of it that calls each method once.
const { join } = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const { pins } = grpc.loadPackageDefinition(loader.loadSync(join(__dirname, 'pins.proto')));

/** `calls` counts what came, `traces` keeps the traceparent that came with each GetPin. */
function serve(calls = {}, traces = new Map()) {
  const count = (name) => {
    calls[name] = (calls[name] ?? 0) + 1;
  };
  const server = new grpc.Server();
  server.addService(pins.Pins.service, {
    getPin(call, done) {
      count('getPin');
      const { id } = call.request;
      traces.set(id, call.metadata.get('traceparent')[0]);
      if (id === 0) done({ code: grpc.status.NOT_FOUND, message: 'secret-value' });
      else if (id > 0) done(null, { id, title: 'secret-value' });
    },
    listPins(call) {
      count('listPins');
      const { id } = call.request;
      for (let i = 0; i < id % 100; i++) call.write({ id: i, title: 'secret-value' });
      if (id >= 100) call.emit('error', { code: grpc.status.DATA_LOSS, message: 'secret-value' });
      else call.end();
    },
    savePins(call, done) {
      count('savePins');
      let n = 0;
      call.on('data', () => n++);
      call.on('end', () => done(null, { n }));
    },
    editPins(call) {
      count('editPins');
      call.on('data', (pin) => call.write(pin));
      call.on('end', () => call.end());
    },
    watchPins(call) {
      count('watchPins');
      call.write({ id: call.request.id });
    },
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve({ server, address: `127.0.0.1:${port}`, calls, traces });
    });
  });
}

async function main() {
  const { server, address } = await serve();
  const client = new pins.Pins(address, grpc.credentials.createInsecure());
  await new Promise((done) => client.getPin({ id: 0 }, done));
  await new Promise((done) =>
    client
      .listPins({ id: 103 })
      .on('data', () => {})
      .on('error', done),
  );
  await new Promise((done) => {
    const call = client.savePins(done);
    call.write({ id: 1 });
    call.end();
  });
  await new Promise((done) =>
    client
      .editPins()
      .on('data', () => {})
      .on('end', done)
      .end(),
  );
  await new Promise((done) => client.getPin({ id: -1 }, { deadline: Date.now() + 200 }, done));
  client.close();
  server.forceShutdown();
}

module.exports = { serve, main };
