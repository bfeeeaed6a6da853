// What the documents say of the code is true of the code: links and pictures resolve, every option and every error
// code is described, no option is described that is none, and docs/schema.md is what schema.ts says.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { schemaDoc, schemaFile } from '../scripts/schema-doc.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const documents = [root, join(root, 'docs')].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => relative(root, join(folder, name))),
);

/** Without code: what looks like a link there is none. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

/** As GitHub makes a heading's anchor. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

/** Links of a document that lead nowhere. */
function broken(document: string, text: string): string[] {
  const faults: string[] = [];
  for (const [, target = ''] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : relative(root, join(root, dirname(document), path));
    if (!existsSync(join(root, file))) faults.push(`${document}: ${target}`);
    else if (anchor !== undefined) {
      const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
      if (!headings.includes(anchor)) faults.push(`${document}: ${target}`);
    }
  }
  return faults;
}

test('every link and picture of the documents is there', () => {
  assert.ok(documents.includes('README.md') && documents.length > 8, documents.join());
  assert.deepEqual(
    documents.flatMap((document) => broken(document, read(document))),
    [],
  );
});

test('a link that leads nowhere is found', () => {
  const text =
    '[a](nowhere.md) [b](README.md#no-such-heading) ![c](docs/images/none.png) `[d](code.md)` [e](docs/cli.md#run)';
  assert.deepEqual(broken('README.md', text), [
    'README.md: nowhere.md',
    'README.md: README.md#no-such-heading',
    'README.md: docs/images/none.png',
  ]);
});

const help = (...words: string[]): string =>
  execFileSync(process.execPath, [join(root, 'bin/whywait.mjs'), ...words, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

/** The options that a command's help lists. */
function optionsOf(...words: string[]): string[] {
  const listed = [...help(...words).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = '']) => option);
  assert.ok(listed.includes('--help'), `whywait ${words.join(' ')} has options`);
  return listed;
}

const commands = [[], ['run'], ['report'], ['calls'], ['runs'], ['runs', 'rm'], ['view']];

test('docs/cli.md describes every command and option, configuration.md every option', () => {
  const top = [...help().matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name = '']) => name);
  const known = commands.map(([first]) => first);
  for (const name of top) assert.ok(name === 'whywait' || name === 'help' || known.includes(name), `whywait ${name}`);
  const cli = read('docs/cli.md');
  const configuration = read('docs/configuration.md');
  for (const words of commands) {
    assert.ok(cli.includes(`whywait ${words.join(' ')}`), `docs/cli.md has whywait ${words.join(' ')}`);
    for (const option of optionsOf(...words)) {
      assert.ok(new RegExp(`${option}\\b`).test(cli), `docs/cli.md has ${option} of ${words.join(' ')}`);
      if (option === '--help' || option === '--version') continue;
      assert.ok(new RegExp(`${option}\\b`).test(configuration), `docs/configuration.md has ${option}`);
    }
  }
});

test('no option is described that is none', () => {
  const known = new Set(commands.flatMap((words) => optionsOf(...words)));
  for (const document of ['README.md', ...documents.filter((name) => name.startsWith('docs'))]) {
    const said = [...read(document).matchAll(/(?<![\w-])(--[a-z][a-z-]+)/g)].map(([, option = '']) => option);
    const wrong = said.filter((option) => !known.has(option) && option !== '--require');
    assert.deepEqual(wrong, [], document);
  }
});

test('docs/cli.md describes every error code, and none that is gone', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .map((name) => join('src', String(name)))
    .filter((path) => /(?<!\.test)\.tsx?$/.test(path));
  const codesIn = (text: string): string[] => text.match(/\bWW_[A-Z_]*[A-Z]\b/g) ?? [];
  const inCode = new Set(sources.flatMap((path) => codesIn(read(path))));
  const inDocs = new Set(codesIn(read('docs/cli.md')));
  assert.ok(inCode.size > 20);
  assert.deepEqual([...inCode].filter((code) => !inDocs.has(code)).sort(), []);
  assert.deepEqual([...inDocs].filter((code) => !inCode.has(code)).sort(), []);
});

test('docs/schema.md is what schema.ts says: node --import tsx scripts/schema-doc.ts writes it', () => {
  assert.equal(readFileSync(schemaFile, 'utf8'), schemaDoc());
});
