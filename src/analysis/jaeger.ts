// Jaeger's JSON → columns, for tests with other projects' traces. Microseconds become nanoseconds.

import { newColumns } from '../model/batch.ts';
import { Kind, spans, waits } from '../model/schema.ts';
import { buildTree, type Tree } from './trace.ts';

export interface JaegerTrace {
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly startTime: number;
    readonly duration: number;
    readonly processID: string;
    readonly references: readonly { readonly spanID: string }[];
    readonly tags?: readonly { readonly key: string; readonly value: unknown }[] | null;
  }[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

const kinds: Record<string, Kind> = {
  server: Kind.server,
  client: Kind.client,
  producer: Kind.producer,
  consumer: Kind.consumer,
};

export function fromJaeger(trace: JaegerTrace): { tree: Tree; names: string[]; labels: string[] } {
  const ids = trace.spans.map((span) => span.spanID);
  const span = newColumns(spans, ids.length);
  const processes = Object.keys(trace.processes);
  trace.spans.forEach((given, row) => {
    span.span[row] = BigInt(row + 1);
    span.parent[row] = BigInt(ids.indexOf(given.references?.[0]?.spanID) + 1);
    span.start[row] = given.startTime * 1000;
    span.duration[row] = given.duration * 1000;
    span.kind[row] = kinds[String(given.tags?.find(({ key }) => key === 'span.kind')?.value)] ?? Kind.internal;
  });
  const process = Uint32Array.from(trace.spans, (given) => processes.indexOf(given.processID) + 1);
  const tree = buildTree({ spans: span, waits: newColumns(waits, 0), process });
  const labels = trace.spans.map((given) => `[${trace.processes[given.processID].serviceName}] ${given.operationName}`);
  return { tree, names: ids, labels };
}
