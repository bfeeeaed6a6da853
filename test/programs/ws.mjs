// A WebSocket with permessage-deflate: messages both ways, a ping.
import { once } from 'node:events';
import WebSocket from 'ws';

const socket = new WebSocket(process.env.SERVER_URL);
await once(socket, 'open');

let heard = 0;
let allHeard;
const done = new Promise((resolve) => {
  allHeard = resolve;
});
socket.on('message', () => {
  if (++heard === 40) allHeard();
});

function say(text) {
  socket.send(`secret-value ${text}`);
}

async function ping() {
  socket.ping();
  await once(socket, 'pong');
}

for (let i = 0; i < 20; i++) say(i);
await done;
await ping();
socket.close();
