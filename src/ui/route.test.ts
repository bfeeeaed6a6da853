import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRoute, parseRoute, type Route } from './route.ts';

const routes: Route[] = [
  { view: 'overview', run: '', sort: '', find: '' },
  { view: 'overview', run: 'r1', sort: 'p95', find: 'src/ home' },
  { view: 'function', run: 'r1', name: '<img onerror=x>?#/&', file: 'src/a b.ts', line: 12, service: 'mysql://h:1/p' },
  { view: 'request', run: '', name: 'GET /home/:id' },
  { view: 'trace', run: '', trace: '0123456789abcdef0123456789abcdef', span: '', window: undefined, form: 'waterfall' },
  {
    view: 'trace',
    run: 'r',
    trace: '0123456789abcdef0123456789abcdef',
    span: 'fedcba9876543210',
    window: [-5, 1e9],
    form: 'table',
  },
];

test('every view reads back from its own address', () => {
  for (const route of routes) assert.deepEqual(parseRoute(formatRoute(route)), route);
});

test('an address that says nothing sensible is the overview', () => {
  for (const hash of ['', '#', '#/', '#/nonsense', '#/trace/xyz', '#/function', '#/trace/..%2f', '#//?run='])
    assert.deepEqual(parseRoute(hash), { view: 'overview', run: '', sort: '', find: '' });
});

test('a broken part of an address is left out, the rest holds', () => {
  const route = parseRoute('#/trace/0123456789abcdef0123456789abcdef?span=<b>&window=9-3&form=x');
  assert.deepEqual(route, { ...routes[4] });
});
