// Imports point down: each room of src/ imports only the rooms, packages and Node modules that import-rules.json
// grants it. Types count as imports, too. Tests may reach for what they like inside their own rooms' rules plus node:*.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');
const rules = JSON.parse(readFileSync(join(src, '..', 'import-rules.json'), 'utf8')) as Record<
  string,
  { rooms: string[]; packages: string[]; node: boolean }
>;

/** What a file imports, exports from, or loads: the words between the quotes. */
function importsOf(source: string): string[] {
  const pattern =
    /(?:^|[\s;}])(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|\brequire\(\s*['"]([^'"]+)['"]/gm;
  const withoutComments = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...withoutComments.matchAll(pattern)].map((match) => match.slice(1).find(Boolean) ?? '');
}

/** The rule that an import breaks; undefined when it is allowed. */
function broken(file: string, specifier: string): string | undefined {
  const room = file.split(sep)[0]!;
  const rule = rules[room];
  if (!rule) return `src/${room} is not in import-rules.json`;
  if (specifier.startsWith('.')) {
    const target = relative(src, join(src, dirname(file), specifier)).split(sep)[0]!;
    if (target === room || rule.rooms.includes(target)) return undefined;
    return `${room} may not import ${target}`;
  }
  if (specifier.startsWith('node:')) {
    return rule.node || /\.test\.tsx?$|vite\.config/.test(file) ? undefined : `${room} may not use Node's modules`;
  }
  if (/\.test\.tsx?$/.test(file) && specifier === 'fast-check') return undefined;
  const allowed = rule.packages.some((name) =>
    name.endsWith('*')
      ? specifier.startsWith(name.slice(0, -1))
      : specifier === name || specifier.startsWith(`${name}/`),
  );
  return allowed ? undefined : `${room} may not import the package ${specifier}`;
}

test('every import points the way that import-rules.json allows', () => {
  const faults: string[] = [];
  let seen = 0;
  for (const entry of readdirSync(src, { recursive: true })) {
    const file = String(entry);
    if (!/\.tsx?$/.test(file)) continue;
    for (const specifier of importsOf(readFileSync(join(src, file), 'utf8'))) {
      seen++;
      const fault = broken(file, specifier);
      if (fault) faults.push(`src/${file}: '${specifier}': ${fault}`);
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(seen > 10, 'imports were found at all');
});

test('the check sees a forbidden import', () => {
  const source = "import type { A } from '../store/a.ts';\nexport * from 'left-pad';\nawait import('node:fs');";
  const faults = importsOf(source).map((specifier) => broken(join('protocols', 'mysql.ts'), specifier));
  assert.deepEqual(faults, [
    'protocols may not import store',
    'protocols may not import the package left-pad',
    "protocols may not use Node's modules",
  ]);
});
