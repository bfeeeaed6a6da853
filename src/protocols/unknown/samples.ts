// Conversations for the contract, made by hand.

import type { LongSample, Sample } from '../contract.ts';

export const samples: Record<string, Sample> = {
  'two turns': [
    ['c', 'QUESTION one\n'],
    ['s', 'ANSWER one\n'],
    ['c', 'QUESTION'],
    ['c', ' two\n'],
    ['s', 'ANSWER'],
    ['s', ' two\n'],
  ],
  'the server speaks first': [
    ['s', '\x00ready'],
    ['c', '\x01ask'],
    ['s', '\x02tell'],
    ['s', '\x03tell more'],
  ],
  'nobody answers': [['c', '\x00log line\n']],
};

export const long: Record<string, LongSample> = {
  answer: {
    before: [['c', '\x00more']],
    from: 's',
    piece: new Uint8Array(65536),
    times: 4096,
    after: [['c', '\x00again']],
    exchanges: 2,
  },
};
