// The driver of MongoDB. The filter carries the owner.

import { load, type Setups } from './client.ts';

const needs = ['mongodb'] as const;

async function collectionOf(port: number, maxPoolSize: number) {
  const client = new (load('mongodb').MongoClient)(`mongodb://127.0.0.1:${port}`, { maxPoolSize });
  await client.connect();
  const pins = client.db('app').collection('pins');
  return { client, pins };
}

export const mongodb: Setups = {
  mongodb: {
    needs,
    mends: true,
    async open({ mongodb: port }, size) {
      const { client, pins } = await collectionOf(port, size);
      return {
        ask: (tag) => pins.findOne({ tag }),
        askWrong: (tag) => client.db('app').command({ nonsense: tag }),
        close: () => client.close(),
      };
    },
  },
  'mongodb cursor': {
    needs,
    async open({ mongodb: port }, size) {
      const { client, pins } = await collectionOf(port, size);
      await pins.deleteMany({});
      await pins.insertMany([1, 2, 3, 4, 5].map((n) => ({ n })));
      return {
        async ask(tag) {
          let sum = 0;
          for await (const { n } of pins.find({ tag: { $ne: tag } }, { batchSize: 2 })) sum += n;
          return sum;
        },
        close: () => client.close(),
      };
    },
  },
};
