// A file that can be read only when another process has written to it.
import { execFileSync, spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { account, warm } from 'truth';

const pipe = join(tmpdir(), `whywait-pipe-${process.pid}`);
execFileSync('mkfifo', [pipe]);
const writer = spawn('sh', ['-c', `sleep 0.08; echo words > ${pipe}; rm ${pipe}`]);

async function readWords() {
  const t = account('readWords');
  await t.asked(readFile(pipe)); // ended by other
  t.other();
  for (let i = 0; i < 10; i++) await stat('/'); // ended by other
  t.other();
}

await warm(() => stat('/'));
await readWords();
writer.unref();
