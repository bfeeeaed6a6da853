import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../model/report.ts';
import { Rule } from '../model/schema.ts';
import { callsOf } from './calls.ts';
import { type Drawn, draw } from './drawing.ts';
import { deep, wide } from './large.ts';
import { matrixOf } from './matrix.ts';
import { reportOf } from './report.ts';

const run: Report['run'] = {
  id: '20261123-181530-k3f',
  name: '',
  command: ['node', 'app.js'],
  startedAt: '2026-11-23T18:15:30.000Z',
  durationMs: 1000,
  processes: [{ pid: 101, service: 'feed', runtime: 'node v24.0.0' }],
};

const reportDrawn = ({ columns, words }: Drawn) => reportOf([columns], { run, words, counters: [] });
const reported = (picture: string) => reportDrawn(draw(picture));
const functionOf = (report: Report, name: string) => {
  const found = report.functions.find((one) => one.function === name);
  assert.ok(found, `${name} is reported`);
  return found;
};

const home = `
  r:GET_/home             >>>>>>>>>>>>>>>>>>>>>>>>>
    f:loadHome            =ggggggggg=aaaaa=eeeee=~~
      g:getUser            =bbbbbb=
        b:users_GET         ######
      a:mysql_SELECT_pins            #####
      e:mysql_SELECT_tags                  #####
`;

test('a function has a row with its calls, its wall time and where it went', () => {
  const one = functionOf(reported(home), 'loadHome');
  assert.equal(one.calls, 1);
  assert.equal(one.file, 'app.ts');
  assert.equal(one.service, 'feed');
  assert.equal(one.wall.totalMs, 0.025);
  assert.deepEqual(one.accounts, {
    cpuMs: 0.004,
    calleesMs: 0.008,
    servicesMs: 0.01,
    poolMs: 0,
    connectMs: 0,
    loopMs: 0.001,
    timersMs: 0.002,
    otherMs: 0,
    unexplainedMs: 0,
  });
});

test('the rest of a call adds its time to the function, and is no call of its own', () => {
  const drawn = draw(home);
  const whole = functionOf(reportDrawn(drawn), 'getUser');
  drawn.columns.spans.rule[drawn.row('g')] = Rule.chain;
  const rest = functionOf(reportDrawn(drawn), 'getUser');
  assert.equal(whole.calls, 1);
  assert.equal(rest.calls, 0);
  assert.equal(rest.wall.totalMs, whole.wall.totalMs);
});

test('services that a function reaches through others are its own too, with the way there', () => {
  const one = functionOf(reported(home), 'loadHome');
  const short = one.services.map(({ service, calls, waitMs, via }) => ({ service, calls, waitMs, via }));
  assert.deepEqual(short, [
    { service: 'mysql', calls: 2, waitMs: 0.01, via: [] },
    { service: 'users', calls: 1, waitMs: 0.006, via: ['getUser'] },
  ]);
  assert.deepEqual(
    one.services[0].operations.map(({ operation, calls, sumMs }) => ({ operation, calls, sumMs })),
    [
      { operation: 'mysql SELECT pins', calls: 1, sumMs: 0.005 },
      { operation: 'mysql SELECT tags', calls: 1, sumMs: 0.005 },
    ],
  );
});

test('parallel calls hold a function once, and are summed beside', () => {
  const report = reported(`
    f:all  =bbbbb=
      a:s_1 ####
      b:s_2 #####
  `);
  const [service] = functionOf(report, 'all').services;
  assert.equal(service.waitMs, 0.005);
  assert.equal(service.sumMs, 0.009);
});

test('a function that calls itself counts each operation once, in every frame the time it waited', () => {
  const report = reported(`
    f:walk    =ggggg=
      g:walk   =aaa=
        a:s     ###
  `);
  const one = functionOf(report, 'walk');
  assert.equal(one.calls, 2);
  assert.equal(one.services[0].calls, 1);
  assert.deepEqual(one.services[0].via, []);
  assert.equal(one.services[0].waitMs, 0.006);
});

test('what a called service does in its own process is not reached by the caller', () => {
  const report = reported(`
    f:load       =aaaaaa=
      a:users     ######
        r@2:GET    >>>>
          h@2:find =bb=
            b:mysql ##
  `);
  assert.deepEqual(
    functionOf(report, 'load').services.map((one) => one.service),
    ['users'],
  );
  assert.equal(functionOf(report, 'find').service, 'users');
});

test('requests are reported with their services, so that a run without functions has an answer', () => {
  const report = reported(`
    r:GET_/home  >>>>>>>>>
      a:mysql_Q   ####
      b:mysql_Q       ##
  `);
  assert.equal(report.functions.length, 0);
  const [request] = report.requests;
  assert.equal(request.request, 'GET /home');
  assert.equal(request.services[0].calls, 2);
  assert.equal(request.services[0].waitMs, 0.006);
  assert.equal(matrixOf(report).of, 'requests');
});

test('functions come by wall time, services of the run with who calls them', () => {
  const report = reported(home);
  assert.deepEqual(
    report.functions.map((one) => one.function),
    ['loadHome', 'getUser'],
  );
  assert.deepEqual(
    report.services.map(({ service, calls, callers }) => ({ service, calls, callers })),
    [
      { service: 'mysql', calls: 2, callers: ['loadHome'] },
      { service: 'users', calls: 1, callers: ['getUser'] },
    ],
  );
});

