import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionServiceReport, Report } from '../model/report.ts';
import { printReport } from './print-report.ts';
import { colours, noStyle, type Paper, paperOf, widthOf } from './terminal.ts';

const service = (name: string, changes: Partial<FunctionServiceReport> = {}): FunctionServiceReport => ({
  service: name,
  protocol: name.split(':')[0],
  calls: 3000,
  errors: 0,
  waitMs: 2100,
  sumMs: 2400,
  p50Ms: 0.7,
  p95Ms: 4.2,
  p99Ms: 12,
  bytesOut: 0,
  bytesIn: 0,
  via: [],
  paths: [],
  operations: [],
  ...changes,
});

const none = { count: 0, totalMs: 0, longestMs: 0 };

const report: Report = {
  schema: 1,
  run: {
    id: '20261123-181530-k3f',
    name: 'as-it-is',
    command: ['npm', 'start'],
    startedAt: '2026-11-23T18:15:30.000Z',
    durationMs: 12_400,
    processes: [{ pid: 1, service: 'feed', runtime: 'node v24.0.0' }],
  },
  functions: [
    {
      function: 'loadHome',
      file: 'src/home.ts',
      line: 12,
      service: 'feed',
      calls: 150,
      errors: 2,
      wall: { totalMs: 3210, p50Ms: 20, p95Ms: 41, p99Ms: 60 },
      accounts: {
        cpuMs: 100,
        calleesMs: 900,
        servicesMs: 2100,
        poolMs: 60,
        connectMs: 50,
        loopMs: 0,
        timersMs: 0,
        otherMs: 0,
        unexplainedMs: 0,
      },
      paused: { gcMs: 3, heldMs: 12 },
      services: [
        service('mysql://127.0.0.1:3306/pins'),
        service('http://a-service-with-a-long-name.internal.example.com:8080', {
          calls: 150,
          errors: 2,
          waitMs: 12,
          via: ['getUser', 'fetchJson'],
        }),
      ],
      heldBy: [{ function: 'exportPins', file: 'src/export.ts', line: 3, totalMs: 55 }],
      blockedBy: [],
      findings: [
        {
          kind: 'n-plus-one',
          text: 'SELECT pins WHERE id = ? runs 20 times one after another in a call: asking once for all of them saves up to 13 ms a call',
          savesMs: 1960,
          at: 'src/home.ts:18',
        },
      ],
    },
  ],
  services: [],
  requests: [
    {
      request: 'GET /home/:id',
      service: 'feed',
      calls: 150,
      errors: 2,
      totalMs: 3300,
      p50Ms: 21,
      p95Ms: 43,
      p99Ms: 61,
      paused: { gcMs: 3, heldMs: 12 },
      services: [],
    },
  ],
  pauses: {
    gc: { ...none, kinds: { minor: none, major: none, incremental: none, weak: none } },
    loop: { ...none, thresholdMs: 10, by: [] },
  },
  sampling: null,
  coverage: {
    operations: 3150,
    attributed: 3148,
    uncertain: 2,
    unattributed: 0,
    unknownProtocol: 0,
    dropped: 0,
    blindSpots: [],
  },
};

const paper = (width: number): Paper => ({ width, style: noStyle, plain: (text) => text });
const printed = (width: number, given: Report = report) => printReport(given, paper(width), { most: 20 });

test('80 columns: a row a service, long names on a line of their own', () => {
  assert.equal(
    printed(80),
    `\
whywait  npm start  12 s · 1 process · run 20261123-181530-k3f · “as-it-is”

── Functions, and the services they wait for ───────────────────────────────────
                               calls   wait    of time    p50    p95    p99 err
loadHome  src/home.ts:12         150 calls · 3.2 s in all · p95 41 ms · 2 errors
  mysql://127.0.0.1:3306/pins  3,000  2.1 s ███▎  65 % 700 µs 4.2 ms  12 ms   0
  http://a-service-with-a-long-name.internal.example.com:8080
                                 150  12 ms ▏     <1 % 700 µs 4.2 ms  12 ms   2
    via getUser → fetchJson
  its time: services 65 %, functions it awaits 28 %, own code 3 %, pool 2 %,
  connecting 2 %

── Requests answered ───────────────────────────────────────────────────────────
GET /home/:id  feed         150 calls  p50 21 ms  p95 43 ms  p99 61 ms  2 errors

── What may be saved ───────────────────────────────────────────────────────────
up to 2.0 s  loadHome  src/home.ts:18
  SELECT pins WHERE id = ? runs 20 times one after another in a call: asking
  once for all of them saves up to 13 ms a call

3,150 operations seen · 3,148 attributed · 2 uncertain · 0 without owner
0 unknown protocol · 0 dropped
`,
  );
});

