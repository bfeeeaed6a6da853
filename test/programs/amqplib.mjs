// Publishing with and without confirmation, a consumer, get, an error of the server.
import { connect } from 'amqplib';

const connection = await connect(process.env.SERVER_URL);
const channel = await connection.createChannel();
const confirming = await connection.createConfirmChannel();

await channel.assertExchange('events', 'topic', { durable: false });
await channel.assertQueue('orders', { durable: false });
await channel.assertQueue('jobs', { durable: false });
await channel.bindQueue('orders', 'events', 'orders.*');

let handled = 0;
let allHandled;
const done = new Promise((resolve) => {
  allHandled = resolve;
});

function handleOrder(message) {
  channel.ack(message);
  if (++handled === 40) allHandled();
}

function publishOrder(id) {
  channel.publish('events', 'orders.created', Buffer.from(`secret-value ${id}`));
}

async function publishSafely(id) {
  await new Promise((resolve, reject) => {
    confirming.publish('events', 'orders.paid', Buffer.from(`secret-value ${id}`), {}, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function addJob(id) {
  confirming.sendToQueue('jobs', Buffer.from(`secret-value ${id}`));
  await confirming.waitForConfirms();
}

async function takeJob() {
  return await channel.get('jobs', { noAck: true });
}

async function askWrongly() {
  const own = await connection.createChannel();
  own.on('error', () => {});
  await own.checkQueue('nowhere').catch(() => {});
}

async function handle(id) {
  publishOrder(id);
  await publishSafely(id);
  await addJob(id);
  await takeJob();
}

await channel.consume('orders', handleOrder);
await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
await Promise.all([askWrongly(), askWrongly()]);
await done;
await channel.close();
await confirming.close();
await connection.close();
