// Every quality of service, a subscription, and with version 5 what the server refuses.
import { connectAsync } from 'mqtt';

const client = await connectAsync(process.env.SERVER_URL, { protocolVersion: 5 });
const listener = await connectAsync(process.env.SERVER_URL);

let heard = 0;
let allHeard;
const done = new Promise((resolve) => {
  allHeard = resolve;
});
listener.on('message', () => {
  if (++heard === 60) allHeard();
});

async function listen() {
  await listener.subscribeAsync(['devices/+/telemetry', 'orders/#'], { qos: 1 });
}

async function sendTelemetry(id) {
  await client.publishAsync(`devices/${id}/telemetry`, 'secret-value');
}

async function publishOrder() {
  await client.publishAsync('orders/created', 'secret-value', { qos: 1 });
}

async function publishPaid() {
  await client.publishAsync('orders/paid', 'secret-value', { qos: 2 });
}

async function publishUnheard() {
  await client.publishAsync('nobody/listens', 'secret-value', { qos: 1 });
}

async function handle(id) {
  await sendTelemetry(id);
  await publishOrder();
  await publishPaid();
  await publishUnheard();
}

await listen();
await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
await done;
await client.endAsync();
await listener.endAsync();
