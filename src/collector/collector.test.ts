// The collector over its real sockets, with a recorder that speaks as ours do.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RunSummary, TraceList } from '../model/api.ts';
import { decodeBatch } from '../model/batch.ts';
import type { Report } from '../model/report.ts';
import { FrameKind } from '../model/wire.ts';
import { createRun, findRun, isLive, listRuns, readRun, removeRun, runDir, runsDir } from '../store/runs.ts';
import { BatchMaker, hello, seeded, someTraces } from '../store/testkit.ts';
import { type Collector, startCollector, startViewer } from './collector.ts';
import { frame, helloFrame, TestRecorder } from './testing.ts';

const roots: string[] = [];
after(() => Promise.all(roots.map((root) => rm(root, { recursive: true, force: true }))));

async function newRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'whywait-collector-'));
  roots.push(root);
  return root;
}

async function started(root: string, more: Partial<Parameters<typeof startCollector>[0]> = {}): Promise<Collector> {
  const run = await createRun(root, { name: 'test', command: ['node', 'app.js'] });
  return startCollector({ root, run, ui: {}, ...more });
}

/** A recorder that has sent `count` traces in one batch, acknowledged. */
async function recorded(collector: Collector, token: string, count: number): Promise<TestRecorder> {
  const recorder = new TestRecorder(collector.dir, hello(token)).hello();
  const maker = new BatchMaker();
  const { feed } = someTraces(count, seeded(1));
  for (const facts of feed) recorder.send(maker.bytes(facts));
  await recorder.acked(count);
  return recorder;
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: pathname + search, headers, method, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts) }),
      );
    })
      .on('error', reject)
      .end();
  });
}

const json = async <T>(url: string): Promise<T> => JSON.parse((await get(url)).body.toString()) as T;

test('what recorders send is acknowledged, and is in the report, the traces and the trace', async () => {
  const root = await newRoot();
  const collector = await started(root);
  try {
    const recorder = await recorded(collector, 'a', 20);
    assert.equal(recorder.process, 1);
    await recorder.leave();
    const report = await json<Report>(`${collector.url}api/report`);
    assert.equal(report.schema, 1);
    assert.equal(report.functions[0]!.function, 'loadHome');
    assert.equal(report.functions[0]!.calls, 20);
    assert.equal(report.requests[0]!.request, 'GET /home/:id');
    assert.deepEqual(report.run.processes, [{ pid: 100, service: 'feed', runtime: 'node v20.20.2' }]);
    const { total, traces } = await json<TraceList>(`${collector.url}api/traces?function=loadHome&limit=3`);
    assert.deepEqual([total, traces.length], [20, 3]);
    const { body, headers } = await get(`${collector.url}api/trace?trace=${traces[0]!.trace}`);
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.equal(decodeBatch(new Uint8Array(body)).tables.spans.span.length, 3);
    const { runs } = await json<{ runs: RunSummary[] }>(`${collector.url}api/runs`);
    assert.equal(runs.length, 1);
    assert.deepEqual([runs[0]!.running, runs[0]!.spans, runs[0]!.name], [true, 60, 'test']);
    await collector.finish();
    const after = await json<{ runs: RunSummary[] }>(`${collector.url}api/runs`);
    assert.equal(after.runs[0]!.running, false);
  } finally {
    await collector.close();
  }
  await assert.rejects(stat(collector.dir), /ENOENT/);
});

test('the sockets are for the user alone', {
  skip: process.platform === 'win32' && 'named pipes have no mode',
}, async () => {
  const collector = await started(await newRoot());
  try {
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    assert.equal(await mode(collector.dir), '700');
    assert.equal(await mode(join(collector.dir, 'c.sock')), '600');
    assert.equal(await mode(join(collector.dir, 'a.sock')), '600');
  } finally {
    await collector.close();
  }
});

