// The kit on DuckDB, through the thread that owns the file, and what only a file can do wrong.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openStore } from './open.ts';
import { storeKit } from './testkit.ts';

const root = await mkdtemp(join(tmpdir(), 'whywait-store-'));
after(() => rm(root, { recursive: true, force: true }));
let files = 0;

storeKit('DuckDB', async () => {
  const file = join(root, `${++files}.duckdb`);
  return { store: await openStore(file, 'write'), again: () => openStore(file, 'write') };
});
