// Timers that fire while it waits for a file let nothing of it go on.
import { execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { account } from 'truth';

const pipe = join(tmpdir(), `whywait-idle-${process.pid}`);
execFileSync('mkfifo', [pipe]);
let ticks = 0;
const ticking = setInterval(() => ticks++, 1);
const writer = spawn('sh', ['-c', `sleep 0.08; echo words > ${pipe}; rm ${pipe}`]);

async function readWords() {
  const t = account('readWords');
  await t.asked(readFile(pipe)); // ended by other
  t.other();
}

await readWords();
clearInterval(ticking);
writer.unref();
