// Where things stand on the waterfall's canvas, in CSS pixels: the one place for its measures.
//
//   ┌── gutter ──────────┬─ axis ───────────────────────────────┬ room ┐   axisHeight
//   │ ▾ loadHome  home.ts│ ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ │ 41 ms│   rowHeight
//   │   ▾ getUser        │    ▇▇▇▇▇▇▇▇ 12 ms                    │      │
//   └────────────────────┴──────────────────────────────────────┴──────┘
// On a narrow screen there is no gutter: a row's label stands above its bar.

import { type ScaleLinear, scaleLinear } from 'd3-scale';

export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly narrow: boolean;
  /** Width of the labels' column; 0 when narrow. */
  readonly gutter: number;
  readonly axisHeight: number;
  readonly rowHeight: number;
  readonly barHeight: number;
  /** Top of the bar within its row. */
  readonly barTop: number;
  /** Left edge of time 0, and the right edge of the last time when all is shown. */
  readonly left: number;
  readonly right: number;
}

export function layOut(width: number, height: number): Geometry {
  const narrow = width < 620;
  const gutter = narrow ? 0 : Math.round(Math.min(460, Math.max(220, width * 0.32)));
  return {
    width,
    height,
    narrow,
    gutter,
    axisHeight: 30,
    rowHeight: narrow ? 40 : 26,
    barHeight: 12,
    barTop: narrow ? 21 : 6,
    left: gutter + 10,
    right: width - (narrow ? 58 : 76),
  };
}

/** ns → pixels for a window of time. */
export const timeScale = ({ left, right }: Geometry, window: readonly [number, number]): ScaleLinear<number, number> =>
  scaleLinear().domain(window).range([left, right]);

/** Place in rows → top of the row, for a scroll position. */
export const rowTop = ({ axisHeight, rowHeight }: Geometry, row: number, scrollTop: number): number =>
  axisHeight + row * rowHeight - scrollTop;

/** First row that shows, and the row after the last. */
export function rowsInView(geometry: Geometry, rowCount: number, scrollTop: number): [number, number] {
  const { rowHeight, axisHeight, height } = geometry;
  const first = Math.max(0, Math.floor(scrollTop / rowHeight));
  const last = Math.min(rowCount, Math.ceil((scrollTop + height - axisHeight) / rowHeight));
  return [Math.min(first, rowCount), Math.max(first, last)];
}

/** The row at a point of the canvas; -1 = none. */
export function rowAt(geometry: Geometry, y: number, rowCount: number, scrollTop: number): number {
  if (y < geometry.axisHeight) return -1;
  const row = Math.floor((y - geometry.axisHeight + scrollTop) / geometry.rowHeight);
  return row < rowCount ? row : -1;
}

/** Where a row's label begins: indented by depth, but never so far that no name fits. */
export function indentOf({ gutter, width, narrow }: Geometry, depth: number): number {
  const most = (narrow ? width : gutter) * 0.45;
  return 8 + Math.min(most, depth * (narrow ? 10 : 14));
}
