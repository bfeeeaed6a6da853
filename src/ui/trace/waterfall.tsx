// The waterfall: a canvas that stays in view inside a box that scrolls, and what pointer and keyboard do to it.
// All that is shown follows from the model's signals and the scroll position; a change asks for one frame.

import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { stretches } from '../categories.ts';
import { hideTip, Pairs, showTipAt } from '../tip.tsx';
import { formatMs, formatNs } from '../units.ts';
import { hatch, pausesAt } from './draw-pauses.ts';
import { drawWaterfall } from './draw-waterfall.ts';
import { type Geometry, indentOf, layOut, rowAt, rowTop, timeScale } from './geometry.ts';
import { hasChildren, hexOf, pan, reveal, type TraceModel, toggle, zoomAround, zoomTo } from './model.ts';
import { newStretches, stretchesOf } from './phases.ts';
import { readTheme, type Theme } from './theme.ts';
import { besideOf, errorOf, holderOf, kindNames, operationOf, pauseNames, processOf } from './words.ts';

export const keys: readonly (readonly [string, string])[] = [
  ['↑ ↓', 'rows'],
  ['← →', 'pan'],
  ['+ −', 'zoom'],
  ['0', 'all'],
  ['Z', 'zoom to span'],
  ['Enter', 'fold'],
  ['Ctrl wheel', 'zoom'],
];

