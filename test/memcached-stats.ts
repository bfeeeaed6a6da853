// memcached's own counters, by its text protocol.

import { connect } from 'node:net';

export function askMemcached(port: number): Promise<{ cmd_get: number; cmd_set: number }> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('stats\r\n'));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (!text.endsWith('END\r\n')) return;
      socket.destroy();
      const stat = (name: string) => Number(new RegExp(`STAT ${name} (\\d+)`).exec(text)?.[1]);
      resolve({ cmd_get: stat('cmd_get'), cmd_set: stat('cmd_set') });
    });
  });
}
