// One trace: what its end was waiting for, the waterfall, and one span on demand.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { timeOnPath } from '../../analysis/critical-path.ts';
import { Kind, Pause } from '../../model/schema.ts';
import { ApiError, askTrace } from '../api.ts';
import { stretches } from '../categories.ts';
import { inspect } from '../inspect.ts';
import { Figure } from '../overview.tsx';
import { Problem } from '../problem.tsx';
import type { Route } from '../route.ts';
import { shortService } from '../service-name.ts';
import { go, route } from '../state.ts';
import { Pairs, tips } from '../tip.tsx';
import { counted, formatCount, formatNs, formatShare, oneLine } from '../units.ts';
import { Details } from './details.tsx';
import {
  clampWindow,
  hexOf,
  isZoomed,
  newTraceModel,
  reveal,
  spanByHex,
  type TraceModel,
  zoomAround,
} from './model.ts';
import { newStretches, stretchesOf } from './phases.ts';
import { SpanTable } from './span-table.tsx';
import { readTrace } from './trace-data.ts';
import { keys, Waterfall } from './waterfall.tsx';
import { operationOf, processOf, serviceOf } from './words.ts';

type TraceRoute = Extract<Route, { view: 'trace' }>;

export function TracePage({ at }: { at: TraceRoute }) {
  const [model, setModel] = useState<TraceModel | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [attempt, setAttempt] = useState(0);
  // selection and window are read once; attempt asks again
  useEffect(() => {
    const asking = new AbortController();
    setModel(undefined);
    setError(undefined);
    askTrace(at.run, at.trace, asking.signal)
      .then((bytes) => {
        const made = newTraceModel(readTrace(bytes));
        made.selected.value = spanByHex(made, at.span);
        if (at.window) made.window.value = clampWindow(at.window, made.extent);
        setModel(made);
      })
      .catch((reason: unknown) => {
        if (asking.signal.aborted) return;
        setError(reason instanceof ApiError ? reason : new ApiError('refused', String(reason)));
      });
    return () => asking.abort();
  }, [at.run, at.trace, attempt]);

  if (error)
    return (
      <main>
        <Problem error={error} retry={() => setAttempt(attempt + 1)} />
      </main>
    );
  if (!model)
    return (
      <main>
        <p class="empty" aria-busy="true">
          Fetching the trace…
        </p>
      </main>
    );
  if (model.tree.order.length === 0)
    return (
      <main>
        <p class="empty">
          <b>This trace holds no spans.</b>They may still be on their way; try again in a moment.
        </p>
      </main>
    );
  return <Known model={model} at={at} />;
}

function Known({ model, at }: { model: TraceModel; at: TraceRoute }) {
  const { tree } = model;
  useAddress(model, at);
  const selected = model.selected.value;
  const root = model.pathRoot;
  const errors = useMemo(() => tree.columns.spans.error.reduce((count, error) => count + (error ? 1 : 0), 0), [tree]);
  return (
    <main class="trace">
      <div class="figures">
        <div class="figure title">
          <h1 class="name" title={operationOf(tree, root)}>
            {operationOf(tree, root)}
          </h1>
          <span class="name">{processOf(tree, root)}</span>
        </div>
        <Figure value={formatNs(tree.end[root] - tree.start[root])} label="duration" />
        <Figure value={formatCount(tree.order.length)} label={tree.order.length === 1 ? 'span' : 'spans'} />
        <Figure
          value={formatCount(tree.columns.processes.size)}
          label={tree.columns.processes.size === 1 ? 'process' : 'processes'}
        />
        {errors > 0 && <Figure value={formatCount(errors)} label={errors === 1 ? 'error' : 'errors'} bad />}
        <PathBar model={model} />
      </div>
      <div class="tools">
        <fieldset class="tools" aria-label="Form">
          {(['waterfall', 'table'] as const).map((form) => (
            <button type="button" key={form} aria-pressed={at.form === form} onClick={() => go({ ...at, form }, true)}>
              {form === 'waterfall' ? 'Waterfall' : 'Table'}
            </button>
          ))}
        </fieldset>
        <Find model={model} />
        {at.form === 'waterfall' && <ZoomTools model={model} />}
        <Legend model={model} />
      </div>
      <div class={selected >= 0 ? 'stage chosen' : 'stage'}>
        {at.form === 'waterfall' ? (
          <Waterfall model={model} onDrawing={(drawing) => inspect({ model, drawing })} />
        ) : (
          <SpanTable model={model} />
        )}
        {selected >= 0 && <Details model={model} i={selected} />}
        <p class="aside" aria-live="polite">
          {selected >= 0 &&
            `${operationOf(tree, selected)}, ${formatNs(tree.end[selected] - tree.start[selected])}, level ${tree.depth[selected] + 1}`}
        </p>
      </div>
      <Notes model={model} />
    </main>
  );
}

