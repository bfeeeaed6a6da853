// The intake in front of a store that is slow: what waits for it is bounded.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FrameKind } from '../model/wire.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { BatchMaker, hello } from '../store/testkit.ts';
import { FrameReader } from './frames.ts';
import { Intake } from './intake.ts';
import { listenPrivately, privateDir, socketPath } from './listen.ts';
import { frame, helloFrame, TestRecorder } from './testing.ts';

test('frames are the same wherever the stream is cut', () => {
  const bodies = [new Uint8Array(1).fill(1), new Uint8Array(70).fill(2), new Uint8Array(9).fill(3)];
  const stream = Buffer.concat([helloFrame(hello('a')), ...bodies.map((body) => frame(FrameKind.batch, body))]);
  const whole = new FrameReader().read(stream);
  assert.deepEqual(
    whole.slice(1).map(({ body }) => body),
    bodies,
  );
  for (let cut = 0; cut <= stream.length; cut++) {
    const reader = new FrameReader();
    assert.deepEqual([...reader.read(stream.subarray(0, cut)), ...reader.read(stream.subarray(cut))], whole);
    assert.equal(reader.isAmid, false);
  }
  const reader = new FrameReader();
  assert.deepEqual(Array.from(stream, (byte) => reader.read(Uint8Array.of(byte))).flat(), whole);
});

test('while the store does not answer, no more than a bounded part is taken, and all of it once it does', async () => {
  const root = await mkdtemp(join(tmpdir(), 'whywait-intake-'));
  const dir = await privateDir();
  const store = await openStore(join(root, 'spans.duckdb'), 'write');
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow: Store = Object.assign(Object.create(store) as Store, {
    join: (said: Parameters<Store['join']>[0]) => store.join(said),
    append: async (process: number, batch: Uint8Array<ArrayBuffer>) => {
      await gate;
      return store.append(process, batch);
    },
  });
  const intake = new Intake(
    slow,
    () => {},
    () => {},
  );
  const server = createServer((socket) => intake.serve(socket));
  try {
    await listenPrivately(server, socketPath(dir, 'c'));
    const maker = new BatchMaker();
    const many = Array.from({ length: 20_000 }, (_, i) => ({ trace: [1n, 1n] as const, span: BigInt(i) }));
    // 40 batches of 3.7 MB: far more than may wait.
    const batches = Array.from({ length: 5 }, () => maker.bytes({ spans: many }));
    const recorders = Array.from({ length: 8 }, (_, i) => new TestRecorder(dir, hello(`r${i}`)).hello());
    for (const batch of batches) for (const recorder of recorders) recorder.send(batch);
    const settled = async () => {
      for (let last = -1, same = 0; same < 50; ) {
        same = intake.pendingBytes === last && last > 0 ? same + 1 : 0;
        last = intake.pendingBytes;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await settled();
    assert.ok(intake.pendingBytes < 64 * 1024 * 1024 + recorders.length * batches[0]!.length);
    assert.ok(recorders.every(({ acknowledged }) => acknowledged === 0));
    assert.ok(recorders.some(({ socket }) => socket.writableLength > 0));
    open();
    await Promise.all(recorders.map((recorder) => recorder.acked(5)));
    assert.equal(intake.counts.spans, 8 * 5 * 20_000);
    await Promise.all(recorders.map((recorder) => recorder.leave()));
    await intake.drain(0);
    assert.equal(intake.pendingBytes, 0);
  } finally {
    server.close();
    await store.close();
    await rm(root, { recursive: true, force: true });
    await rm(dir, { recursive: true, force: true });
  }
});
