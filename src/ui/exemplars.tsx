// Traces of a function or a request, across the distribution: a strip of dots on a log scale, and the same as a table,
// slowest first. Every dot and every row is a link to its trace.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TraceList, TraceSummary } from '../model/api.ts';
import { ApiError, askTraces } from './api.ts';
import { Problem } from './problem.tsx';
import { closeScale, tickText } from './range-plot.tsx';
import { formatRoute, type Route } from './route.ts';
import { linkTo, spansStored } from './state.ts';
import { Pairs, tips } from './tip.tsx';
import { counted, formatCount, formatMs, oneLine } from './units.ts';

const traceRoute = (trace: string, run: string): Route => ({
  view: 'trace',
  run,
  trace,
  span: '',
  window: undefined,
  form: 'waterfall',
});

export function Exemplars({ query }: { query: Record<string, string> }) {
  const [found, setFound] = useState<TraceList | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [attempt, setAttempt] = useState(0);
  const key = JSON.stringify(query);
  // Asked again while the first spans are still to come, not later: links must not move under the reader's pointer.
  const waiting = !found?.traces.length && spansStored.value;
  // the query by its text; attempt and waiting ask again
  useEffect(() => {
    const asking = new AbortController();
    askTraces(query, asking.signal).then(
      (answer) => {
        setFound(answer);
        setError(undefined);
      },
      (reason) => {
        if (!asking.signal.aborted) setError(reason);
      },
    );
    return () => asking.abort();
  }, [key, attempt, waiting]);

  return (
    <section class="card" aria-labelledby="traces-title">
      <div class="top">
        <h2 id="traces-title">Traces</h2>
        {found && found.traces.length > 0 && (
          <span class="soft">
            {found.total > found.traces.length
              ? `${formatCount(found.traces.length)} of ${counted(found.total, 'trace')}, spread over the durations`
              : counted(found.total, 'trace')}
            , slowest first
          </span>
        )}
      </div>
      {error ? (
        <Problem error={error instanceof ApiError ? error : undefined} retry={() => setAttempt(attempt + 1)} />
      ) : !found ? (
        <p class="empty">Looking for traces…</p>
      ) : found.traces.length === 0 ? (
        <p class="empty">No trace of it has been stored yet.</p>
      ) : (
        <>
          <Strip traces={found.traces} run={query.run} />
          <TraceTable traces={found.traces} run={query.run} />
        </>
      )}
    </section>
  );
}

const radius = 5;
const axisHeight = 22;
/** Pixels between labels on the axis. */
const labelRoom = 56;

/** Dots that would overlap are stacked. */
function dodge(xs: readonly number[]): number[] {
  const levels: number[] = [];
  return xs.map((x) => {
    let level = 0;
    while (level < levels.length && Math.abs(levels[level] - x) < radius * 2 + 1) level++;
    if (level > 7) level = 7;
    levels[level] = x;
    return level;
  });
}

function Strip({ traces, run }: { traces: readonly TraceSummary[]; run: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([{ contentRect }]) => setWidth(Math.floor(contentRect.width)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return (
    <div class="strip" ref={box}>
      {width > 0 && <Dots traces={traces} run={run} width={width} />}
    </div>
  );
}

function Dots({ traces, run, width }: { traces: readonly TraceSummary[]; run: string; width: number }) {
  const { placed, axis, height } = useMemo(() => {
    const { scale, ticks } = closeScale(
      traces.map((t) => t.durationMs),
      width,
    );
    const xs = traces.map((t) => scale(Math.max(t.durationMs, scale.domain()[0])));
    const levels = dodge(xs);
    const height = (Math.max(...levels) + 1) * (radius * 2 + 1) + axisHeight + 6;
    const placed = traces.map((trace, k) => ({
      trace,
      x: xs[k],
      y: height - axisHeight - radius - 2 - levels[k] * (radius * 2 + 1),
    }));
    let free = 0;
    const axis = ticks.map((ms) => {
      const x = scale(ms);
      const labelled = x >= free && x <= width - labelRoom / 2;
      if (labelled) free = x + labelRoom;
      return { ms, x, labelled };
    });
    return { placed, axis, height };
  }, [traces, width]);
  return (
    <svg width={width} height={height} aria-label="Durations of the traces, log scale">
      {axis.map(({ ms, x, labelled }) => (
        <g key={ms} transform={`translate(${x},0)`}>
          <line class="axis" y1={labelled ? 0 : height - axisHeight} y2={height - axisHeight + 4} />
          {labelled && (
            <text y={height - 4} text-anchor={x < labelRoom / 2 ? 'start' : 'middle'}>
              {tickText(ms)}
            </text>
          )}
        </g>
      ))}
      <line class="axis" x1={0} x2={width} y1={height - axisHeight} y2={height - axisHeight} />
      {placed.map(({ trace, x, y }) => (
        <a
          key={trace.trace}
          href={formatRoute(traceRoute(trace.trace, run))}
          tabIndex={-1}
          aria-label={formatMs(trace.durationMs)}
        >
          <circle
            class={trace.errors ? 'dot bad' : 'dot'}
            cx={x}
            cy={y}
            r={radius}
            {...tips(() => (
              <>
                <b>{formatMs(trace.durationMs)}</b>
                <Pairs
                  of={[
                    ['request', oneLine(trace.operation)],
                    ['spans', formatCount(trace.spans)],
                    ['errors', formatCount(trace.errors)],
                  ]}
                />
              </>
            ))}
          />
        </a>
      ))}
    </svg>
  );
}

function TraceTable({ traces, run }: { traces: readonly TraceSummary[]; run: string }) {
  const [all, setAll] = useState(false);
  const most = Math.max(1e-9, ...traces.map((t) => t.durationMs));
  const rows = all ? traces : traces.slice(0, 15);
  return (
    <div class="scroll">
      <table class="traces">
        <thead>
          <tr>
            <th scope="col">duration</th>
            <th scope="col">request</th>
            <th scope="col" class="number">
              spans
            </th>
            <th scope="col" class="number">
              errors
            </th>
            <th scope="col" class="wide">
              started
            </th>
            <th scope="col" class="wide">
              trace
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((t) => (
            <tr key={t.trace}>
              <th scope="row" class="duration">
                <a {...linkTo(traceRoute(t.trace, run))}>{formatMs(t.durationMs)}</a>
                <span class="rowbar">
                  <i style={{ width: `${(t.durationMs / most) * 100}%` }} />
                </span>
              </th>
              <td>
                <span class="name">{oneLine(t.operation)}</span> <span class="soft name">{oneLine(t.service)}</span>
              </td>
              <td class="number">{formatCount(t.spans)}</td>
              <td class={t.errors ? 'number error' : 'number soft'}>{formatCount(t.errors)}</td>
              <td class="wide soft">{new Date(t.startMs).toLocaleTimeString('en-GB')}</td>
              <td class="wide soft mono">{t.trace.slice(0, 8)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length < traces.length && (
        <p class="legend">
          <button type="button" onClick={() => setAll(true)}>
            Show all {formatCount(traces.length)}
          </button>
        </p>
      )}
    </div>
  );
}