test('no line is wider than the paper, but for names that are; no name is cut', () => {
  for (const width of [40, 60, 80, 100, 132, 200]) {
    const text = printed(width);
    for (const line of text.split('\n')) {
      assert.ok(widthOf(line) <= width || line.trim().split(' ').length <= 2, `${width}: ${line}`);
    }
    for (const name of ['loadHome', 'src/home.ts:12', 'http://a-service-with-a-long-name.internal.example.com:8080']) {
      assert.ok(text.includes(name), `${name} at ${width}`);
    }
  }
});

test('narrow paper has facts with their names instead of columns', () => {
  assert.match(printed(50), /3,000 calls · waits 2\.1 s \(65 %\)/);
});

test('without functions, requests come with their services', () => {
  const [request] = report.requests;
  const text = printed(80, {
    ...report,
    functions: [],
    requests: [{ ...request, services: [service('mysql://127.0.0.1:3306/pins')] }],
  });
  assert.match(text, /── Requests, and the services they wait for/);
  assert.match(text, /mysql:\/\/127\.0\.0\.1:3306\/pins +3,000/);
});

test('without an owner for any operation, the services still show', () => {
  const services = [{ service: 'redis://h:1', protocol: 'redis', calls: 3, errors: 1, sumMs: 5, callers: [] }];
  const text = printed(80, { ...report, functions: [], requests: [], services });
  assert.match(text, /redis:\/\/h:1 · 3 calls · 5\.0 ms in all · 1 error/);
});

test('what is left out is counted', () => {
  const [one] = report.functions;
  const text = printReport({ ...report, functions: [one, one, one] }, paper(80), { most: 1 });
  assert.match(text, /2 more functions: whywait report --all/);
});

test('colours only where they are wanted and can be shown', () => {
  const terminal = { columns: 80, isTTY: true, hasColors: () => true };
  assert.equal(paperOf(terminal, true, {}).style, colours);
  assert.equal(paperOf(terminal, false, {}).style, noStyle, '--no-color');
  assert.equal(paperOf(terminal, true, { NO_COLOR: '1' }).style, noStyle, 'NO_COLOR');
  assert.equal(paperOf({}, true, {}).style, noStyle, 'a pipe');
  assert.equal(paperOf({}, true, { FORCE_COLOR: '1' }).style, colours, 'FORCE_COLOR');
});

test('a locale without Unicode gets ASCII', () => {
  const plain = paperOf({}, false, { LANG: 'C' });
  assert.match(printReport(report, plain, { most: 20 }), /^[\n\x20-\x7e]*$/);
});

test('colours change no column', () => {
  const coloured = printReport(report, { ...paper(80), style: colours }, { most: 20 });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
  assert.equal(coloured.replace(/\u001b\[[0-9;]*m/g, ''), printed(80));
});

test('pauses: garbage collection, the event loop held, and by whom', () => {
  const gc = { count: 214, totalMs: 312, longestMs: 9.84 };
  const loop = { count: 12, totalMs: 640, longestMs: 61 };
  const holder = { file: '', line: 0, function: '', request: '', service: 'feed' };
  const text = printed(80, {
    ...report,
    pauses: {
      gc: { ...report.pauses.gc, ...gc },
      loop: {
        ...loop,
        thresholdMs: 10,
        by: [
          {
            ...holder,
            function: 'hashPassword',
            file: 'src/login.ts',
            line: 30,
            count: 9,
            totalMs: 540,
            longestMs: 61,
          },
          { ...holder, request: 'GET /export', count: 2, totalMs: 80, longestMs: 45 },
          { ...holder, count: 1, totalMs: 20, longestMs: 20 },
        ],
      },
    },
  });
  const lines = text.split('\n');
  const from = lines.findIndex((line) => line.startsWith('── Pauses'));
  assert.equal(
    lines.slice(from + 1, from + 6).join('\n'),
    `\
garbage collection                   214 pauses · 312 ms in all · longest 9.8 ms
event loop held for 10 ms and more      12 times · 640 ms in all · longest 61 ms
  hashPassword  src/login.ts:30          9 times · 540 ms in all · longest 61 ms
  GET /export                             2 times · 80 ms in all · longest 45 ms
  not known by whom                        1 time · 20 ms in all · longest 20 ms`,
  );
});

test('under a budget: how many were recorded, and what it cost', () => {
  const requests = { seen: 12_650, recorded: 1021, open: 3 };
  const sampling = { requests, work: { seen: 40, recorded: 40, open: 0 }, ownMs: 18.2, cpuMs: 1000 };
  const lines = printed(100, { ...report, sampling }).split('\n');
  const from = lines.findIndex((line) => line.startsWith('1 of 12.4'));
  assert.equal(
    lines.slice(from, from + 2).join('\n'),
    `\
1 of 12.4 requests recorded (1,021 of 12,650) · all pieces of other work recorded
counts are by weight · the recorder took 1.8 % of the CPU time`,
  );
});
