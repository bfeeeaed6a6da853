// Source in, source out: decides whether a file is the user's, takes its compiled code from the cache or has it made,
// and registers its functions. Whatever goes wrong, the source goes out as it came in.

import { isAbsolute } from 'node:path';
import { type Entry, entryName, openCache, readEntry, writeEntry } from './cache.ts';
import type { SourceType } from './compile.ts';
import { loadTransform, type TransformFile } from './load-transform.ts';
import { mapComment, mapFile, mapStamp } from './map-comment.ts';
import { open, placeSites, runtimeName } from './text.ts';
import { entryProject, isDependency, isInside, projectRoot } from './user-code.ts';

/** Larger files are left alone: no hand wrote them, and parsing would take a second and more. */
const maxSource = 12 * 1024 * 1024;

export interface RewriterOptions {
  readonly root: string;
  /** The program's script; '' when there is none. */
  readonly entry: string;
  /** Directory of the cache; '' = the usual one. */
  readonly cache: string;
  /** Directory of the recorder's own code: transform.cjs lies there. */
  readonly own: string;
  /** Node's own `require`. */
  readonly require: NodeJS.Require;
  /** Gives the functions of a file numbers in the process; the first one. */
  readonly register: (files: readonly string[], functions: readonly (string | number)[]) => number;
  readonly count: (counter: string, detail: string, value: number) => void;
}

export class Rewriter {
  readonly options: RewriterOptions;
  readonly project: string;
  /** The project of the program's entry, when it lies elsewhere: `whywait run node ../other/app.js`. */
  readonly entryProject: string;
  cache: string | undefined | null = null;
  transform: TransformFile | undefined = undefined;
  /** The name of the last file's entry. */
  lastEntry = '';

  constructor(options: RewriterOptions) {
    this.options = options;
    this.project = projectRoot(options.root);
    this.entryProject = entryProject(options.entry);
  }

  isUsers(file: string): boolean {
    const { root, own } = this.options;
    if (!isAbsolute(file) || isDependency(file) || isInside(file, own)) return false;
    if (isInside(file, root) || isInside(file, this.project)) return true;
    return this.entryProject !== '' && isInside(file, this.entryProject);
  }

  /** The source with the runtime's calls in it, or as it was. */
  rewrite(source: string, file: string, sourceType: SourceType | 'either'): string {
    try {
      if (source.includes(open)) return source;
      if (source.length > maxSource) return this.blind('size', file, source);
      if (source.includes(runtimeName)) return this.blind('name', file, source);
      const entry = this.entry(source, file, sourceType);
      if (entry.fault) return this.blind(entry.fault, file, source);
      if (entry.leftAlone > 0) this.options.count('blind.functions', file, entry.leftAlone);
      if (entry.code === '') return source;
      return placeSites(entry.code, this.options.register(entry.files, entry.functions));
    } catch {
      return this.blind('fault', file, source);
    }
  }

  entry(source: string, file: string, sourceType: SourceType | 'either'): Entry {
    if (this.cache === null) this.cache = openCache(this.options.cache);
    const { root } = this.options;
    const comment = mapComment(source);
    const map = comment && mapFile(comment.url, file);
    const name = entryName(source, sourceType, file, root, this.project, map ? mapStamp(map) : '');
    this.lastEntry = name;
    const known = this.cache && readEntry(this.cache, name);
    if (known) return known;
    const { cache, project } = this;
    this.transform ??= loadTransform(this.options.own, this.options.require);
    const made = this.transform(source, { file, sourceType, root, project, cache, name });
    if (cache) writeEntry(cache, name, made);
    return made;
  }

  blind(why: string, file: string, source: string): string {
    this.options.count(`blind.file-${why}`, file, 1);
    return source;
  }
}
