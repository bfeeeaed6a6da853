import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree } from '../../analysis/trace.ts';
import { newColumns } from '../../model/batch.ts';
import { Cause, Kind, spans, waits } from '../../model/schema.ts';
import { Stretch, stretches } from '../categories.ts';
import { type BarColours, drawBars, type Pen } from './draw-bars.ts';

const colours: BarColours = {
  ground: ['function', 'request', 'operation', 'producer', 'consumer'],
  stretch: stretches.map(({ name }) => name),
};

/** A pen that writes down what it draws: colour, left, width, top, height. */
function notebook(): Pen & { drawn: (string | number)[][] } {
  const drawn: (string | number)[][] = [];
  return {
    drawn,
    fillStyle: '',
    fillRect(x, y, width, height) {
      drawn.push([String(this.fillStyle), x, width, y, height]);
    },
  };
}

const frame = { left: 0, right: 100, height: 12 };
const one = new Uint32Array([0]);

function operation(start: number, duration: number, phases: Partial<Record<'pool' | 'server' | 'loop', number>>) {
  const columns = newColumns(spans, 1);
  columns.span[0] = 1n;
  columns.kind[0] = Kind.client;
  columns.start[0] = start;
  columns.duration[0] = duration;
  for (const [phase, ns] of Object.entries(phases)) columns[phase as 'pool'][0] = ns;
  return buildTree({ spans: columns, waits: newColumns(waits, 0), process: new Uint32Array(1) });
}

function frameWith(duration: number, stops: readonly (readonly [start: number, duration: number, cause: number])[]) {
  const columns = newColumns(spans, 1);
  columns.span[0] = 1n;
  columns.kind[0] = Kind.internal;
  columns.duration[0] = duration;
  const table = newColumns(waits, stops.length);
  stops.forEach(([start, long, cause], k) => {
    table.span[k] = 1n;
    table.start[k] = start;
    table.duration[k] = long;
    table.cause[k] = cause;
  });
  return buildTree({ spans: columns, waits: table, process: new Uint32Array(1) });
}

test('an operation is its phases in order over its ground, the loop after its end', () => {
  const pen = notebook();
  const tree = operation(10, 50, { pool: 10, server: 40, loop: 5 });
  drawBars(
    pen,
    tree,
    one,
    0,
    1,
    (ns) => ns,
    () => 6,
    frame,
    colours,
  );
  assert.deepEqual(pen.drawn, [
    ['operation', 10, 50, 6, 12],
    ['pool', 10, 10, 6, 12],
    ['server', 20, 40, 6, 12],
    ['loop', 60, 5, 6, 12],
  ]);
});

test('a function is where it ran and what it waited for', () => {
  const pen = notebook();
  const tree = frameWith(60, [
    [10, 20, Cause.operation],
    [40, 10, Cause.timer],
  ]);
  drawBars(
    pen,
    tree,
    one,
    0,
    1,
    (ns) => ns,
    () => 0,
    frame,
    colours,
  );
  assert.deepEqual(
    pen.drawn.slice(1).map(([colour, left, width]) => [colour, left, width]),
    [
      [stretches[Stretch.run].name, 0, 10],
      [stretches[Stretch.operation].name, 10, 20],
      [stretches[Stretch.run].name, 30, 10],
      [stretches[Stretch.timer].name, 40, 10],
      [stretches[Stretch.run].name, 50, 10],
    ],
  );
});

test('bars are cut at the frame, and what lies outside is not drawn', () => {
  const pen = notebook();
  const wide = operation(-50, 300, {});
  drawBars(
    pen,
    wide,
    one,
    0,
    1,
    (ns) => ns,
    () => 0,
    frame,
    colours,
  );
  assert.deepEqual(pen.drawn, [['operation', 0, 100, 0, 12]]);
  const before = notebook();
  drawBars(
    before,
    operation(-50, 20, { server: 20 }),
    one,
    0,
    1,
    (ns) => ns,
    () => 0,
    frame,
    colours,
  );
  assert.deepEqual(before.drawn, []);
});

test('the shortest span still has a pixel', () => {
  const pen = notebook();
  drawBars(
    pen,
    operation(10, 1, {}),
    one,
    0,
    1,
    (ns) => ns / 100,
    () => 0,
    frame,
    colours,
  );
  assert.deepEqual(pen.drawn, [['operation', 0.1, 1, 0, 12]]);
});

test('of many stretches in one pixel, the kind that holds most of it gets it, and no pixel is drawn twice', () => {
  const pen = notebook();
  // 1,000 ns a pixel; each 10 ns: 9 waiting for a callee, 1 running.
  const tree = frameWith(
    100_000,
    Array.from({ length: 10_000 }, (_, k) => [k * 10, 9, Cause.callee] as const),
  );
  drawBars(
    pen,
    tree,
    one,
    0,
    1,
    (ns) => ns / 1000,
    () => 0,
    frame,
    colours,
  );
  assert.deepEqual(
    pen.drawn.slice(1),
    Array.from({ length: 100 }, (_, pixel) => [stretches[Stretch.callee].name, pixel, 1, 0, 12]),
  );
});

test('only the rows asked for are drawn', () => {
  const columns = newColumns(spans, 100);
  for (let i = 0; i < 100; i++) {
    columns.span[i] = BigInt(i + 1);
    columns.kind[i] = Kind.server;
    columns.start[i] = i;
    columns.duration[i] = 10;
  }
  const tree = buildTree({ spans: columns, waits: newColumns(waits, 0), process: new Uint32Array(100) });
  const pen = notebook();
  drawBars(
    pen,
    tree,
    tree.order,
    20,
    23,
    (ns) => ns,
    (row) => row * 26,
    frame,
    colours,
  );
  assert.deepEqual(
    pen.drawn.map(([, left, , top]) => [left, top]),
    [
      [20, 20 * 26 + 3],
      [21, 21 * 26 + 3],
      [22, 22 * 26 + 3],
    ],
  );
});
