// Columns that grow: what a scan gathers before it hands over whole traces.

import type { AnyColumn, AnyColumns } from '../model/batch.ts';
import { newColumn } from '../model/batch.ts';
import type { Column } from '../model/schema.ts';

export class GrowingColumns {
  readonly #layout: readonly Column[];
  #columns: AnyColumn[];
  #capacity: number;
  rows = 0;

  constructor(layout: readonly Column[], capacity = 4096) {
    this.#layout = layout;
    this.#capacity = capacity;
    this.#columns = layout.map(({ type }) => newColumn(type, capacity));
  }

  /** Adds rows `from` until `to` of columns in the layout's order. */
  push(source: readonly AnyColumn[], from: number, to: number): void {
    if (this.rows + to - from > this.#capacity) this.#grow(this.rows + to - from);
    for (let i = 0; i < source.length; i++) {
      // Both are of the layout's type; TypeScript cannot see that of a union.
      (this.#columns[i] as Float64Array).set(source[i]!.subarray(from, to) as Float64Array, this.rows);
    }
    this.rows += to - from;
  }

  /** A column by its place in the layout; its first `rows` values are the rows. */
  column(at: number): AnyColumn {
    return this.#columns[at]!;
  }

  #grow(rows: number): void {
    while (this.#capacity < rows) this.#capacity *= 2;
    this.#columns = this.#columns.map((column, i) => {
      const larger = newColumn(this.#layout[i]!.type, this.#capacity);
      (larger as Float64Array).set(column as Float64Array);
      return larger;
    });
  }

  /** The columns by name, exactly as long as there are rows; starts anew. */
  take(): AnyColumns {
    const taken: AnyColumns = {};
    for (let i = 0; i < this.#layout.length; i++) {
      taken[this.#layout[i]!.name] = this.#columns[i]!.slice(0, this.rows);
    }
    this.rows = 0;
    return taken;
  }
}
