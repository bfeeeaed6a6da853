// The waterfall as text: the same rows in the same order, a page at a time.

import { signal } from '@preact/signals';
import { listOf } from '../../analysis/trace.ts';
import { formatCount, formatNs } from '../units.ts';
import { reveal, type TraceModel } from './model.ts';
import { besideOf, errorOf, kindNames, operationOf, processOf } from './words.ts';

const pageSize = 200;
const page = signal(0);

export function SpanTable({ model }: { model: TraceModel }) {
  const { tree } = model;
  const rows = model.found.value ?? model.rows.value;
  const pages = Math.max(1, Math.ceil(rows.length / pageSize));
  const at = Math.min(page.value, pages - 1);
  const shown = Array.from(rows.subarray(at * pageSize, (at + 1) * pageSize));
  return (
    <div class="card sheet">
      <div class="tools">
        <span class="soft">
          spans {formatCount(rows.length ? at * pageSize + 1 : 0)}–{formatCount(at * pageSize + shown.length)} of{' '}
          {formatCount(rows.length)}
        </span>
        {pages > 1 && (
          <>
            <button
              type="button"
              disabled={at === 0}
              onClick={() => {
                page.value = at - 1;
              }}
            >
              Earlier
            </button>
            <button
              type="button"
              disabled={at + 1 >= pages}
              onClick={() => {
                page.value = at + 1;
              }}
            >
              Later
            </button>
          </>
        )}
      </div>
      <table class="spans">
        <thead>
          <tr>
            <th scope="col">span</th>
            <th scope="col" class="wide">
              kind
            </th>
            <th scope="col" class="wide">
              process
            </th>
            <th scope="col" class="number">
              starts at
            </th>
            <th scope="col" class="number">
              duration
            </th>
            <th scope="col" class="number wide">
              critical path
            </th>
            <th scope="col">error</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((i) => {
            const critical = listOf(model.pathOf, i).reduce(
              (sum, piece) => sum + model.path.end[piece] - model.path.start[piece],
              0,
            );
            return (
              <tr key={i} class={model.selected.value === i ? 'crossed' : ''}>
                <th scope="row" style={{ paddingLeft: `${Math.min(tree.depth[i], 20) * 14}px` }}>
                  <button
                    type="button"
                    class="plain link name"
                    aria-label={`${operationOf(tree, i)}, level ${tree.depth[i] + 1}`}
                    onClick={() => {
                      reveal(model, i);
                      model.selected.value = i;
                    }}
                  >
                    {operationOf(tree, i)}
                  </button>{' '}
                  <span class="soft name">{besideOf(tree, i)}</span>
                </th>
                <td class="wide">{kindNames[tree.columns.spans.kind[i]]}</td>
                <td class="wide name">{processOf(tree, i)}</td>
                <td class="number">{formatNs(tree.start[i] - model.extent[0])}</td>
                <td class="number">{formatNs(tree.end[i] - tree.start[i])}</td>
                <td class="number wide">{critical ? formatNs(critical) : '–'}</td>
                <td class="error">{errorOf(tree, i)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