test('what a process left in a file is taken in once, however much of it had arrived', async () => {
  const root = await newRoot();
  const collector = await started(root);
  try {
    const maker = new BatchMaker();
    const { feed } = someTraces(5, seeded(2));
    const batches = feed.map((facts) => maker.bytes(facts));
    const recorder = new TestRecorder(collector.dir, hello('a')).hello();
    for (const batch of batches.slice(0, 3)) recorder.send(batch);
    await recorder.acked(3);
    await recorder.leave();
    const rest = [helloFrame(hello('a')), ...batches.slice(1).map((batch) => frame(FrameKind.batch, batch))];
    await writeFile(join(collector.dir, 'a.rest'), Buffer.concat(rest));
    // One cut in its second batch, and one that is nonsense: what is whole counts, the others do not notice.
    const other = new BatchMaker();
    const cut = Buffer.concat([
      helloFrame(hello('b')),
      ...[0, 1].map((i) => frame(FrameKind.batch, other.bytes(someTraces(9, seeded(3)).users[i]!))),
    ]);
    await writeFile(join(collector.dir, 'b.rest'), cut.subarray(0, -10));
    await writeFile(join(collector.dir, 'c.rest'), 'nonsense, but more than eight bytes');
    await collector.finish();
    assert.deepEqual(await readdir(collector.dir), ['a.sock', 'c.sock']);
    assert.equal(collector.counts.spans, 5 * 3 + 1);
    assert.equal(collector.counts.repeated, 2);
    assert.deepEqual([collector.counts.restFiles, collector.counts.badRestFiles], [3, 2]);
  } finally {
    await collector.close();
  }
});

test('nonsense closes the connection that sent it, and no other', async () => {
  const collector = await started(await newRoot());
  try {
    const good = new TestRecorder(collector.dir, hello('good')).hello();
    const maker = new BatchMaker();
    const random = seeded(4);
    const noise = Uint8Array.from({ length: 5000 }, () => Math.floor(random() * 256));
    const bad: [string, Uint8Array][] = [
      ['noise', noise],
      ['a batch first', frame(FrameKind.batch, maker.batch({}) && new BatchMaker().bytes({}))],
      ['a hello that is no JSON', frame(FrameKind.hello, new Uint8Array(10))],
      ['a hello of a later version', helloFrame({ ...hello('x'), version: 2 as 1 })],
      ['a hello with a wrong pid', helloFrame(hello('x', { pid: -1 }))],
      ['a hello without a time', helloFrame(hello('x', { origin: 'now' }))],
      ['two hellos', Buffer.concat([helloFrame(hello('x')), helloFrame(hello('x'))])],
      ['a frame of 4 GB', Uint8Array.of(255, 255, 255, 255, FrameKind.batch, 0, 0, 0)],
      ['an empty frame', Uint8Array.of(0, 0, 0, 0, FrameKind.batch, 0, 0, 0)],
      ["a collector's frame", frame(FrameKind.ack, new Uint8Array(4))],
      ['a batch that is none', Buffer.concat([helloFrame(hello('y')), frame(FrameKind.batch, noise)])],
    ];
    for (const [what, bytes] of bad) {
      const recorder = new TestRecorder(collector.dir, hello('bad'));
      recorder.socket.write(bytes);
      await recorder.closed();
      assert.equal(recorder.acknowledged, 0, what);
    }
    assert.equal(collector.counts.badConnections, bad.length);
    good.send(new BatchMaker().bytes(someTraces(1, seeded(5)).feed[0]!));
    await good.acked(1);
    assert.equal(collector.counts.spans, 3);
    await good.leave();
  } finally {
    await collector.close();
  }
});

test('a recorder that comes back with the same token is the same process', async () => {
  const collector = await started(await newRoot());
  try {
    const maker = new BatchMaker();
    const [first, second] = someTraces(2, seeded(6)).feed.map((facts) => maker.bytes(facts));
    const before = new TestRecorder(collector.dir, hello('a')).hello();
    before.send(first!);
    await before.acked(1);
    before.socket.destroy();
    const again = new TestRecorder(collector.dir, hello('a')).hello();
    again.send(first!);
    again.send(second!);
    await again.acked(2);
    assert.equal(again.process, before.process);
    assert.deepEqual([collector.counts.spans, collector.counts.repeated], [6, 1]);
    const report = await json<Report>(`${collector.url}api/report`);
    assert.equal(report.functions[0]!.calls, 2);
    await again.leave();
  } finally {
    await collector.close();
  }
});

