// @grpc/grpc-js, unmodified: calls and streams in each direction, on both sides, with their status, owner and trace.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type grpc from '@grpc/grpc-js';
import type { Report } from '../src/model/report.ts';
import { Kind } from '../src/model/schema.ts';
import { nodes, run } from './recorder-kit.ts';

const here = dirname(fileURLToPath(import.meta.url));
const whywait = join(here, '../bin/whywait.mjs');
const program = (name: string) => join(here, 'programs', name);

interface Service {
  readonly server: grpc.Server;
  readonly address: string;
  /** Calls by method. */
  readonly calls: Record<string, number>;
  /** The traceparent that each GetPin brought. */
  readonly traces: Map<number, string | undefined>;
}

const { serve } = createRequire(import.meta.url)(program('grpc-service.cjs')) as { serve(): Promise<Service> };
let service: Service;
let dir: string;

before(async () => {
  service = await serve();
  dir = mkdtempSync(join(tmpdir(), 'whywait-grpc-'));
});

after(() => {
  service?.server.forceShutdown();
  rmSync(dir, { recursive: true, force: true });
});

for (const node of nodes) {
  test(`streams belong to the function that reads them, with their failures: ${node}`, async () => {
    for (const method of Object.keys(service.calls)) delete service.calls[method];
    const json = join(dir, 'report.json');
    const args = ['run', '--no-ui', '--dir', dir, '--json', json, '--', node, program('grpc-streams.cjs')];
    const env = { ...process.env, GRPC_ADDRESS: service.address };
    await promisify(execFile)(process.execPath, [whywait, ...args], { env, timeout: 60_000 });
    const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
    const calls = Object.fromEntries(
      report.functions.map((row) => [
        row.function,
        row.services.flatMap(({ operations }) =>
          operations.map((one) => `${one.operation} × ${one.calls}${one.errors > 0 ? `, ${one.errors} failed` : ''}`),
        ),
      ]),
    );
    assert.deepEqual(calls['listBroken'], ['pins.Pins/ListPins × 20, 20 failed']);
    assert.deepEqual(calls['listPins'], ['pins.Pins/ListPins × 40, 20 failed']);
    assert.deepEqual(calls['savePins'], ['pins.Pins/SavePins × 20']);
    assert.deepEqual(calls['editPins'], ['pins.Pins/EditPins × 20']);
    assert.deepEqual(calls['waitTooLong'], ['pins.Pins/GetPin × 20, 20 failed']);
    assert.deepEqual(calls['watchAndLeave'], ['pins.Pins/WatchPins × 20, 20 failed']);
    const { operations, unattributed, uncertain, dropped } = report.coverage;
    assert.deepEqual(
      { operations, unattributed, uncertain, dropped },
      { operations: 120, unattributed: 0, uncertain: 0, dropped: 0 },
    );
    assert.deepEqual(service.calls, { listPins: 40, savePins: 20, editPins: 20, getPin: 20, watchPins: 20 });
  });

  test(`both sides say the status, of the server's only what is its fault: ${node}`, async () => {
    const script = `require(${JSON.stringify(program('grpc-service.cjs'))}).main()`;
    const { code, spans, stderr } = await run(script, { node });
    assert.equal(code, 0, stderr);
    const said = (kind: Kind) =>
      spans
        .filter((span) => span.kind === kind && span.protocol === 'grpc')
        .sort((a, b) => a.start - b.start)
        .map(({ operation, status, error }) => `${operation} ${status} ${error}`.trim());
    assert.deepEqual(said(Kind.client), [
      'pins.Pins/GetPin 1005 NOT_FOUND',
      'pins.Pins/ListPins 1015 DATA_LOSS',
      'pins.Pins/SavePins 1000',
      'pins.Pins/EditPins 1000',
      'pins.Pins/GetPin 1004 DEADLINE_EXCEEDED',
    ]);
    const served = said(Kind.server);
    assert.deepEqual(served.slice(0, 4), [
      'pins.Pins/GetPin 1005',
      'pins.Pins/ListPins 1015 DATA_LOSS',
      'pins.Pins/SavePins 1000',
      'pins.Pins/EditPins 1000',
    ]);
    // What the server learns of a deadline is a reset stream, or its own timer: which one is first is chance.
    assert.match(served[4] ?? '', /^pins\.Pins\/GetPin \d+ (?:aborted|DEADLINE_EXCEEDED)$/);
  });

  test(`calls that wait for their channel carry no other's trace: ${node}`, async () => {
    service.traces.clear();
    const script = `require(${JSON.stringify(program('grpc-queued.cjs'))})`;
    const { code, spans, stderr } = await run(script, { node, env: { GRPC_ADDRESS: service.address } });
    assert.equal(code, 0, stderr);
    assert.equal(service.traces.size, 60);
    let told = 0;
    for (const [id, traceparent] of service.traces) {
      if (traceparent !== undefined) assert.equal(Number(traceparent.split('-')[1]), id, `request ${id}`);
      if (traceparent !== undefined) told++;
      else assert.ok(id <= 20, `request ${id} has a trace`);
    }
    assert.ok(told > 40, `${told} of 60 were told their trace`);
    const calls = spans.filter(({ kind, protocol }) => kind === Kind.client && protocol === 'grpc');
    assert.equal(new Set(calls.map(({ trace }) => trace)).size, 60, 'a call of each request');
  });
}
