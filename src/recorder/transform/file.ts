// One file of the user's, from its source to what is kept of it in the cache. Brings the parser, so it is a bundle of
// its own (dist/recorder/transform.cjs), loaded when a file is not in the cache.

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import type { Entry } from './cache.ts';
import { writeWhole } from './cache.ts';
import { type Compiled, compile, type Insertion, type Origin, type SourceType } from './compile.ts';
import { mapComment } from './map-comment.ts';
import { mapAfter, positionIn, readMap, SourcePaths } from './source-map.ts';
import { isDependency, shownPath } from './user-code.ts';

export interface FileOptions {
  readonly file: string;
  /** `either`: as Node decides, by which of the two parses. */
  readonly sourceType: SourceType | 'either';
  /** The run's directory, and the project's (user-code.ts). */
  readonly root: string;
  readonly project: string;
  /** Where a map that is a file of its own is written; undefined = nowhere. */
  readonly cache: string | undefined;
  readonly name: string;
}

/** The entry for a source. A source that does not parse is an entry too. */
export function transformFile(source: string, options: FileOptions): Entry {
  const { file, root, project } = options;
  const comment = mapComment(source);
  const map = comment && readMap(comment.url, file);
  const paths = new SourcePaths(file, project);
  const shown = new Map<string, string | undefined>();
  const shownOf = (path: string) => {
    if (!shown.has(path)) shown.set(path, isDependency(path) ? undefined : shownPath(path, root, project));
    return shown.get(path);
  };
  const originOf = map
    ? (line: number, column: number): Origin | undefined => {
        const position = positionIn(map, paths, line, column);
        const of = position && shownOf(position.path);
        return of === undefined ? undefined : { file: of, line: position!.line, name: position!.name };
      }
    : undefined;

  let compiled: Compiled;
  try {
    compiled = compileEither(source, { ...options, file: shownPath(file, root, project), originOf });
  } catch (error) {
    return {
      files: [],
      functions: [],
      leftAlone: 0,
      fault: error instanceof SyntaxError ? 'parse' : 'fault',
      code: '',
    };
  }
  const { insertions, leftAlone } = compiled;
  const files: string[] = [];
  const functions: (string | number)[] = [];
  for (const fn of compiled.functions) {
    let index = files.indexOf(fn.file);
    if (index < 0) index = files.push(fn.file) - 1;
    functions.push(fn.name, index, fn.line);
  }
  if (functions.length === 0) return { files, functions, leftAlone, fault: '', code: '' };

  let code = insert(source, insertions);
  const changed = map && mapAfter(map, source, insertions);
  if (changed !== undefined && comment) {
    const inFile = comment.url.startsWith('data:') ? undefined : options.cache;
    const path = inFile && writeWhole(inFile, `${options.name}.map`, changed);
    // Node takes an absolute path here, but no file: URL.
    const url = path
      ? join('/', path).replaceAll('\\', '/')
      : `data:application/json;base64,${Buffer.from(changed).toString('base64')}`;
    const from = code.lastIndexOf(comment.url);
    code = code.slice(0, from) + url + code.slice(from + comment.url.length);
  }
  return { files, functions, leftAlone, fault: '', code };
}

function compileEither(
  source: string,
  options: Omit<FileOptions, 'sourceType'> & {
    sourceType: FileOptions['sourceType'];
    originOf: ((line: number, column: number) => Origin | undefined) | undefined;
  },
): Compiled {
  const { file, originOf, sourceType } = options;
  const as = (type: SourceType) => compile(source, { file, sourceType: type, ...(originOf ? { originOf } : {}) });
  if (sourceType !== 'either') return as(sourceType);
  try {
    return as('commonjs');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return as('module');
  }
}

export function insert(source: string, insertions: readonly Insertion[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { at, text } of insertions) {
    pieces.push(source.slice(from, at), text);
    from = at;
  }
  pieces.push(source.slice(from));
  return pieces.join('');
}
