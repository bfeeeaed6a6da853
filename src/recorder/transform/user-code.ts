// Which files are the user's own.

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

const dependency = /[\\/](?:node_modules|\.yarn|\.pnpm-store)[\\/]|[\\/]\.pnp\.(?:c?js|loader\.mjs)$/;

/** True for a path that is a dependency's wherever the project lies. */
export const isDependency = (path: string): boolean => dependency.test(path);

/**
 * The directory whose files count as the project's: the run's, or the root of the workspace that it lies in, so that a
 * package of the workspace that is linked into node_modules (Node resolves the link) counts too.
 */
export function projectRoot(root: string): string {
  let real = root;
  try {
    real = realpathSync(root);
  } catch {
    // Taken as given.
  }
  for (let at = real; ; at = dirname(at)) {
    if (isWorkspace(at)) return at;
    if (dirname(at) === at) return real;
  }
}

/** The project of a program's entry: its package, or the workspace of that; '' when the entry is a dependency. */
export function entryProject(entry: string): string {
  if (entry === '') return '';
  let real = resolve(entry);
  try {
    real = realpathSync(real);
  } catch {
    // Without its extension, say: the directory is what counts.
  }
  if (isDependency(real)) return '';
  const directory = dirname(real);
  for (let at = directory; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return projectRoot(at);
  }
  return directory;
}

function isWorkspace(directory: string): boolean {
  try {
    if (existsSync(join(directory, 'pnpm-workspace.yaml'))) return true;
    const text = readFileSync(join(directory, 'package.json'), 'utf8');
    return text.includes('"workspaces"') && Boolean((JSON.parse(text) as { workspaces?: unknown }).workspaces);
  } catch {
    return false;
  }
}

/** True when `path` lies in `directory`. */
export function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** A file as the report names it: relative to the run's directory, with `/`, where both lie in one project. */
export function shownPath(path: string, root: string, project: string): string {
  if (!isInside(path, project) && !isInside(path, root)) return path;
  const way = relative(root, path);
  return sep === '/' ? way : way.split(sep).join('/');
}

/** The type that the nearest package.json gives to `.js` files. */
export function packageType(directory: string): 'module' | 'commonjs' | 'none' {
  for (let at = directory; ; at = dirname(at)) {
    try {
      const { type } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as { type?: unknown };
      return type === 'module' ? 'module' : type === 'commonjs' ? 'commonjs' : 'none';
    } catch {
      if (dirname(at) === at || at.endsWith('node_modules')) return 'none';
    }
  }
}
