// A read-only window for tests and the curious: what the page holds and where it drew it, as `window.whywait`.

import { report, route } from './state.ts';
import { hexOf, type TraceModel } from './trace/model.ts';
import type { Drawing } from './trace/waterfall.tsx';
import { operationOf } from './trace/words.ts';

let shown: { model: TraceModel; drawing: Drawing } | undefined;

/** Tells the window which trace is drawn now. */
export function inspect(trace: { model: TraceModel; drawing: Drawing }): void {
  shown = trace;
}

const view = {
  get route() {
    return route.peek();
  },
  get report() {
    return report.peek();
  },
  /** The trace on the page: its window, choice, and the bars in view, in CSS pixels of the canvas. */
  get trace() {
    if (!shown) return undefined;
    const { model, drawing } = shown;
    const { tree, path } = model;
    return {
      spans: tree.order.length,
      rows: model.rows.peek().length,
      extent: model.extent,
      window: model.window.peek(),
      selected: model.selected.peek() < 0 ? '' : hexOf(model, model.selected.peek()),
      drawn: drawing.rows(),
      geometry: drawing.geometry(),
      frames: [...drawing.frames],
      criticalPath: path.span.slice(0, 1000).map((i, k) => ({
        span: hexOf(model, i),
        operation: operationOf(tree, i),
        start: path.start[k],
        end: path.end[k],
      })),
    };
  },
};

declare global {
  interface Window {
    readonly whywait: typeof view;
  }
}

Object.defineProperty(window, 'whywait', { value: Object.freeze(view), writable: false });
