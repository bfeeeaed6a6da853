// Every protocol of the list passes the contract. To look at one: node --import tsx --test
// --test-name-pattern '^redis:' src/protocols/contract.test.ts

import { checkContract } from './contract.ts';
import { protocols } from './list.ts';
import { unknown } from './unknown/decoder.ts';
import { websocketOn } from './websocket/decoder.ts';

/** Folders that are not called as their protocol. */
const folders: Record<string, string> = { http: 'http1' };

for (const protocol of [...protocols, unknown])
  await checkContract(protocol, folders[protocol.name] ?? protocol.name, protocols, unknown);

// Never recognised by itself; here every conversation is one.
const websocket = websocketOn('/chat');
await checkContract(websocket, 'websocket', [{ ...websocket, recognise: () => 'yes' }], unknown);
