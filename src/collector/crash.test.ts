// kill -9 of the collector in the middle of appends: what was acknowledged is there afterwards, whole.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '../store/open.ts';
import { findRun, isLive, readRun, spansFile } from '../store/runs.ts';
import { BatchMaker, hello, type SpanFact, seeded } from '../store/testkit.ts';
import { TestRecorder } from './testing.ts';

const kills = Number(process.env['WHYWAIT_KILLS'] ?? 10);
const spansPerBatch = 500;

async function startChild(root: string) {
  const script = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, root], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, ...(JSON.parse(line) as { dir: string; id: string }) };
}

/** Batch n is the whole of trace n. */
const batchOf = (maker: BatchMaker, n: number): Uint8Array =>
  maker.bytes({
    spans: Array.from({ length: spansPerBatch }, (_, i): SpanFact => {
      const operation = `operation ${n} ${i % 50}`;
      return { trace: [1n, BigInt(n)], span: BigInt(i + 1), operation, start: n * 1e6 + i, duration: 1000 };
    }),
    waits: [{ trace: [1n, BigInt(n)], span: 1n, start: n * 1e6, duration: 10 }],
  });

test(`no acknowledged batch is lost, none is there in part, in ${kills} kills`, async () => {
  const random = seeded(Number(process.env['WHYWAIT_SEED'] ?? 1));
  for (let kill = 0; kill < kills; kill++) {
    const root = await mkdtemp(join(tmpdir(), 'whywait-crash-'));
    const { child, dir, id } = await startChild(root);
    try {
      const maker = new BatchMaker();
      const recorder = new TestRecorder(dir, hello('a')).hello();
      const killAt = 1 + Math.floor(random() * 60);
      let sent = 0;
      // Keeps several batches on their way, so that the kill falls among them.
      while (recorder.acknowledged < killAt) {
        while (sent < recorder.acknowledged + 12) recorder.send(batchOf(maker, ++sent));
        await recorder.acked(recorder.acknowledged + 1);
      }
      child.kill('SIGKILL');
      await once(child, 'exit');
      await recorder.closed();
      const record = await findRun(root);
      assert.equal(record.id, id);
      assert.equal(record.endedAt, '');
      assert.equal(await isLive(await readRun(root, id)), false);
      const store = await openStore(spansFile(root, id), 'read');
      try {
        const { texts } = await store.words();
        const seen = new Set<number>();
        await store.scanTraces(({ traceLo, spans, waits }) => {
          seen.add(Number(traceLo));
          assert.equal(spans.span.length, spansPerBatch, `batch ${traceLo} is whole`);
          assert.equal(waits.span.length, 1);
          const words = Array.from(spans.operation, (text) => texts[text]);
          for (let i = 0; i < words.length; i++)
            assert.equal(words[i], `operation ${traceLo} ${Number(spans.span[i]! - 1n) % 50}`);
        });
        for (let n = 1; n <= recorder.acknowledged; n++)
          assert.ok(seen.has(n), `batch ${n} of ${recorder.acknowledged} acknowledged is there`);
        assert.ok(seen.size <= sent);
        assert.equal((await store.totals()).batches, seen.size);
      } finally {
        await store.close();
      }
    } finally {
      child.kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
      await rm(root, { recursive: true, force: true });
    }
  }
});
