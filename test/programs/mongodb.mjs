// mongodb: a pool, cursors of several batches, writes, transactions' sessions left to the driver, errors.
import { writeFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';

const client = new MongoClient(process.env.MONGODB_URL, { maxPoolSize: 3, monitorCommands: true });
const pins = client.db('app').collection('pins');
// What the driver says that it asked: a witness beside the recorder. It says nothing of opening a connection.
let commands = 0;
client.on('commandStarted', ({ commandName }) => {
  if (commandName !== 'endSessions') commands++;
});

async function fillPins() {
  await pins.insertMany(Array.from({ length: 500 }, (_, i) => ({ user_id: i % 50, title: 'secret-value', n: i })));
  await pins.createIndex({ n: 1 }, { unique: true });
}

async function readPins(id) {
  return await pins.find({ user_id: id, title: { $ne: 'secret-literal' } }).toArray();
}

async function readAll() {
  let count = 0;
  for await (const pin of pins.find({}, { batchSize: 200 })) count += pin.n >= 0 ? 1 : 0;
  return count;
}

async function countByUser(id) {
  return await pins.aggregate([{ $match: { user_id: id } }, { $group: { _id: '$user_id', n: { $sum: 1 } } }]).toArray();
}

async function renamePin(id) {
  await pins.updateOne({ n: id }, { $set: { title: 'secret-literal' } });
}

async function addTwice(id) {
  try {
    await pins.insertOne({ user_id: id, title: 'secret-value', n: id });
  } catch (error) {
    return error.code;
  }
}

async function askWrongly() {
  try {
    await client.db('app').command({ nonsense: 'secret-literal' });
  } catch (error) {
    return error.codeName;
  }
}

async function handle(id) {
  await readPins(id);
  await readAll();
  await countByUser(id);
  await renamePin(id);
  await addTwice(id);
  await askWrongly();
}

await fillPins();
await Promise.all(Array.from({ length: 20 }, (_, i) => handle(1 + i)));
await client.close();
writeFileSync(process.env.MONGODB_COUNT, String(commands));
