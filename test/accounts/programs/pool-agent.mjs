// An http.Agent with one socket.
import http from 'node:http';
import { account, heldBy, ports, warm } from 'truth';

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const get = (path) =>
  new Promise((resolve, reject) => {
    http
      .get({ port: ports.http[0], host: '127.0.0.1', path, agent }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
      .on('error', reject);
  });
let freed;

async function exportPins() {
  const t = account('exportPins');
  await t.asked(get('/export?ms=120')); // ended by function get
  t.callees(120);
  freed();
}

async function loadPin() {
  const response = await new Promise((resolve, reject) => {
    http.get({ port: ports.http[0], host: '127.0.0.1', path: '/pin?ms=60', agent }, resolve).on('error', reject);
  });
  t.services(60);
  response.resume();
}

await warm(() => get('/warm'));
const first = exportPins();
const t = account('loadPin');
freed = () => heldBy('loadPin', { get: t.pool(118) });
await Promise.all([first, loadPin()]);
agent.destroy();
