// What the place that we print to can show: how wide it is, colours or none, and which characters.

import { stripVTControlCharacters } from 'node:util';

export interface Paper {
  /** Columns. */
  readonly width: number;
  readonly style: Style;
  /** Says what can be shown of a text: itself, or its nearest in ASCII. */
  readonly plain: (text: string) => string;
}

type Paint = (text: string) => string;

/** Blue and orange stay apart for colour-blind eyes; both are readable on black and on white. */
export interface Style {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly blue: Paint;
  readonly orange: Paint;
}

const same: Paint = (text) => text;
export const noStyle: Style = { strong: same, faint: same, blue: same, orange: same };

const painted =
  (on: string, off: string): Paint =>
  (text) =>
    text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;

export const colours: Style = {
  strong: painted('1', '22'),
  faint: painted('2', '22'),
  blue: painted('38;5;32', '39'),
  orange: painted('38;5;172', '39'),
};

/** Columns of what is no terminal: a file, a pipe. */
const unknownWidth = 100;

interface Out {
  readonly columns?: number;
  readonly isTTY?: boolean;
  hasColors?(count: number): boolean;
}

/** `color` is false for --no-color. NO_COLOR, FORCE_COLOR and TERM=dumb are heeded as Node does. */
export function paperOf(out: Out, color: boolean, env: NodeJS.ProcessEnv = process.env): Paper {
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  const wanted = color && !env['NO_COLOR'] && (forced || (out.isTTY === true && out.hasColors?.(256) === true));
  const given = Number(env['COLUMNS']);
  return {
    width: out.columns || (given > 0 ? given : unknownWidth),
    style: wanted ? colours : noStyle,
    plain: showsUnicode(env) ? same : ascii,
  };
}

/** A locale that says C or POSIX has ASCII; one that says nothing is a container, on a terminal of today. */
function showsUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return !/^(C|POSIX)$/.test(locale);
}

const nearest: Record<string, string> = {
  µ: 'u',
  '·': '-',
  '…': '...',
  '→': '->',
  '×': 'x',
  '–': '-',
  '—': '-',
  '“': '"',
  '”': '"',
};

const ascii: Paint = (text) =>
  text
    .replace(/[µ·…→×–—“”]/g, (sign) => nearest[sign] ?? '?')
    .replace(/█/g, '#')
    .replace(/[▏▎▍▌▋▊▉]/g, '=')
    .replace(/─/g, '-');

/** Columns that a text takes. (Names and URLs: East Asian wide characters count two.) */
export function widthOf(text: string): number {
  let width = 0;
  for (const sign of stripVTControlCharacters(text)) width += isWide(sign.codePointAt(0)!) ? 2 : 1;
  return width;
}

const isWide = (code: number) =>
  (code >= 0x1100 && code <= 0x115f) ||
  (code >= 0x2e80 && code <= 0xa4cf) ||
  (code >= 0xac00 && code <= 0xd7a3) ||
  (code >= 0xf900 && code <= 0xfaff) ||
  (code >= 0xfe30 && code <= 0xfe6f) ||
  (code >= 0xff00 && code <= 0xff60) ||
  (code >= 0x1f300 && code <= 0x1faff);

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** Breaks a text between words into lines of at most `width`; a longer word keeps a line of its own, whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `share` (0 to 1) of `cells` columns, in eighths of a column; something is never shown as nothing. */
export function bar(share: number, cells: number): string {
  const parts = Math.round(Math.min(1, Math.max(0, share)) * cells * 8);
  const shown = share > 0 ? Math.max(1, parts) : 0;
  return '█'.repeat(Math.floor(shown / 8)) + eighths[shown % 8];
}
