// All that is known of one span.

import { accountsOf } from '../../analysis/accounts.ts';
import { listOf, type TraceTree } from '../../analysis/trace.ts';
import type { Accounts } from '../../model/report.ts';
import { Kind } from '../../model/schema.ts';
import { AccountsBar, shares } from '../accounts-bar.tsx';
import { stretches, stretchOfCause } from '../categories.ts';
import { linkTo, route } from '../state.ts';
import { Pairs } from '../tip.tsx';
import { formatBytes, formatCount, formatNs, formatShare, oneLine } from '../units.ts';
import { hexOf, reveal, type TraceModel, zoomTo } from './model.ts';
import { newStretches, stretchesOf } from './phases.ts';
import {
  errorOf,
  functionOf,
  kindNames,
  operationOf,
  placeOf,
  processOf,
  ruleNames,
  serviceOf,
  statusOf,
} from './words.ts';

const scratch = newStretches();

export function Details({ model, i }: { model: TraceModel; i: number }) {
  const { tree } = model;
  const { spans, processes, texts } = tree.columns;
  const kind = spans.kind[i];
  const isFunction = kind === Kind.internal;
  const statement = texts[spans.statement[i]] ?? '';
  const error = errorOf(tree, i);
  const parent = tree.parent[i];
  const process = processes.get(tree.columns.process[i]);
  const choose = (other: number) => {
    reveal(model, other);
    model.selected.value = other;
  };
  return (
    <aside class="card details" aria-label="Chosen span">
      <button type="button" class="close" onClick={() => choose(-1)} aria-label="Close details">
        ✕
      </button>
      <h2 class="name">{operationOf(tree, i)}</h2>
      <p class="soft">
        {kindNames[kind]} · {formatNs(tree.end[i] - tree.start[i])}
      </p>
      <p class="tools">
        <button type="button" onClick={() => zoomTo(model, i)}>
          Zoom to it
        </button>
        {parent >= 0 && (
          <button type="button" onClick={() => choose(parent)}>
            Parent
          </button>
        )}
        {isFunction && (
          <a
            {...linkTo({
              view: 'function',
              run: route.value.run,
              name: texts[spans.operation[i]] ?? '',
              file: tree.columns.functions.get(spans.function[i])?.file ?? '',
              line: tree.columns.functions.get(spans.function[i])?.line ?? 0,
              service: '',
            })}
          >
            All its calls
          </a>
        )}
      </p>
      {statement && (
        <>
          <h3>Statement</h3>
          <pre>{statement}</pre>
        </>
      )}
      {isFunction ? <FunctionTime model={model} i={i} /> : kind !== Kind.server && <Phases tree={tree} i={i} />}
      <h3>What it is</h3>
      <Pairs
        of={[
          error !== '' && ['error', <span class="error">{error}</span>],
          spans.status[i] > 0 && ['status', statusOf(spans.status[i])],
          serviceOf(tree, i) !== '' && ['service', serviceOf(tree, i)],
          isFunction && placeOf(tree, i) !== '' && ['defined at', placeOf(tree, i)],
          !isFunction && functionOf(tree, i) !== '' && ['asked by', `${functionOf(tree, i)} (${placeOf(tree, i)})`],
          spans.line[i] > 0 && ['asked at', `line ${spans.line[i]}`],
          spans.bytesOut[i] > 0 && ['bytes out', formatBytes(spans.bytesOut[i])],
          spans.bytesIn[i] > 0 && ['bytes in', formatBytes(spans.bytesIn[i])],
          spans.rows[i] >= 0 && kind !== Kind.server && !isFunction && ['rows', formatCount(spans.rows[i])],
          spans.connection[i] > 0 && ['connection', `no. ${spans.connection[i]} of its process`],
          kind >= Kind.client && ['owner', ruleNames[spans.rule[i]] ?? `rule ${spans.rule[i]}`],
          ['process', process ? `${processOf(tree, i)} (pid ${process.pid})` : 'not known'],
          ['starts', `${formatNs(tree.start[i] - model.extent[0])} into the trace`],
          ['ends', formatNs(tree.end[i] - model.extent[0])],
          ['on critical path', onPath(model, i)],
          ['span', <code>{hexOf(model, i)}</code>],
        ]}
      />
      {isFunction && <Waits model={model} i={i} choose={choose} />}
    </aside>
  );
}

