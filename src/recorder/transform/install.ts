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
import { isMainThread, MessageChannel, type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { patch } from '../patch.ts';
import { readEntry } from './cache.ts';
import type { SourceType } from './compile.ts';
import { keepColumns, rememberCode } from './positions.ts';
import { Rewriter } from './rewrite.ts';
import { keepFunctionText } from './text.ts';
import { packageType } from './user-code.ts';

const importCall = /\bimport\s*\(/;

export interface SiteNames {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

export interface InstallOptions {
  /** The run's directory. */
  readonly root: string;
  /** What compiled code reaches as `$ww`; `m` holds the sites. */
  readonly runtime: { readonly m: unknown[] };
  /** Makes sites, numbered from `first` where given, else from the next free number; the first one's number. */
  readonly addSites: (functions: readonly SiteNames[], first?: number) => number;
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
  // The preload also runs in Node's own thread for hooks: no code of the user's runs there but hooks.
  if (!isMainThread && parentPort === null) return;
  const loaders = Module as unknown as Loaders;
  const thread = loaders.registerHooks ? undefined : new HooksThread(loaders, options);
  const rewriter = new Rewriter({
    root: options.root,
    entry: process.argv[1] ?? '',
    cache: options.cache ?? process.env['WHYWAIT_CACHE'] ?? '',
    own: options.folder,
    require,
    register: (files, functions) => options.addSites(siteNames(files, functions), thread?.number(functions.length / 3)),
    count: options.count ?? (() => {}),
  });
  keepFunctionText();
  keepColumns();

  patch<Loaders['prototype']['_compile']>(
    loaders.prototype,
    '_compile',
    (compile) =>
      function (this: unknown, content: string, file: string, ...rest: unknown[]) {
        let source = content;
        try {
          if (typeof content === 'string' && rewriter.isUsers(file)) {
            const format = typeof rest[0] === 'string' ? rest[0] : undefined;
            source = rewriteAs(rewriter, loaders, content, file, format);
            if (source !== content) rememberCode(file, source);
            // Types are gone from it, so Node need not look for them.
            if (source !== content && format?.endsWith('-typescript')) rest[0] = format.slice(0, -'-typescript'.length);
            if (thread && importCall.test(content)) thread.start();
          }
        } catch {
          source = content;
        }
        return Reflect.apply(compile, this, [source, file, ...rest]);
      },
  );

  if (loaders.registerHooks) hookThisThread(loaders, rewriter);
  else if (thread && isMainThread && entryIsModule(process.argv[1])) thread.start();
  else if (thread && !isMainThread) startWithEntry(loaders, thread);
  loaders.syncBuiltinESMExports();
}

/** Three values a function, as they are kept: name, index of its file, line. */
const siteNames = (files: readonly string[], functions: readonly (string | number)[]): SiteNames[] => {
  const names: SiteNames[] = [];
  for (let i = 0; i + 2 < functions.length; i += 3) {
    names.push({ name: String(functions[i]), file: files[Number(functions[i + 1])], line: Number(functions[i + 2]) });
  }
  return names;
};

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
      rememberCode(url, code);
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
  /** Shared with the thread, which numbers sites too. */
  readonly numbers = new Int32Array(new SharedArrayBuffer(4));
  readonly ports: MessagePort[] = [];
  registered = 0;

  constructor(loaders: Loaders, options: InstallOptions) {
    this.loaders = loaders;
    this.register = loaders.register;
    this.options = options;
    const sites = options.runtime.m;
    this.numbers[0] = sites.length;
    // A module may run before an event of ours could tell us of its sites: so they are fetched when one is missing.
    const missing = new Proxy(Object.prototype, {
      get: (target, key, receiver) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) {
          this.receive();
          if (!Object.hasOwn(sites, key)) options.addSites([{ name: '', file: '', line: 0 }], Number(key));
          return sites[Number(key)];
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

  /** The first of so many numbers. */
  number(count: number): number {
    return Atomics.add(this.numbers, 0, count);
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
            entry: process.argv[1] ?? '',
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
        if ('files' in message) {
          this.options.addSites(siteNames(message.files, message.functions), message.first);
          const { url, cache, entry } = message;
          // Sites' numbers take the same room whatever they are, so columns are those of the entry.
          if (cache) rememberCode(url, () => readEntry(cache, entry)?.code);
        } else this.options.count?.(message.counter, message.detail, message.value);
      }
    }
  }
}

export interface SitesMessage {
  /** The module, and where its rewritten code is kept. */
  readonly url: string;
  readonly cache: string | undefined;
  readonly entry: string;
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
  readonly entry: string;
  readonly cache: string;
  readonly folder: string;
  readonly numbers: Int32Array;
  readonly port: MessagePort;
}

/**
 * A worker learns late what it starts with, and Node then calls what stands at `Module.runMain`, for this purpose. With
 * a thread for hooks beside each worker, a pool of them would be twice as many threads, as a debugger also sees.
 */
function startWithEntry(loaders: Loaders, thread: HooksThread): void {
  patch<(entry: string, ...rest: unknown[]) => unknown>(
    loaders,
    'runMain',
    (runMain) =>
      function (this: unknown, entry: string, ...rest: unknown[]) {
        if (entryIsModule(entry)) thread.start();
        return Reflect.apply(runMain, this, [entry, ...rest]);
      },
  );
}

/** True when a program that starts with this file starts with an ES module. */
function entryIsModule(entry: string | undefined): boolean {
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
