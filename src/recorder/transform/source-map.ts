// Source maps, read so that functions and lines are named as the user wrote them, and written anew where our
// insertions would lead a reader astray.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  decodedMappings,
  encodedMap,
  FlattenMap,
  originalPositionFor,
  presortedDecodedMap,
  type SourceMapSegment,
  type TraceMap,
} from '@jridgewell/trace-mapping';
import type { Insertion } from './compile.ts';
import { mapFile } from './map-comment.ts';

const maxMapBytes = 64 * 1024 * 1024;

/** The map of a source; undefined when it has none that can be read. */
export function readMap(url: string, file: string): TraceMap | undefined {
  try {
    let text: string;
    let at = file;
    if (url.startsWith('data:')) {
      const comma = url.indexOf(',');
      const body = url.slice(comma + 1);
      text = /;base64$/i.test(url.slice(0, comma))
        ? Buffer.from(body, 'base64').toString('utf8')
        : decodeURIComponent(body);
    } else {
      at = mapFile(url, file);
      if (!at || statSync(at).size > maxMapBytes) return undefined;
      text = readFileSync(at, 'utf8');
    }
    return new FlattenMap(text.replace(/^\)\]\}'[^\n]*\n/, ''), pathToFileURL(at).href);
  } catch {
    return undefined;
  }
}

export interface Position {
  /** Absolute path, or the name in the map when it names no file. */
  readonly path: string;
  readonly line: number;
  readonly name: string | undefined;
}

/** Where a place of the compiled source came from. */
export function positionIn(map: TraceMap, paths: SourcePaths, line: number, column: number): Position | undefined {
  const found = originalPositionFor(map, { line: line + 1, column });
  if (found.source === null) return undefined;
  return { path: paths.of(found.source), line: found.line, name: found.name ?? undefined };
}

/** Sources as maps name them → absolute paths. */
export class SourcePaths {
  readonly known = new Map<string, string>();
  readonly file: string;
  readonly root: string;

  constructor(file: string, root: string) {
    this.file = file;
    this.root = root;
  }

  of(source: string): string {
    let path = this.known.get(source);
    if (path === undefined) {
      path = this.find(source);
      this.known.set(source, path);
    }
    return path;
  }

  find(source: string): string {
    try {
      if (source.startsWith('file:')) return fileURLToPath(source.replace(/[?#].*$/, ''));
    } catch {
      return source;
    }
    // webpack://my-app/./src/home.ts?a1b2, webpack:///src/home.ts, turbopack:///[project]/src/home.ts
    const bundled = /^[a-z][a-z0-9+.-]+:\/\/[^/]*\/(.*?)(?:\?[^/]*)?$/i.exec(source);
    if (!bundled) return isAbsolute(source) ? source : resolve(dirname(this.file), source);
    const way = bundled[1].replace(/^\[project\]\//, '');
    if (/^(?:webpack|\(webpack\)|external)\b/.test(way)) return source;
    for (let at = dirname(this.file); ; at = dirname(at)) {
      if (existsSync(join(at, 'package.json'))) {
        const path = join(at, way);
        if (existsSync(path)) return path;
      }
      if (at === this.root || dirname(at) === at) return join(this.root, way);
    }
  }
}

/**
 * The map as JSON after the insertions; undefined when the old one still leads to the right lines, which is so as long
 * as no line with an insertion stems from two lines of the user's.
 */
export function mapAfter(map: TraceMap, source: string, insertions: readonly Insertion[]): string | undefined {
  const lines = decodedMappings(map);
  const moved: SourceMapSegment[][] = [];
  let needed = false;
  let lineStart = 0;
  let next = 0;
  for (let line = 0; line < lines.length; line++) {
    const newline = source.indexOf('\n', lineStart);
    const lineEnd = newline < 0 ? source.length : newline;
    const segments = lines[line];
    const first = next;
    while (next < insertions.length && insertions[next].at <= lineEnd) next++;
    if (next === first || segments.length === 0) moved.push([...segments]);
    else {
      needed ||= segments.some((segment) => segment.length > 1 && !sameLine(segment, segments));
      let shift = 0;
      let insertion = first;
      moved.push(
        segments.map((segment) => {
          while (insertion < next && insertions[insertion].at - lineStart <= segment[0]) {
            shift += insertions[insertion++].text.length;
          }
          const copy = [...segment] as [...SourceMapSegment];
          copy[0] += shift;
          return copy;
        }),
      );
    }
    if (newline < 0) {
      for (const rest of lines.slice(line + 1)) moved.push([...rest]);
      break;
    }
    lineStart = newline + 1;
  }
  if (!needed) return undefined;
  const { names, resolvedSources: sources, sourcesContent } = map;
  const after = presortedDecodedMap({
    version: 3,
    names,
    sources,
    mappings: moved,
    ...(sourcesContent ? { sourcesContent } : {}),
  });
  return JSON.stringify(encodedMap(after));
}

function sameLine(segment: Readonly<SourceMapSegment>, segments: readonly Readonly<SourceMapSegment>[]): boolean {
  const first = segments.find((other) => other.length > 1);
  return first !== undefined && segment[1] === first[1] && segment[2] === first[2];
}
