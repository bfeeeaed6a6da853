// Runs a bundle of ours (main.recorder.cjs, transform.cjs) past Node's module system, from V8's compiled code of it where that
// was kept: parsing half a megabyte takes 10 ms, reading what was made of it 0.2 ms.
//
// Kept in the directory of the transform's cache, the user's alone. V8 trusts such code once its own version, its flags
// and the source's length fit, so the file's name holds the digest of the source and its head that of the code.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { openCache, writeWhole } from './transform/cache.ts';

const digestBytes = 20;
const digest = (bytes: Uint8Array): Buffer => createHash('sha1').update(bytes).digest();

/** What a CommonJS module sees. */
export type Scope = readonly [
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  filename: string,
  dirname: string,
];

/**
 * @param version the digest of the bundle, from its build; '' = it was not built for keeping
 * @param directory of the cache; '' = the usual one
 */
export function runBundle(file: string, version: string, directory: string, scope: Scope): void {
  const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(file, 'utf8')}\n})`;
  const cache = version === '' ? undefined : openCache(directory);
  const name = `code-${version}-${process.versions.v8}-${process.arch}-${cachedDataVersionTag()}`;
  const kept = cache && readCode(join(cache, name));
  const script = new Script(source, { filename: file, ...(kept ? { cachedData: kept } : {}) });
  (script.runInThisContext() as (...given: Scope) => void)(...scope);
  if (!cache || (kept && !script.cachedDataRejected)) return;
  // Now, and not before it has run: with the functions that a start needs.
  const code = script.createCachedData();
  writeWhole(cache, name, Buffer.concat([digest(code), code]));
}

function readCode(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const code = bytes.subarray(digestBytes);
    return digest(code).equals(bytes.subarray(0, digestBytes)) ? code : undefined;
  } catch {
    return undefined;
  }
}
