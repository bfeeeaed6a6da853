// Starts the users and the feed service, and stops both when told to: `tsx src/start.ts [fixed]`.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

function service(name: string, ...args: string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), args, {
    env: { ...process.env, OTEL_SERVICE_NAME: name },
  });
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child));
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
}

const services = [await service('users'), await service('feed', ...process.argv.slice(2, 3))];
console.log(`pinboard at http://127.0.0.1:${process.env['FEED_PORT']}/home/1 — Ctrl-C ends it`);

function stop(): void {
  for (const child of services) child.kill('SIGTERM');
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
