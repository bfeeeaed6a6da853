// The `load` hook where Node runs hooks in a thread of their own (20, and 22 before 22.15). Sites are numbered here
// from a counter shared with the program's thread, which is told of them through a port before the code reaches it.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CountMessage, HooksData, SitesMessage } from './install.ts';
import { Rewriter } from './rewrite.ts';

interface LoadResult {
  format: string | null | undefined;
  source?: string | ArrayBuffer | Uint8Array | null;
}

const latest = Symbol.for('whywait.hooks');
const shared = globalThis as unknown as Record<symbol, number>;

let number = 0;
let rewriter: Rewriter | undefined;
/** The module that is being rewritten. */
let at = '';

export function initialize(data: HooksData): void {
  number = data.number;
  shared[latest] = number;
  const tell = (message: SitesMessage | CountMessage) => data.port.postMessage(message);
  rewriter = new Rewriter({
    root: data.root,
    entry: data.entry,
    cache: data.cache,
    own: data.folder,
    require: createRequire(join(data.folder, 'hooks.mjs')),
    register(files, functions) {
      const first = Atomics.add(data.numbers, 0, functions.length / 3);
      tell({ url: at, cache: rewriter?.cache ?? undefined, entry: rewriter?.lastEntry ?? '', first, files, functions });
      return first;
    },
    count: (counter, detail, value) => tell({ counter, detail, value }),
  });
}

export async function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<LoadResult>,
): Promise<LoadResult> {
  const result = await next(url, context);
  try {
    // Registered again later: the one that is asked first, and sees what all others made, is the last.
    if (shared[latest] !== number || !rewriter) return result;
    const { format, source } = result;
    // CommonJS has a source here only when other hooks made one (tsx); it does not pass Module.prototype._compile then.
    if ((format !== 'module' && format !== 'commonjs') || !source || !url.startsWith('file:')) return result;
    const file = fileURLToPath(url.replace(/[?#].*$/, ''));
    if (!rewriter.isUsers(file)) return result;
    const content = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8');
    at = url;
    const code = rewriter.rewrite(content, file, format);
    return code === content ? result : { ...result, source: code };
  } catch {
    return result;
  }
}
