// docs/schema.md from the one schema table: `node --import tsx scripts/schema-doc.ts` writes it; test/docs.test.ts
// holds it to what schema.ts says.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { batchTables, Cause, Kind, Pause, Rule, type Table } from '../src/model/schema.ts';
import { sqlTypes, storedColumns } from '../src/store/ddl.ts';

export const schemaFile = fileURLToPath(new URL('../docs/schema.md', import.meta.url));

const about: Record<(typeof batchTables)[number]['name'], string> = {
  functions: 'A row for each function of yours that was seen.',
  spans:
    'A row for each inbound request, each operation on a service, and each call of a function of yours that waited or\nran for a millisecond.',
  waits: 'A row for each wait of a function: from where it stopped to where it went on.',
  pauses:
    'A row for each pause of a thread: garbage collection, and stretches of 10 ms and more in which the event loop was\nheld.',
  counters: 'What the recorder counted, so that no drop is silent. The rows of one counter add up.',
};

const escaped = (text: string): string => text.replaceAll('|', '\\|');

function section(table: Table & { name: keyof typeof about }): string {
  const rows = storedColumns(table).map(
    ({ name, type, unit, meaning }) =>
      `| \`${name}\` | ${type === 'text' ? 'INTEGER, a text' : sqlTypes[type]} | ${unit} | ${escaped(meaning)} |`,
  );
  return `## ${table.name}

${about[table.name]}

| column | type | unit | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

const values = (of: Record<string, number>): string =>
  Object.entries(of)
    .map(([name, value]) => `${value} ${name}`)
    .join(' · ');

export function schemaDoc(): string {
  return `# The columns of a run

<!-- Made by scripts/schema-doc.ts from src/model/schema.ts: change it there. -->

A run's \`.whywait/<run>/spans.duckdb\` is a DuckDB file: once the run has ended, open it with any DuckDB. Texts
are kept once: a column of type "a text" holds the id of a row of \`texts\`, and 0 is the empty text. Ids of traces and
spans are those of W3C Trace Context. Times are nanoseconds since 1970, durations nanoseconds.

\`\`\`sql
SELECT f.text AS function, o.text AS operation, count(*) AS calls, round(sum(s.duration) / 1e6) AS ms
FROM spans s JOIN texts o ON o.id = s.operation
LEFT JOIN functions u ON u.id = s.function LEFT JOIN texts f ON f.id = u.function
WHERE s.kind = ${Kind.client} GROUP BY ALL ORDER BY ms DESC
\`\`\`

${batchTables.map(section).join('\n')}
## Values

| | |
|---|---|
| \`spans.kind\` | ${values(Kind)} |
| \`spans.rule\` | ${values(Rule)} |
| \`waits.cause\` | ${values(Cause)} |
| \`pauses.kind\` | ${values(Pause)} |

What each says stands in [src/model/schema.ts](../src/model/schema.ts).

## Beside them

\`texts\` (id, text), \`processes\` (a row for each process and worker thread: pid, ppid, thread, service.name, runtime,
script, and its time 0), \`batches\` and \`ids\` (so that nothing is taken in twice), \`whywait\` (the version).
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(schemaFile, schemaDoc());
