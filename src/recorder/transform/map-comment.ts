// The comment that names a source's map.

import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const comment = /\/\/[#@]\s*sourceMappingURL=([^\s'"]+)[ \t]*(?=\s*$)/;

/** The URL in a source's last comment that names its map, and where the URL is. */
export function mapComment(source: string): { url: string; at: number } | undefined {
  // Only what follows the last line of code is looked at; a map in a data URL may be megabytes.
  const start = source.lastIndexOf('sourceMappingURL=');
  if (start < 0) return undefined;
  const from = Math.max(source.lastIndexOf('\n', start) + 1, start - 64);
  const found = comment.exec(source.slice(from));
  if (!found) return undefined;
  return { url: found[1], at: from + found.index + found[0].indexOf(found[1]) };
}

/** The map's file, '' for a data URL. */
export function mapFile(url: string, file: string): string {
  if (url.startsWith('data:')) return '';
  try {
    if (url.startsWith('file:')) return fileURLToPath(url);
    if (/^[a-z][a-z0-9+.-]+:/i.test(url)) return '';
    return resolve(dirname(file), decodeURIComponent(url));
  } catch {
    return '';
  }
}

/** What tells one state of a map's file from another, '' when there is none. */
export function mapStamp(path: string): string {
  try {
    const { size, mtimeMs } = statSync(path);
    return `${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}
