// `npm test`: everything that must hold before a change lands, cheapest first. The first failure ends it.
// `npm test -- <word>…` runs only the test files whose path contains one of the words.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const words = process.argv.slice(2);

function step(name, command, args) {
  console.log(`\n— ${name}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const files = ['src', 'test']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, String(file))))
  .filter((file) => /\.test\.(ts|mjs)$/.test(file) && (words.length === 0 || words.some((word) => file.includes(word))))
  .sort();

if (words.length === 0) {
  step('types', 'npx', ['tsc', '--noEmit']);
  step('lint', 'npx', ['biome', 'check', '--error-on-warnings', '.']);
  step('build', 'node', ['scripts/build.mjs']);
  step('servers', 'node', ['--import', 'tsx', 'scripts/install.ts']);
}
step('tests', 'node', ['--import', 'tsx', '--test', '--test-concurrency=2', '--test-timeout=300000', ...files]);