test('a recorder that does not leave is left behind, with what it sent', async () => {
  const collector = await started(await newRoot());
  try {
    const daemon = await recorded(collector, 'a', 2);
    const closed = daemon.closed();
    await collector.finish(1);
    await closed;
    assert.equal(collector.counts.spans, 6);
  } finally {
    await collector.close();
  }
});

test('two collectors in one directory record two runs, and each answers about both', async () => {
  const root = await newRoot();
  const [one, two] = await Promise.all([started(root), started(root)]);
  try {
    await (await recorded(one, 'a', 3)).leave();
    await (await recorded(two, 'b', 5)).leave();
    const { runs } = await json<{ runs: RunSummary[] }>(`${one.url}api/runs`);
    assert.equal(runs.length, 2);
    assert.ok(runs.every(({ running }) => running));
    const calls = async (url: string, run: string) =>
      (await json<Report>(`${url}api/report?run=${run}`)).functions[0]!.calls;
    for (const { url } of [one, two])
      assert.deepEqual((await Promise.all(runs.map(({ id }) => calls(url, id)))).sort(), [3, 5]);
    for (const { id } of runs) {
      const { traces } = await json<TraceList>(`${one.url}api/traces?run=${id}&limit=1`);
      assert.equal((await get(`${two.url}api/trace?run=${id}&trace=${traces[0]!.trace}`)).status, 200);
    }
    await assert.rejects(removeRun(root, await readRun(root, runs[0]!.id)), { code: 'WW_RUN_LIVE' });
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
});

test('an ended run is answered from its file, by another collector and by a viewer', async () => {
  const root = await newRoot();
  const ended = await started(root, { ui: undefined });
  await (await recorded(ended, 'a', 4)).leave();
  await ended.finish();
  const live = await ended.runs.report();
  await ended.close();
  assert.equal(ended.url, '');
  assert.equal(await isLive(await readRun(root, live.run.id)), false);
  const next = await started(root);
  try {
    assert.deepEqual(await json<Report>(`${next.url}api/report?run=${live.run.id}`), live);
  } finally {
    await next.close();
  }
  const viewer = await startViewer({ root });
  try {
    assert.deepEqual(await json<Report>(`${viewer.url}api/report?run=${live.run.id}`), live);
    assert.equal((await get(`${viewer.url}api/report?run=2020`)).status, 404);
  } finally {
    await viewer.close();
  }
});

test('other sites and rebound names are refused, and the page is told to load nothing foreign', async () => {
  const root = await newRoot();
  const staticDir = join(root, 'page');
  await mkdir(join(staticDir, 'assets'), { recursive: true });
  await writeFile(join(staticDir, 'index.html'), '<p>page</p>');
  await writeFile(join(staticDir, 'assets', 'a-1.js'), '1');
  await writeFile(join(root, 'secret.json'), '{}');
  const collector = await started(root, { staticDir });
  try {
    const { url } = collector;
    const { host, port } = new URL(url);
    const page = await get(url);
    assert.equal(page.status, 200);
    assert.equal(page.body.toString(), '<p>page</p>');
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
    assert.equal(page.headers['access-control-allow-origin'], undefined);
    assert.match(String((await get(`${url}assets/a-1.js`)).headers['content-type']), /javascript/);
    for (const path of [
      '%2e%2e/secret.json',
      '..%2fsecret.json',
      'assets/..%5c..%5csecret.json',
      'none.html',
      'a%00.html',
    ])
      assert.equal((await get(url + path)).status, 404, path);
    const status = async (headers: Record<string, string>, method?: string) =>
      (await get(`${url}api/runs`, headers, method)).status;
    assert.equal(await status({ host: `localhost:${port}` }), 200);
    assert.equal(await status({ origin: `http://${host}` }), 200);
    assert.equal(await status({ host: `evil.example:${port}` }), 403);
    assert.equal(await status({ host: '127.0.0.1' }), 403);
    assert.equal(await status({ origin: 'http://evil.example' }), 403);
    assert.equal(await status({ origin: 'null' }), 403);
    assert.equal(await status({ 'sec-fetch-site': 'cross-site' }), 403);
    assert.equal(await status({}, 'POST'), 405);
    assert.equal((await get(`${url}api/none`)).status, 404);
    assert.equal((await get(`${url}api/trace?trace=xyz`)).status, 404);
    assert.equal((await get(`${url}api/traces?limit=many`)).status, 400);
  } finally {
    await collector.close();
  }
});

test('events tell of new spans and of the end', async () => {
  const collector = await started(await newRoot());
  try {
    const { hostname, port } = new URL(collector.url);
    const stream = request({ hostname, port, path: '/api/events', agent: false }).end();
    const [answer] = (await once(stream, 'response')) as [import('node:http').IncomingMessage];
    assert.match(String(answer.headers['content-type']), /^text\/event-stream/);
    let text = '';
    const more = answer[Symbol.asyncIterator]();
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) text += String((await more.next()).value);
    };
    await until(/data: \{"spans": 0\}\n\n/);
    await (await recorded(collector, 'a', 2)).leave();
    await until(/data: \{"spans": 6\}\n\n/);
    await collector.finish();
    await until(/event: end\n/);
    stream.destroy();
  } finally {
    await collector.close();
  }
});

