// gRPC over node:http2. The service's name carries the owner: its bytes pass no socket.

import { type AskBack, load, promised, type Setups } from './client.ts';

const needs = ['grpc'] as const;
const same = (bytes: Buffer) => bytes;
const empty = Buffer.alloc(0);
/** `own:7.awaited:` as a service's name. */
const pathOf = (tag: string) => `/${tag.replace(/:$/, '').replace(':', '.')}/Get`;

export const grpc: Setups = {
  'grpc-js unary': {
    needs,
    callbacks: true,
    open({ grpc: port }) {
      const { Client, credentials } = load('@grpc/grpc-js');
      const one = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      const askBack: AskBack = (tag, done) => one.makeUnaryRequest(pathOf(tag), same, same, empty, done);
      return { askBack, ask: promised(askBack), close: () => one.close() };
    },
  },
  'grpc-js streams': {
    needs,
    open({ grpc: port }) {
      const { Client, credentials } = load('@grpc/grpc-js');
      const one = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      return {
        async ask(tag) {
          const messages = [];
          for await (const message of one.makeServerStreamRequest(pathOf(tag), same, same, empty))
            messages.push(message);
          return messages;
        },
        close: () => one.close(),
      };
    },
  },
};
