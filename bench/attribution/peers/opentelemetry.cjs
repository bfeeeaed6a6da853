// OpenTelemetry's auto-instrumentations as their `register` sets them up, told to show the values that carry the owner,
// and with a place in this process to send the spans to.
const { createRequire } = require('node:module');
const { join } = require('node:path');

const load = createRequire(join(process.env.PEERS_DIR, 'x.cjs'));
const { context, ROOT_CONTEXT, trace } = load('@opentelemetry/api');
const { getNodeAutoInstrumentations } = load('@opentelemetry/auto-instrumentations-node');
const { NodeSDK } = createRequire(load.resolve('@opentelemetry/auto-instrumentations-node'))('@opentelemetry/sdk-node');

process.env.OTEL_METRICS_EXPORTER = 'none';
process.env.OTEL_LOGS_EXPORTER = 'none';
let onEnd = () => {};
const told = { enhancedDatabaseReporting: true };
const sdk = new NodeSDK({
  resourceDetectors: [],
  spanProcessors: [
    {
      onStart() {},
      onEnd: (span) => onEnd(span),
      forceFlush: async () => {},
      shutdown: async () => {},
    },
  ],
  instrumentations: [
    getNodeAutoInstrumentations({
      '@opentelemetry/instrumentation-memcached': told,
      '@opentelemetry/instrumentation-mongodb': told,
      '@opentelemetry/instrumentation-mysql': told,
      '@opentelemetry/instrumentation-mysql2': told,
      '@opentelemetry/instrumentation-pg': told,
    }),
  ],
});
sdk.start();
const tracer = trace.getTracer('bench');

globalThis.peer = {
  /** `fn(trace, text)` is told each span of an operation: its trace's id, and all that is text in it. */
  onSpan(fn) {
    onEnd = (span) =>
      fn(span.spanContext().traceId, [span.name, ...Object.values(span.attributes).map(String)].join('\n'));
  },
  /** Begins an inbound request; `work` is given its trace's id. */
  begin: (work) =>
    context.with(ROOT_CONTEXT, () =>
      tracer.startActiveSpan('request', async (span) => {
        try {
          await work(span.spanContext().traceId);
        } finally {
          span.end();
        }
      }),
    ),
};
