// Loads the transform (dist/recorder/transform.cjs) past Node's module system: the program may have put a compiler of
// its own in there (babel-register, ts-node), and `require.cache` is the program's.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import type { Entry } from './cache.ts';
import type { FileOptions } from './file.ts';

export type TransformFile = (source: string, options: FileOptions) => Entry;

/** @param require where the bundle gets Node's own modules from. */
export function loadTransform(folder: string, require: NodeJS.Require): TransformFile {
  const filename = join(folder, 'transform.cjs');
  const module = { exports: {} as { transformFile: TransformFile } };
  const run = compileFunction(readFileSync(filename, 'utf8'), ['module', 'exports', 'require'], { filename });
  run(module, module.exports, require);
  return module.exports.transformFile;
}
