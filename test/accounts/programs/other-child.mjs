// A child process, and its output.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { account, spin, warm } from 'truth';

const run = promisify(execFile);

async function callOut() {
  const t = account('callOut');
  const called = run('sleep', ['0.08']);
  t.cpu();
  await called; // ended by other
  t.other(80);
  const said = run('echo', ['words']);
  t.cpu();
  await said; // ended by other
  t.other();
  spin(20);
  t.cpu(20);
}

await warm(() => run('true'));
await callOut();
