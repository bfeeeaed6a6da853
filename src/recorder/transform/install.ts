// Puts the transform in the way of every file that is loaded.
//
//   CommonJS            Module.prototype._compile: also what tsx, ts-node, @swc/register and the like call last
//   ES modules          module.registerHooks (22.15+), a `load` hook in this thread
//   … on older Node     module.register, a `load` hook in a thread of Node's (hooks.ts); starting that thread takes
//                       25 ms, so not before an ES module is near: as the entry, as an `import(` in the source, or
//                       when somebody else registers hooks
//
// Whoever registers hooks after us would be asked before us, and we would see TypeScript: so we register again.

import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Entry } from './cache.ts';
import type { SourceType } from './compile.ts';
import { eachOf, type Frames } from './each.ts';
import type { FileOptions } from './file.ts';
import { Rewriter } from './rewrite.ts';
import { keepFunctionText, runtimeName } from './text.ts';
import { packageType } from './user-code.ts';

export interface TransformRuntime extends Frames<never> {
  /** Makes the sites of files' functions: name, index of its file and line, three values each. */
  module(files: readonly string[], functions: readonly (string | number)[]): readonly unknown[];
}

export interface InstallOptions {
  /** The run's directory. */
  readonly root: string;
  /** The frames runtime; its members are what compiled code calls. */
  readonly runtime: object;
  /** The directory of transform.cjs and hooks.mjs. */
  readonly folder: string;
  /** Directory of the cache; WHYWAIT_CACHE, or one in the system's temporary directory, when left out. */
  readonly cache?: string;
  readonly count?: (counter: string, detail: string, value: number) => void;
}

interface LoadResult {
  format: string | null | undefined;
  source?: string | ArrayBuffer | Uint8Array | null;
  shortCircuit?: boolean;
}
type Load = (url: string, context: unknown, next: (url: string, context: unknown) => LoadResult) => LoadResult;

/** What of node:module has no types in the oldest Node that we run on. */
interface Loaders {
  prototype: { _compile(this: unknown, content: string, file: string, ...rest: unknown[]): unknown };
  register?(specifier: string | URL, ...rest: unknown[]): unknown;
  registerHooks?(hooks: { load?: Load }): { deregister(): void };
  stripTypeScriptTypes?(code: string): string;
  syncBuiltinESMExports(): void;
}

export function installTransform(options: InstallOptions): void {
  const runtime = options.runtime as TransformRuntime;
  const loaders = Module as unknown as Loaders;
  const sites: unknown[] = [];
  // Shared with the hooks' thread, which numbers sites too.
  const numbers = new Int32Array(new SharedArrayBuffer(4));
  const rewriter = new Rewriter({
    root: options.root,
    cache: options.cache ?? process.env['WHYWAIT_CACHE'] ?? '',
    own: options.folder,
    transform: () => (require(join(options.folder, 'transform.cjs')) as { transformFile: Transform }).transformFile,
    register(files, functions) {
      const first = Atomics.add(numbers, 0, functions.length / 3);
      place(first, files, functions);
      return first;
    },
    count: options.count ?? (() => {}),
  });
  const place = (first: number, files: readonly string[], functions: readonly (string | number)[]) => {
    const made = runtime.module(files, functions);
    for (let i = 0; i < made.length; i++) sites[first + i] = made[i];
  };

  Object.defineProperty(globalThis, runtimeName, {
    value: Object.freeze({ ...runtime, each: eachOf(runtime), m: sites }),
    enumerable: false,
    writable: false,
    configurable: false,
  });
  keepFunctionText();

  const { _compile } = loaders.prototype;
  const thread = loaders.registerHooks ? undefined : new HooksThread(loaders, options, numbers, sites, place);
  loaders.prototype._compile = {
    _compile(this: unknown, content: string, file: string, ...rest: unknown[]) {
      let source = content;
      try {
        if (typeof content === 'string' && rewriter.isUsers(file)) {
          const format = typeof rest[0] === 'string' ? rest[0] : undefined;
          source = rewriteAs(rewriter, loaders, content, file, format);
          // Types are gone from it, so Node need not look for them.
          if (source !== content && format?.endsWith('-typescript')) rest[0] = format.slice(0, -'-typescript'.length);
          if (thread && content.includes('import(')) thread.start();
        }
      } catch {
        source = content;
      }
      return Reflect.apply(_compile, this, [source, file, ...rest]);
    },
  }._compile;

  if (loaders.registerHooks) hookThisThread(loaders, rewriter);
  else if (thread && entryIsModule()) thread.start();
  loaders.syncBuiltinESMExports();
}

type Transform = (source: string, options: FileOptions) => Entry;

/** Rewrites by the format that Node gives a source. */
function rewriteAs(
  rewriter: Rewriter,
  loaders: Loaders,
  content: string,
  file: string,
  format: string | null | undefined,
): string {
  let type: SourceType | 'either' = 'either';
  if (format?.startsWith('module')) type = 'module';
  else if (format?.startsWith('commonjs')) type = 'commonjs';
  if (!format?.endsWith('typescript')) return rewriter.rewrite(content, file, type);
  const stripped = strip(loaders, content);
  if (stripped === undefined) return rewriter.blind('types', file, content);
  const source = rewriter.rewrite(stripped, file, type);
  return source === stripped ? content : source;
}