/** Keeps the address and the model's selection and window alike; zooming is told once it has come to rest. */
function useAddress(model: TraceModel, at: TraceRoute): void {
  const selected = model.selected.value;
  const window = model.window.value;
  const zoomed = isZoomed(model);
  // follows what the reader chose
  useEffect(() => {
    const settle = setTimeout(() => {
      const now = route.peek();
      if (now.view !== 'trace' || now.trace !== at.trace) return;
      go({ ...now, span: selected < 0 ? '' : hexOf(model, selected), window: zoomed ? window : undefined }, true);
    }, 150);
    return () => clearTimeout(settle);
  }, [selected, window, zoomed]);
  // follows the address (back, forward, a pasted link)
  useEffect(() => {
    const wanted = spanByHex(model, at.span);
    if (wanted !== model.selected.peek() && at.span !== '') {
      reveal(model, wanted);
      model.selected.value = wanted;
    }
  }, [at.span]);
}

function Find({ model }: { model: TraceModel }) {
  const found = model.found.value;
  const next = (step: 1 | -1) => {
    if (!found?.length) return;
    const at = found.indexOf(model.selected.peek());
    const to = at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length;
    reveal(model, found[to]);
    model.selected.value = found[to];
  };
  return (
    <search class="tools">
      <input
        type="search"
        placeholder="Find span, service, file…"
        aria-label="Find spans"
        value={model.find.value}
        onInput={(event) => {
          model.find.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') next(event.shiftKey ? -1 : 1);
        }}
      />
      {found && (
        <>
          <span class={found.length ? 'soft' : 'error'} aria-live="polite">
            {formatCount(found.length)} found
          </span>
          <button type="button" onClick={() => next(-1)} aria-label="Earlier match" disabled={!found.length}>
            ↑
          </button>
          <button type="button" onClick={() => next(1)} aria-label="Next match" disabled={!found.length}>
            ↓
          </button>
        </>
      )}
    </search>
  );
}

function ZoomTools({ model }: { model: TraceModel }) {
  const zoom = (factor: number) => {
    const [from, to] = model.window.peek();
    zoomAround(model, (from + to) / 2, factor);
  };
  return (
    <fieldset class="tools" aria-label="Zoom">
      <button type="button" onClick={() => zoom(1.5)} aria-label="Zoom out">
        −
      </button>
      <button type="button" onClick={() => zoom(1 / 1.5)} aria-label="Zoom in">
        +
      </button>
      {isZoomed(model) && (
        <button
          type="button"
          onClick={() => {
            model.window.value = model.extent;
          }}
        >
          All of it
        </button>
      )}
      <span class="soft keys">
        {keys.slice(0, 6).map(([key, does]) => (
          <span key={key} class="key">
            <kbd>{key}</kbd>
            {does}
          </span>
        ))}
      </span>
    </fieldset>
  );
}

const scratch = newStretches();

/** Only the kinds that this trace has. */
function Legend({ model: { tree } }: { model: TraceModel }) {
  const there = useMemo(() => {
    const seen = new Uint8Array(stretches.length);
    for (const i of tree.order) {
      stretchesOf(tree, i, scratch);
      for (let k = 0; k < scratch.count; k++) seen[scratch.kind[k]] = 1;
    }
    return stretches.filter((_, kind) => seen[kind]);
  }, [tree]);
  return (
    <div class="legend tight">
      {tree.columns.spans.kind.includes(Kind.server) && (
        <span>
          <i class="swatch" style={{ backgroundColor: 'var(--request)' }} />
          request
        </span>
      )}
      {there.map(({ name, colour, meaning }) => (
        <span key={name} title={meaning}>
          <i class="swatch" style={{ backgroundColor: `var(${colour})` }} />
          {name}
        </span>
      ))}
      {pauseSums(tree, true).count > 0 && (
        <span title="Stretches in which nothing else could run in the process">
          <i class="swatch held" />
          event loop held
        </span>
      )}
      {pauseSums(tree, false).count > 0 && (
        <span title="Pauses of the process for garbage collection">
          <i class="swatch hatched" />
          garbage collection
        </span>
      )}
      <span title="What the end of the trace was waiting for, at every instant">
        <i class="line" />
        critical path
      </span>
    </div>
  );
}