/** What was drawn last, for whoever inspects the page (tests). Pixels within the canvas, CSS units. */
export interface DrawnRow {
  readonly span: string;
  readonly operation: string;
  readonly row: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Drawing {
  readonly rows: () => DrawnRow[];
  readonly geometry: () => Geometry;
  /** Script time of the last frames, ms, the newest last. */
  readonly frames: readonly number[];
}

const scratch = newStretches();

export function Waterfall({ model, onDrawing }: { model: TraceModel; onDrawing: (drawing: Drawing) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const spacer = useRef<HTMLDivElement>(null);
  // one stage a model
  useEffect(() => {
    const stage = mount(box.current!, canvas.current!, spacer.current!, model);
    onDrawing(stage.drawing);
    return stage.unmount;
  }, [model]);
  const { tree } = model;
  return (
    <div
      class="waterfall"
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a drawn widget that the keyboard moves in
      tabIndex={0}
      role="application"
      aria-roledescription="waterfall of a trace"
      aria-label={`Waterfall of ${tree.order.length} spans. Arrow keys choose a span; the table form reads the same as text.`}
    >
      <canvas ref={canvas} />
      <div ref={spacer} />
    </div>
  );
}

function mount(box: HTMLElement, canvas: HTMLCanvasElement, spacer: HTMLElement, model: TraceModel) {
  const pen = canvas.getContext('2d', { alpha: false })!;
  const { tree } = model;
  let geometry = layOut(box.clientWidth, box.clientHeight);
  let theme: Theme = readTheme(box);
  const pauseFills = () => ({ loop: theme.held, gc: hatch(pen, theme.gc) });
  let pauses = pauseFills();
  let hovered = -1;
  let brush: [number, number] | undefined;
  let drawn: Shot | undefined;
  let frame = 0;
  const frames: number[] = [];

  const ask = () => {
    frame ||= requestAnimationFrame(draw);
  };
  const draw = () => {
    frame = 0;
    const began = performance.now();
    fitCanvas();
    const { scrollTop } = box;
    const [first, last] = drawWaterfall(pen, model, { geometry, theme, pauses, scrollTop, hovered, brush });
    drawn = { rows: model.rows.peek(), window: model.window.peek(), geometry, scrollTop, first, last };
    canvas.dataset.rows = String(model.rows.value.length);
    canvas.dataset.first = String(first);
    canvas.dataset.last = String(last);
    frames.push(performance.now() - began);
    if (frames.length > 600) frames.shift();
  };
  const fitCanvas = () => {
    const scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(geometry.width * scale), Math.round(geometry.height * scale)];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${geometry.width}px`;
      canvas.style.height = `${geometry.height}px`;
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
  };
  const resize = () => {
    geometry = layOut(box.clientWidth, box.clientHeight);
    sizeSpacer(model.rows.peek().length);
    ask();
  };
  // The canvas takes part of the box's height itself; the spacer makes up the rest of what scrolls.
  const sizeSpacer = (rows: number) => {
    spacer.style.height = `${Math.max(0, geometry.axisHeight + rows * geometry.rowHeight + 8 - geometry.height)}px`;
  };

  const time = (x: number) => timeScale(geometry, model.window.peek()).invert(x);
  const point = (event: MouseEvent): [number, number] => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const spanAt = (y: number): number => {
    const row = rowAt(geometry, y, model.rows.peek().length, box.scrollTop);
    return row < 0 ? -1 : model.rows.peek()[row];
  };
  const scrollTo = (row: number) => {
    const top = row * geometry.rowHeight;
    const room = geometry.height - geometry.axisHeight - geometry.rowHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top > box.scrollTop + room) box.scrollTop = top - room;
  };
  const choose = (i: number) => {
    model.selected.value = i;
    if (i >= 0) scrollTo(model.rowOf.peek()[i]);
  };

  const onWheel = (event: WheelEvent) => {
    const [x, y] = point(event);
    const [from, to] = model.window.peek();
    const perPixel = (to - from) / (geometry.right - geometry.left);
    if (event.ctrlKey || event.metaKey || event.altKey || y < geometry.axisHeight) {
      event.preventDefault();
      zoomAround(model, time(x), Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan(model, (event.deltaX || event.deltaY) * perPixel);
    }
    hideTip();
  };

  let drag:
    | { x: number; y: number; scrollTop: number; window: readonly [number, number]; moved: boolean; axis: boolean }
    | undefined;
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const [x, y] = point(event);
    if (x > box.clientWidth) return;
    drag = { x, y, scrollTop: box.scrollTop, window: model.window.peek(), moved: false, axis: y < geometry.axisHeight };
  };
  const onPointerMove = (event: PointerEvent) => {
    const [x, y] = point(event);
    if (!drag) return hover(event, x, y);
    if (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < 4) return;
    if (!drag.moved) {
      drag.moved = true;
      box.setPointerCapture(event.pointerId);
      hideTip();
    }
    if (drag.axis) {
      brush = [Math.min(x, drag.x), Math.max(x, drag.x)];
      return ask();
    }
    const [from, to] = drag.window;
    const by = ((drag.x - x) * (to - from)) / (geometry.right - geometry.left);
    model.window.value = drag.window;
    pan(model, by);
    if (event.pointerType === 'mouse') box.scrollTop = drag.scrollTop + drag.y - y;
  };
  const onPointerUp = (event: PointerEvent) => {
    const was = drag;
    drag = undefined;
    if (!was) return;
    if (was.axis && brush) {
      const [from, to] = [time(brush[0]), time(brush[1])];
      brush = undefined;
      const [first, last] = model.extent;
      model.window.value = [Math.max(first, from), Math.max(Math.max(first, from) + 200, Math.min(last, to))];
      return ask();
    }
    if (was.moved) return;
    const [x, y] = point(event);
    const i = spanAt(y);
    if (i < 0) return;
    const depthAt = indentOf(geometry, tree.depth[i]);
    if (hasChildren(tree, i) && x >= depthAt - 6 && x < depthAt + 14) return toggle(model, i);
    choose(i === model.selected.peek() ? -1 : i);
  };
  const onDoubleClick = (event: MouseEvent) => {
    const i = spanAt(point(event)[1]);
    if (i < 0) return;
    choose(i);
    zoomTo(model, i);
  };
  const onLeave = () => {
    hovered = -1;
    hideTip();
    ask();
  };

  const hover = (event: PointerEvent, x: number, y: number) => {
    const row = rowAt(geometry, y, model.rows.peek().length, box.scrollTop);
    canvas.style.cursor = y < geometry.axisHeight ? 'col-resize' : 'default';
    if (row !== hovered) {
      hovered = row;
      ask();
    }
    if (row < 0 || event.pointerType === 'touch') return hideTip();
    const i = model.rows.peek()[row];
    showTipAt(
      event.clientX,
      event.clientY + 6,
      tipOf(model, i, x > geometry.gutter ? time(x) : Number.NaN, time(x + 2) - time(x)),
    );
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = model.rows.peek();
    const selected = model.selected.peek();
    const row = selected < 0 ? -1 : model.rowOf.peek()[selected];
    const page = Math.max(1, Math.floor((geometry.height - geometry.axisHeight) / geometry.rowHeight) - 1);
    const [from, to] = model.window.peek();
    const toRow = (wanted: number) => choose(rows[Math.max(0, Math.min(rows.length - 1, wanted))] ?? -1);
    const middle =
      selected < 0 ? (from + to) / 2 : Math.max(from, Math.min(to, (tree.start[selected] + tree.end[selected]) / 2));
    const actions: Record<string, () => void> = {
      ArrowDown: () => toRow(row + 1),
      ArrowUp: () => toRow(row < 0 ? 0 : row - 1),
      PageDown: () => toRow(row + page),
      PageUp: () => toRow(row - page),
      Home: () => toRow(0),
      End: () => toRow(rows.length - 1),
      ArrowLeft: () => pan(model, (from - to) / 10),
      ArrowRight: () => pan(model, (to - from) / 10),
      '+': () => zoomAround(model, middle, 1 / 1.5),
      '=': () => zoomAround(model, middle, 1 / 1.5),
      '-': () => zoomAround(model, middle, 1.5),
      '0': () => {
        model.window.value = model.extent;
      },
      z: () => selected >= 0 && zoomTo(model, selected),
      Enter: () => selected >= 0 && toggle(model, selected),
      ' ': () => selected >= 0 && toggle(model, selected),
      Escape: () => choose(-1),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    hideTip();
    action();
  };

  const watch = new ResizeObserver(resize);
  watch.observe(box);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const retheme = () => {
    theme = readTheme(box);
    pauses = pauseFills();
    ask();
  };
  dark.addEventListener('change', retheme);
  box.addEventListener('scroll', ask, { passive: true });
  box.addEventListener('wheel', onWheel, { passive: false });
  box.addEventListener('pointerdown', onPointerDown);
  box.addEventListener('pointermove', onPointerMove);
  box.addEventListener('pointerup', onPointerUp);
  box.addEventListener('pointerleave', onLeave);
  box.addEventListener('dblclick', onDoubleClick);
  box.addEventListener('keydown', onKeyDown);
  const stop = effect(() => {
    sizeSpacer(model.rows.value.length);
    model.window.value;
    model.selected.value;
    model.found.value;
    ask();
  });
  const first = model.selected.peek();
  if (first >= 0) {
    reveal(model, first);
    scrollTo(model.rowOf.peek()[first]);
  }
  // What is chosen elsewhere (search, details, address) comes into view too.
  const follow = effect(() => {
    const i = model.selected.value;
    if (i >= 0) scrollTo(model.rowOf.value[i]);
  });

  return {
    drawing: { rows: () => (drawn ? rowsOf(model, drawn) : []), geometry: () => geometry, frames },
    unmount: () => {
      stop();
      follow();
      watch.disconnect();
      dark.removeEventListener('change', retheme);
      cancelAnimationFrame(frame);
      hideTip();
    },
  };
}

/** What one frame was drawn from. */
interface Shot {
  readonly rows: Uint32Array;
  readonly window: readonly [number, number];
  readonly geometry: Geometry;
  readonly scrollTop: number;
  readonly first: number;
  readonly last: number;
}

function rowsOf(model: TraceModel, { rows, window, geometry, scrollTop, first, last }: Shot): DrawnRow[] {
  const { tree } = model;
  const x = timeScale(geometry, window);
  return Array.from(rows.subarray(first, last), (i, k) => ({
    span: hexOf(model, i),
    operation: operationOf(tree, i),
    row: first + k,
    x: x(tree.start[i]),
    y: rowTop(geometry, first + k, scrollTop) + geometry.barTop,
    width: x(tree.end[i]) - x(tree.start[i]),
    height: geometry.barHeight,
  }));
}

function tipOf(model: TraceModel, i: number, at: number, near: number) {
  const { tree } = model;
  stretchesOf(tree, i, scratch);
  let under: string | undefined;
  for (let k = 0; k < scratch.count; k++)
    if (at >= scratch.start[k] && at < scratch.end[k])
      under = `${stretches[scratch.kind[k]].name} ${formatNs(scratch.end[k] - scratch.start[k])}`;
  const error = errorOf(tree, i);
  const several = tree.columns.processes.size > 1;
  return (
    <>
      <b class="name">{operationOf(tree, i)}</b>
      <div class="soft name">{besideOf(tree, i) || kindNames[tree.columns.spans.kind[i]]}</div>
      <Pairs
        of={[
          ['duration', formatNs(tree.end[i] - tree.start[i])],
          ['starts at', formatMs((tree.start[i] - model.extent[0]) / 1e6)],
          under !== undefined && ['here', under],
          error !== '' && ['error', <span class="error">{error}</span>],
          several && ['process', processOf(tree, i)],
          ...pausesAt(tree, i, at, near)
            .slice(0, 4)
            .map((k) => [pauseNames[tree.columns.pauses!.kind[k]], pauseOf(model, k)] as const),
        ]}
      />
    </>
  );
}

/** "52 ms, by spin src/spin.ts:12" */
function pauseOf({ tree }: TraceModel, k: number) {
  const long = formatNs(tree.columns.pauses!.duration[k]);
  const holder = holderOf(tree, k);
  return holder === '' ? long : `${long}, by ${holder}`;
}