/** A source without its types, as Node itself strips them: with blanks in their place. */
function strip(loaders: Loaders, content: string): string | undefined {
  if (!loaders.stripTypeScriptTypes) return undefined;
  // Node warns once that this function is experimental; the program did not ask for it.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return loaders.stripTypeScriptTypes(content);
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function hookThisThread(loaders: Loaders, rewriter: Rewriter): void {
  const registerHooks = loaders.registerHooks!;
  const load: Load = (url, context, next) => {
    const result = next(url, context);
    try {
      const { format, source } = result;
      if (!source || typeof format !== 'string' || !url.startsWith('file:')) return result;
      // Other CommonJS passes _compile.
      if (!format.startsWith('module') && format !== 'commonjs-typescript') return result;
      const file = fileURLToPath(url.replace(/[?#].*$/, ''));
      if (!rewriter.isUsers(file)) return result;
      const content = textOf(source);
      const code = rewriteAs(rewriter, loaders, content, file, format);
      if (code === content) return result;
      return { ...result, format: format.replace('-typescript', ''), source: code };
    } catch {
      return result;
    }
  };
  const hooks = { load };
  let handle = registerHooks(hooks);
  const again = () => {
    try {
      handle.deregister();
      handle = registerHooks(hooks);
    } catch {
      // Ours stay where they were.
    }
  };
  loaders.registerHooks = {
    registerHooks(this: unknown, given: { load?: Load }) {
      const result = Reflect.apply(registerHooks, this, [given]);
      again();
      return result;
    },
  }.registerHooks;
}

const textOf = (source: string | ArrayBuffer | Uint8Array): string =>
  typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8');

/** The `load` hook in Node's thread for hooks (20, 22 before 22.15), and what it tells us of the sites it numbered. */
class HooksThread {
  readonly loaders: Loaders;
  readonly register: Loaders['register'];
  readonly options: InstallOptions;
  readonly numbers: Int32Array;
  readonly ports: MessagePort[] = [];
  readonly place: (first: number, files: readonly string[], functions: readonly (string | number)[]) => void;
  registered = 0;

  constructor(
    loaders: Loaders,
    options: InstallOptions,
    numbers: Int32Array,
    sites: unknown[],
    place: HooksThread['place'],
  ) {
    this.loaders = loaders;
    this.register = loaders.register;
    this.options = options;
    this.numbers = numbers;
    this.place = place;
    // A module may run before an event of ours could tell us of its sites: so they are fetched when one is missing.
    const missing = new Proxy(Object.prototype, {
      get: (target, key, receiver) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) {
          this.receive();
          if (Object.hasOwn(sites, key)) return sites[Number(key)];
        }
        return Reflect.get(target, key, receiver);
      },
    });
    Object.setPrototypeOf(sites, missing);
    const { register } = this;
    if (!register) return;
    const startAgain = () => this.start(true);
    loaders.register = {
      register(this: unknown, specifier: string | URL, ...rest: unknown[]) {
        const result = Reflect.apply(register, this, [specifier, ...rest]);
        startAgain();
        return result;
      },
    }.register;
  }

  start(again = false): void {
    if (!this.register || (this.registered > 0 && !again)) return;
    try {
      const { port1, port2 } = new MessageChannel();
      port1.unref();
      this.ports.push(port1);
      const url = pathToFileURL(join(this.options.folder, 'hooks.mjs'));
      // Its own instance each time; only the last one works (hooks.ts).
      url.search = `?${++this.registered}`;
      Reflect.apply(this.register, this.loaders, [
        url.href,
        {
          data: {
            number: this.registered,
            root: this.options.root,
            cache: this.options.cache ?? process.env['WHYWAIT_CACHE'] ?? '',
            folder: this.options.folder,
            numbers: this.numbers,
            port: port2,
          },
          transferList: [port2],
        },
      ]);
    } catch {
      // No frames in ES modules then.
    }
  }

  receive(): void {
    for (const port of this.ports) {
      for (;;) {
        const got = receiveMessageOnPort(port) as { message: SitesMessage | CountMessage } | undefined;
        if (!got) break;
        const { message } = got;
        if ('files' in message) this.place(message.first, message.files, message.functions);
        else this.options.count?.(message.counter, message.detail, message.value);
      }
    }
  }
}

export interface SitesMessage {
  readonly first: number;
  readonly files: readonly string[];
  readonly functions: readonly (string | number)[];
}
export interface CountMessage {
  readonly counter: string;
  readonly detail: string;
  readonly value: number;
}

/** What the hooks' thread is given. */
export interface HooksData {
  readonly number: number;
  readonly root: string;
  readonly cache: string;
  readonly folder: string;
  readonly numbers: Int32Array;
  readonly port: MessagePort;
}

/** True when the program starts with an ES module. */
function entryIsModule(): boolean {
  const entry = process.argv[1];
  if (!entry) return process.execArgv.some((argument) => argument.startsWith('--input-type'));
  switch (extname(entry)) {
    case '.mjs':
    case '.mts':
      return true;
    case '.cjs':
    case '.cts':
      return false;
    default:
      return packageType(dirname(entry)) === 'module' || importsAtTop(entry);
  }
}

/** A `.js` file without a type may be an ES module by its syntax. */
function importsAtTop(entry: string): boolean {
  try {
    return /^\s*(?:import|export)\b/m.test(readFileSync(entry, 'utf8'));
  } catch {
    return false;
  }
}