/** The critical path by who holds it: functions' own time, and each service. */
function PathBar({ model }: { model: TraceModel }) {
  const { tree, path, pathRoot } = model;
  const parts = useMemo(() => {
    const by = new Map<string, { name: string; ns: number; own: boolean }>();
    for (const [i, ns] of timeOnPath(path)) {
      const operation = tree.columns.spans.kind[i] >= Kind.client;
      const name = operation ? shortService(serviceOf(tree, i)) : operationOf(tree, i);
      const key = `${operation} ${name}`;
      const part = by.get(key) ?? { name: oneLine(name), ns: 0, own: !operation };
      part.ns += ns;
      by.set(key, part);
    }
    return [...by.values()].filter(({ ns }) => ns > 0).sort((a, b) => b.ns - a.ns);
  }, [tree, path]);
  const whole = Math.max(1, tree.end[pathRoot] - tree.start[pathRoot]);
  return (
    <div class="figure path">
      <div
        class="parts"
        role="img"
        aria-label={`Critical path: ${parts.map(({ name, ns }) => `${name} ${formatShare(ns / whole)}`).join(', ')}`}
        {...tips(() => (
          <>
            <b>Critical path</b>
            <div class="soft">what the end was waiting for, at every instant</div>
            <Pairs
              of={parts
                .slice(0, 12)
                .map(({ name, ns }) => [name, `${formatShare(ns / whole)} · ${formatNs(ns)}`] as const)}
            />
          </>
        ))}
      >
        {parts.map(({ name, ns, own }) => (
          <div
            key={`${own} ${name}`}
            class="part"
            style={{ width: `${(ns / whole) * 100}%`, backgroundColor: own ? 'var(--cpu)' : 'var(--server)' }}
          />
        ))}
      </div>
      <span>
        critical path:{' '}
        {parts.slice(0, 3).map(({ name, ns }, k) => (
          <span key={name}>
            {k > 0 && ', '}
            <bdi>{name.length > 40 ? `${name.slice(0, 39)}…` : name}</bdi> {formatShare(ns / whole)}
          </span>
        ))}
      </span>
    </div>
  );
}

/** How often, and how long, the threads of a trace's processes were taken meanwhile. */
function pauseSums({ columns: { pauses } }: TraceModel['tree'], loop: boolean): { count: number; ns: number } {
  const sums = { count: 0, ns: 0 };
  pauses?.kind.forEach((kind, k) => {
    if ((kind === Pause.loop) !== loop) return;
    sums.count++;
    sums.ns += pauses.duration[k];
  });
  return sums;
}

function Notes({ model: { tree } }: { model: TraceModel }) {
  const [held, gc] = [pauseSums(tree, true), pauseSums(tree, false)];
  const pauses = [
    held.count > 0 && `the event loop held ${counted(held.count, 'time')}, ${formatNs(held.ns)}`,
    gc.count > 0 && `${counted(gc.count, 'garbage collection')}, ${formatNs(gc.ns)}`,
  ].filter((note) => note !== false);
  const notes = [
    tree.orphans > 0 && `${formatCount(tree.orphans)} with a parent that is not in the trace`,
    tree.duplicates > 0 && `${formatCount(tree.duplicates)} left out as duplicates`,
    tree.cycles > 0 && `${formatCount(tree.cycles)} circles of parents cut`,
    tree.skewed > 0 && `${formatCount(tree.skewed)} shifted for clock skew`,
  ].filter((note) => note !== false);
  return (
    <>
      {notes.length > 0 && <p class="soft">Spans: {notes.join(', ')}.</p>}
      {pauses.length > 0 && <p class="soft pauses">Meanwhile in its processes: {pauses.join('; ')}.</p>}
    </>
  );
}