test('a chosen port that is in use is a clear error, and leaves nothing behind', async () => {
  const root = await newRoot();
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  // A place of its own: other tests make directories in the usual one at the same time.
  const usual = process.env['TMPDIR'];
  process.env['TMPDIR'] = await newRoot();
  try {
    await assert.rejects(started(root, { ui: { port } }), { code: 'WW_PORT_IN_USE', what: `Port ${port} is in use.` });
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith('whywait-'));
    assert.deepEqual(left, []);
  } finally {
    if (usual === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usual;
    other.close();
  }
});

test('a directory of runs is hidden from git', async () => {
  const root = await newRoot();
  await createRun(root, { name: '', command: [] });
  assert.equal(await readFile(join(runsDir(root), '.gitignore'), 'utf8'), '*\n');
});

test('runs are found by id, by the beginning of one, by name, and a damaged record still is a run', async () => {
  const root = await newRoot();
  await assert.rejects(findRun(root), { code: 'WW_RUN_UNKNOWN' });
  const first = await createRun(root, { name: 'before', command: ['node', 'a.js'] });
  const second = await createRun(root, { name: 'after', command: ['node', 'a.js'] });
  assert.match(first.id, /^\d{8}-\d{6}-[a-z0-9]{3}$/);
  assert.equal((await findRun(root, 'before')).id, first.id);
  assert.equal((await findRun(root, second.id)).id, second.id);
  await assert.rejects(findRun(root, '20'), { code: 'WW_RUN_UNKNOWN', what: "2 runs begin with '20'." });
  await assert.rejects(findRun(root, '../x'), { code: 'WW_RUN_UNKNOWN' });
  await writeFile(join(runDir(root, first.id), 'run.json'), '{"name": 5');
  assert.deepEqual((await listRuns(root)).map(({ id }) => id).sort(), [first.id, second.id].sort());
  await removeRun(root, await findRun(root, first.id));
  assert.equal((await findRun(root)).id, second.id);
  const file = await newRoot();
  await writeFile(runsDir(file), 'a file');
  await assert.rejects(createRun(file, { name: '', command: [] }), { code: 'WW_STORE_CORRUPT' });
  await assert.rejects(listRuns(file), { code: 'WW_STORE_CORRUPT' });
});
