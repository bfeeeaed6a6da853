// Message brokers and WebSockets. The message carries the owner, and so does what it is addressed by, where peers show
// only that (not as a message's end: a message is over with its last byte, and its owner must be told before). What is delivered is handled by the program's own function, and is work of its own.

import { type AskBack, type Client, load, promised, type Setups } from './client.ts';

/** Asking is sending a message that is delivered to this process, and handled in it, before the answer. */
function delivered(send: (tag: string) => unknown, tell: (tag: string) => unknown) {
  const waiting = new Map<string, (() => void)[]>();
  let handle: (tell: (tag: string) => unknown) => Promise<unknown> = async () => {};
  return {
    ask: (tag: string) =>
      new Promise<void>((resolve, reject) => {
        const others = waiting.get(tag);
        if (others) others.push(resolve);
        else waiting.set(tag, [resolve]);
        Promise.resolve(send(tag)).catch(reject);
      }),
    /** To be called with each message. */
    async arrived(message: string) {
      const tag = message.trim();
      await handle(tell);
      const waits = waiting.get(tag);
      waits?.shift()?.();
      if (waits?.length === 0) waiting.delete(tag);
    },
    onMessage: (handler: typeof handle) => {
      handle = handler;
    },
  };
}

/** What nobody listens to. */
const nowhere = 'nowhere';

const amqp: Setups = {
  'amqplib confirm': {
    needs: ['rabbitmq'],
    callbacks: true,
    async open({ rabbitmq: port }) {
      const connection = await load('amqplib').connect(`amqp://127.0.0.1:${port}`);
      const channel = await connection.createConfirmChannel();
      const askBack: AskBack = (tag, done) => channel.publish('amq.topic', tag, Buffer.from(tag), {}, done);
      return { askBack, ask: promised(askBack), close: () => connection.close() };
    },
  },
  'amqplib publish': {
    needs: ['rabbitmq'],
    oneWay: true,
    async open({ rabbitmq: port }) {
      const connection = await load('amqplib').connect(`amqp://127.0.0.1:${port}`);
      const channel = await connection.createChannel();
      return {
        ask: async (tag) => channel.publish('amq.topic', tag, Buffer.from(tag)),
        close: () => connection.close(),
      };
    },
  },
  'amqplib consume': {
    needs: ['rabbitmq'],
    oneWay: true,
    handles: true,
    async open({ rabbitmq: port }): Promise<Client> {
      const connection = await load('amqplib').connect(`amqp://127.0.0.1:${port}`);
      const channel = await connection.createChannel();
      const { queue } = await channel.assertQueue('', { exclusive: true });
      const { ask, arrived, onMessage } = delivered(
        (tag) => channel.publish('', queue, Buffer.from(tag)),
        (tag) => channel.publish('amq.topic', nowhere, Buffer.from(tag)),
      );
      type Message = { content: Buffer };
      await channel.consume(queue, async (message: Message) => {
        await arrived(message.content.toString());
        channel.ack(message);
      });
      return { ask, onMessage, close: () => connection.close() };
    },
  },
};

const nats: Setups = {
  'nats request': {
    needs: ['nats'],
    mends: true,
    async open({ nats: port }) {
      const { connect, StringCodec } = load('nats');
      const connection = await connect({ port, reconnectTimeWait: 5, reconnectJitter: 1, maxReconnectAttempts: -1 });
      const text = StringCodec();
      return {
        ask: (tag) => connection.request('echo', text.encode(tag), { timeout: 1_000 }),
        close: () => connection.close(),
      };
    },
  },
  'nats publish': {
    needs: ['nats'],
    oneWay: true,
    async open({ nats: port }) {
      const { connect, StringCodec } = load('nats');
      const connection = await connect({ port });
      const text = StringCodec();
      return {
        ask: async (tag) => connection.publish(nowhere, text.encode(tag)),
        close: () => connection.close(),
      };
    },
  },
  'nats subscribe': {
    needs: ['nats'],
    oneWay: true,
    handles: true,
    async open({ nats: port }): Promise<Client> {
      const { connect, StringCodec } = load('nats');
      const connection = await connect({ port });
      const text = StringCodec();
      const { ask, arrived, onMessage } = delivered(
        (tag) => connection.publish('orders', text.encode(tag)),
        (tag) => connection.publish(nowhere, text.encode(tag)),
      );
      const messages = connection.subscribe('orders');
      (async () => {
        for await (const { data } of messages) void arrived(text.decode(data));
      })();
      await connection.flush();
      return { ask, onMessage, close: () => connection.close() };
    },
  },
};

const mqttOf = (qos: 0 | 1): Setups => ({
  [`mqtt QoS ${qos}`]: {
    needs: ['mosquitto'],
    callbacks: true,
    ...(qos > 0 ? { mends: true } : {}),
    oneWay: qos === 0,
    async open({ mosquitto: port }) {
      const client = load('mqtt').connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 5 });
      client.on('error', () => {});
      await new Promise((resolve) => client.once('connect', resolve));
      return {
        ask: (tag) => client.publishAsync(nowhere, `${tag} `, { qos }),
        askBack: (tag, done) => client.publish(nowhere, `${tag} `, { qos }, done),
        close: () => client.endAsync(),
      };
    },
  },
});

const mqtt: Setups = {
  ...mqttOf(0),
  ...mqttOf(1),
  'mqtt subscribe': {
    needs: ['mosquitto'],
    handles: true,
    async open({ mosquitto: port }): Promise<Client> {
      const client = await load('mqtt').connectAsync(`mqtt://127.0.0.1:${port}`);
      const { ask, arrived, onMessage } = delivered(
        (tag) => client.publishAsync('orders', `${tag} `, { qos: 1 }),
        (tag) => client.publishAsync(nowhere, `${tag} `, { qos: 1 }),
      );
      client.on('message', (_topic: string, message: Buffer) => arrived(message.toString()));
      await client.subscribeAsync('orders', { qos: 1 });
      return { ask, onMessage, close: () => client.endAsync() };
    },
  },
};

const websocket: Setups = {
  ws: {
    needs: ['websocket'],
    oneWay: true,
    async open({ websocket: port }): Promise<Client> {
      const WebSocket = load('ws');
      // A mask of zeros leaves the message readable.
      const generateMask = (mask: Buffer) => mask.fill(0);
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { generateMask });
      await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
      const { ask, arrived } = delivered(
        async (tag) => socket.send(`${tag} `),
        () => {},
      );
      socket.on('message', (data: Buffer) => arrived(data.toString()));
      return { ask, close: () => socket.terminate() };
    },
  },
};

export const messaging: Setups = { ...amqp, ...nats, ...mqtt, ...websocket };
