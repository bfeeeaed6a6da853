// What a test runner printed → which tests passed. Reads TAP (node:test, tape, tap, `mocha --reporter tap`, `ava --tap`)
// and the tick lists that people read (mocha's spec, node:test's spec, jest and vitest with --verbose, poku).

import { stripVTControlCharacters } from 'node:util';

export interface Outcome {
  passed: number;
  failed: number;
}

/** By the test's full name: its suites and itself. A name that is used twice counts twice. */
export type Outcomes = Map<string, Outcome>;

const tapPoint = /^(\s*)(not )?ok\b(?:\s+\d+)?(?:\s+-)?\s*(.*)$/;
const tapSuite = /^(\s*)# Subtest: (.*)$/;
const tick = /^(\s*)(?:[✓✔√▶·]|[✖✗×✘﹣]|\d+\))\s+(.*)$/;
const passes = /^\s*[✓✔√]/;
const fails = /^\s*(?:[✖✗×✘]|\d+\))/;
/** "(12ms)", "(1.234s)", "12 ms", "› 3ms": another one each time. */
const duration = /\s*(?:[([›]\s*)?\d+(?:\.\d+)?\s?m?s[)\]]?\s*$/;

export function readOutcomes(text: string): Outcomes {
  const lines = stripVTControlCharacters(text).split(/\r?\n/);
  return lines.some((line) => /^TAP version|^1\.\.\d+\s*(#|$)/.test(line)) ? readTap(lines) : readTicks(lines);
}

function readTap(lines: readonly string[]): Outcomes {
  const outcomes: Outcomes = new Map();
  const suites: { depth: number; name: string }[] = [];
  const within = (depth: number) => {
    while (suites.length > 0 && suites[suites.length - 1].depth >= depth) suites.pop();
    return suites.map(({ name }) => name);
  };
  for (const line of lines) {
    const suite = tapSuite.exec(line);
    if (suite) {
      within(suite[1].length);
      suites.push({ depth: suite[1].length, name: nameOf(suite[2]) });
      continue;
    }
    const point = tapPoint.exec(line);
    if (!point || /#\s*(?:skip|todo)\b/i.test(point[3])) continue;
    note(outcomes, [...within(point[1].length), nameOf(point[3])], point[2] === undefined);
  }
  return outcomes;
}

/** Suites are the lines above with a smaller indent. */
function readTicks(lines: readonly string[]): Outcomes {
  const outcomes: Outcomes = new Map();
  const suites: { depth: number; name: string }[] = [];
  for (const line of lines) {
    // What follows is the list of failures, which were in the list already.
    if (/^\s*\d+ (?:passing|failing)\b|^✖ failing tests:/.test(line)) break;
    if (line.trim() === '') continue;
    const depth = line.length - line.trimStart().length;
    while (suites.length > 0 && suites[suites.length - 1].depth >= depth) suites.pop();
    const test = tick.exec(line);
    if (test && (passes.test(line) || fails.test(line))) {
      note(outcomes, [...suites.map(({ name }) => name), nameOf(test[2])], passes.test(line));
    }
    suites.push({ depth, name: nameOf(line.trim().replace(/^[✓✔√▶·✖✗×✘﹣]\s+/, '')) });
  }
  return outcomes;
}

const nameOf = (text: string): string =>
  text
    .replace(/\s*#\s*time=.*$/, '')
    .replace(duration, '')
    // Ports and temporary names are other ones each time.
    .replace(/\b\d{4,}\b/g, 'N')
    .trim();

function note(outcomes: Outcomes, path: readonly string[], passed: boolean): void {
  const name = path.join(' › ');
  const outcome = outcomes.get(name) ?? { passed: 0, failed: 0 };
  if (passed) outcome.passed++;
  else outcome.failed++;
  outcomes.set(name, outcome);
}