function onPath({ path, pathOf, tree }: TraceModel, i: number): string {
  let ns = 0;
  for (const piece of listOf(pathOf, i)) ns += path.end[piece] - path.start[piece];
  const whole = tree.end[i] - tree.start[i];
  return ns === 0 ? 'no' : `${formatNs(ns)} itself (${formatShare(ns / Math.max(1, whole))})`;
}

function FunctionTime({ model: { tree }, i }: { model: TraceModel; i: number }) {
  const of = accountsOf(tree, i);
  const accounts: Accounts = {
    cpuMs: of.cpu / 1e6,
    calleesMs: of.callees / 1e6,
    servicesMs: of.services / 1e6,
    poolMs: of.pool / 1e6,
    connectMs: of.connect / 1e6,
    loopMs: of.loop / 1e6,
    timersMs: of.timers / 1e6,
    otherMs: of.other / 1e6,
    unexplainedMs: of.unexplained / 1e6,
  };
  return (
    <>
      <h3>Where its time went</h3>
      <AccountsBar of={accounts} name={operationOf(tree, i)} />
      <ul class="pieces">
        {shares(accounts).map((part) => (
          <li key={part.name} title={part.meaning}>
            <i class={`swatch ${part.name}`} style={{ backgroundColor: `var(${part.colour})` }} />
            <span>{part.name}</span>
            <span class="number">{formatNs(part.ms * 1e6)}</span>
            <span class="number soft">{formatShare(part.share)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Phases({ tree, i }: { tree: TraceTree; i: number }) {
  stretchesOf(tree, i, scratch);
  const whole = tree.end[i] - tree.start[i] + tree.columns.spans.loop[i];
  if (scratch.count === 0) return null;
  const parts = Array.from({ length: scratch.count }, (_, k) => ({
    ...stretches[scratch.kind[k]],
    ns: scratch.end[k] - scratch.start[k],
  }));
  return (
    <>
      <h3>Phases</h3>
      <ul class="pieces">
        {parts.map((part) => (
          <li key={part.name} title={part.meaning}>
            <i class="swatch" style={{ backgroundColor: `var(${part.colour})` }} />
            <span>{part.name}</span>
            <span class="number">{formatNs(part.ns)}</span>
            <span class="number soft">{formatShare(part.ns / whole)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

const mostWaits = 50;

function Waits({ model, i, choose }: { model: TraceModel; i: number; choose: (i: number) => void }) {
  const { tree } = model;
  const waits = listOf(tree.waits, i);
  if (waits.length === 0) return null;
  return (
    <>
      <h3>Waits ({formatCount(waits.length)})</h3>
      <ul class="pieces waits">
        {Array.from(waits.subarray(0, mostWaits), (wait) => {
          const stretch = stretches[stretchOfCause[tree.columns.waits.cause[wait]]] ?? stretches[stretches.length - 1];
          const by = tree.waitBy[wait];
          const line = tree.columns.waits.line[wait];
          return (
            <li key={wait}>
              <i class="swatch" style={{ backgroundColor: `var(${stretch.colour})` }} title={stretch.meaning} />
              <span class="name">
                {by >= 0 ? (
                  <button type="button" class="plain link" onClick={() => choose(by)}>
                    {operationOf(tree, by)}
                  </button>
                ) : (
                  oneLine(stretch.name.replace('waits: ', ''))
                )}
                {line > 0 && <span class="soft"> line {line}</span>}
              </span>
              <span class="number">{formatNs(tree.waitEnd[wait] - tree.waitStart[wait])}</span>
            </li>
          );
        })}
      </ul>
      {waits.length > mostWaits && <p class="soft">The first {mostWaits} are listed.</p>}
    </>
  );
}