test('coverage says how owners were found, what was unknown, dropped and not seen', () => {
  const drawn = draw(home);
  const { spans } = drawn.columns;
  spans.rule[drawn.row('a')] = Rule.none;
  spans.rule[drawn.row('b')] = Rule.uncertain;
  const words = { ...drawn.words, texts: drawn.words.texts.map((text) => (text === 'redis' ? 'unknown' : text)) };
  const counters = [
    { counter: 'dropped.spans', detail: '', value: 3 },
    { counter: 'blind.native-addon', detail: 'x.node', value: 1 },
    { counter: 'lost.connections', detail: 'http 10.0.0.5:80', value: 2 },
    { counter: 'off.windows', detail: 'TypeError', value: 1 },
    { counter: 'frames.unlinked', detail: '', value: 1 },
  ];
  assert.deepEqual(reportOf([drawn.columns], { run, words, counters }).coverage, {
    operations: 3,
    attributed: 1,
    uncertain: 1,
    unattributed: 1,
    unknownProtocol: 3,
    dropped: 3,
    blindSpots: [
      { what: 'native addon', where: 'x.node' },
      { what: 'lost connections', where: 'http 10.0.0.5:80' },
      { what: 'off windows', where: 'TypeError' },
    ],
  });
});

test('a function in several processes of one service is one row; in several services, a row each', () => {
  const drawn = draw(`
    f:load    =aa=
      a:s      ##
    g@2:load  =bb=
      b:s      ##
  `);
  assert.deepEqual(
    reportDrawn(drawn).functions.map((one) => one.service),
    ['feed', 'users'],
  );
  const processes = drawn.words.processes.map((one) => ({ ...one, service: 'feed' }));
  const report = reportOf([drawn.columns], { run, words: { ...drawn.words, processes }, counters: [] });
  assert.equal(functionOf(report, 'load').calls, 2);
});

test('the same operation five times one after another from one line is an n + 1', () => {
  const drawn = draw(`
    f:list   =aabbccddee=
      a:SELECT_pin  ##
      b:SELECT_pin    ##
      c:SELECT_pin      ##
      d:SELECT_pin        ##
      e:SELECT_pin          ##
  `);
  drawn.columns.spans.line.fill(18);
  const [finding] = functionOf(reportDrawn(drawn), 'list').findings;
  assert.equal(finding.kind, 'n-plus-one');
  assert.equal(finding.at, 'app.ts:18');
  assert.equal(finding.savesMs, 0.008);
  assert.match(finding.text, /SELECT pin runs 5 times one after another/);
});

test('the same operations at once are no n + 1', () => {
  const report = reported(`
    f:list   =aaaaaa=
      a:SELECT_p ######
      b:SELECT_p ######
      c:SELECT_p ######
      d:SELECT_p ######
      e:SELECT_p ######
  `);
  assert.deepEqual(functionOf(report, 'list').findings, []);
});

test('reads one after another may be independent; with a write between them they are not said to be', () => {
  const picture = (verb: string) => `
    f:home         =aaaaaa=bbbb=
      a:SELECT_pins ######
      b:${verb}_tags       ####
  `;
  const [finding] = functionOf(reported(picture('SELECT')), 'home').findings;
  assert.equal(finding.kind, 'sequential');
  assert.equal(finding.savesMs, 0.004);
  assert.match(finding.text, /if independent/);
  assert.deepEqual(functionOf(reported(picture('UPDATE')), 'home').findings, []);
});

test('the same read from two functions in one trace may be handed on', () => {
  const drawn = draw(`
    r:GET            >>>>>>>>>>>>
      f:head         =aaa=
        a:get_user    ###
      g:body              =bbb=
        b:get_user         ###
  `);
  drawn.columns.spans.bytesIn.fill(100);
  const [finding] = functionOf(reportDrawn(drawn), 'body').findings;
  assert.equal(finding.kind, 'duplicate-read');
  assert.match(finding.text, /by head/);
});

test('"does my function call this service?": yes, with the paths; no; and names that look alike', () => {
  const report = reported(home);
  const yes = callsOf(report, 'loadHome', 'users');
  assert.equal(yes.calls, true);
  assert.deepEqual(yes.functions[0].services[0].paths, [{ via: ['getUser'], calls: 1 }]);
  assert.equal(callsOf(report, 'getUser', 'mysql').calls, false);
  assert.equal(callsOf(report, 'app.ts:10', 'mysql').calls, true);
  assert.deepEqual(callsOf(report, 'home').alike, ['loadHome']);
});

test('the matrix has a row a function, a column a service, and holes where none calls', () => {
  const { rows, columns, cells, maxWaitMs } = matrixOf(reported(home));
  assert.deepEqual(
    rows.map(({ label }) => label),
    ['loadHome', 'getUser'],
  );
  assert.deepEqual(columns, ['users', 'mysql']);
  assert.equal(cells[1][1], undefined);
  assert.equal(maxWaitMs, 0.01);
});

test('100,000 operations in a frame and 10,000 functions deep are reported', () => {
  const words = { texts: ['', 'get user:?', 'redis://h:1', 'redis'], functions: [], processes: [] };
  const broad = reportOf([wide(100_000).columns], { run, words, counters: [] });
  assert.equal(broad.functions[0].services[0].calls, 100_000);
  assert.equal(broad.functions[0].services[0].waitMs, 1);
  const tall = reportOf([deep(10_000).columns], { run, words, counters: [] });
  assert.equal(tall.functions.length, 10_000);
  assert.ok(tall.functions.every((one) => one.services[0].calls === 1));
});
