// The words after `whywait run` → the program to start and the environment that has it recorded.

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, extname, isAbsolute, join, resolve } from 'node:path';
import { CliError, usageExit } from './errors.ts';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

const scripts = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']);

/**
 * `app.js …` is short for `node app.js …`, and so is a directory (`.`) that no program is named like. Anything else
 * is a program: a path, or a name that is looked up in PATH as a shell does.
 * @throws {CliError} when there is no such script or program, or it may not be executed.
 */
export function programOf(words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Program {
  const [first, ...rest] = words;
  if (first === undefined) {
    throw new CliError('WW_NO_COMMAND', 'No program is given.', 'Write it behind: whywait run node app.js', usageExit);
  }
  const path = resolve(cwd, first);
  const isDirectory = existsSync(path) && statSync(path).isDirectory();
  const isPath = first.includes('/') || (process.platform === 'win32' && first.includes('\\'));
  if (scripts.has(extname(first)) || (isDirectory && isPath)) {
    if (!existsSync(path)) throw notFound(first);
    return { command: 'node', args: words };
  }
  if (isPath) {
    if (!existsSync(path)) throw notFound(first);
    if (!mayExecute(path)) throw notExecutable(first);
    return { command: first, args: rest };
  }
  const found = inPath(first, env);
  if (found === undefined) {
    if (isDirectory) return { command: 'node', args: words };
    throw notFound(first);
  }
  if (!mayExecute(found)) throw notExecutable(first);
  return { command: first, args: rest };
}

export const notFound = (command: string) =>
  new CliError(
    'WW_COMMAND_NOT_FOUND',
    `There is no program ${command} here.`,
    'Check the name and the directory; whywait run takes what a shell would take.',
    127,
  );

export const notExecutable = (command: string) =>
  new CliError(
    'WW_NOT_EXECUTABLE',
    `${command} is not a program that may be executed.`,
    `Make it executable (chmod +x), or name what runs it: whywait run sh ${command}`,
    126,
  );

function mayExecute(path: string): boolean {
  if (process.platform === 'win32') return true;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function inPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const endings = process.platform === 'win32' ? ['', ...(env['PATHEXT'] ?? '.EXE;.CMD;.BAT').split(';')] : [''];
  let notAllowed: string | undefined;
  for (const place of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    for (const ending of endings) {
      const path = join(isAbsolute(place) ? place : resolve(place || '.'), name + ending);
      if (!existsSync(path) || !statSync(path).isFile()) continue;
      if (mayExecute(path)) return path;
      notAllowed ??= path;
    }
  }
  return notAllowed;
}

/**
 * NODE_OPTIONS with the recorder before what is there already, so that it sees what other preloads open. Node splits
 * it at spaces; inside double quotes a backslash takes the next character as it is.
 */
export function nodeOptions(recorder: string, before: string | undefined): string {
  const path = /[ "]/.test(recorder) ? `"${recorder.replace(/[\\"]/g, '\\$&')}"` : recorder;
  return before?.trim() ? `--require ${path} ${before}` : `--require ${path}`;
}

const secretFlag = /^--?.*(?:pass|pwd|secret|token|key|auth|cred|cookie|bearer|session)/i;

/**
 * The command as it is kept and shown: values that may be secrets are `?`. Such are what stands behind `=`, what
 * follows an option that is named like a secret, and what a URL holds before its `@` and behind its `?`.
 */
export function toldCommand(words: readonly string[]): string[] {
  return words.map((word, i) => {
    if (secretFlag.test(words[i - 1] ?? '') && !words[i - 1]?.includes('=') && !word.startsWith('-')) return '?';
    const assigned = /^(--?[^=\s]+|[A-Za-z_]\w*)=/.exec(word);
    if (assigned) return `${assigned[0]}?`;
    return word.replace(/(:\/\/[^?\s]*\?).*/s, '$1?').replace(/(:\/\/)[^/@\s]*@/, '$1?@');
  });
}
