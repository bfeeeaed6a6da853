// Node binaries of other versions, for tests and benchmarks: from npm's node-<platform>-<arch> packages (what its
// `node` package installs), kept in .cache/.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = join(dirname(fileURLToPath(import.meta.url)), '..', '.cache');

/** The Node majors that whywait supports. */
export const majors = [20, 22, 24, 26] as const;

/** Path of a Node binary of this major version; installed when it is missing and the running Node is another. */
export function nodeBinary(major: number): string {
  if (Number(process.versions.node.split('.')[0]) === major) return process.execPath;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const dir = join(cache, `node-${major}`);
  const binary = join(dir, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    console.error(`installing Node ${major} …`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'package.json'), '{"private":true}');
    const args = ['install', '--no-audit', '--no-fund', '--silent', '--no-package-lock', `${name}@${major}`];
    execFileSync('npm', args, { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return binary;
}
