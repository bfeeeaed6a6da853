// dd-trace with its own settings, told to show the values that carry the owner. Its spans are taken from its channel;
// nothing listens where it would send them.
const { channel } = require('node:diagnostics_channel');
const { createRequire } = require('node:module');
const { join } = require('node:path');

const load = createRequire(join(process.env.PEERS_DIR, 'x.cjs'));
Object.assign(process.env, {
  DD_TRACE_AGENT_URL: 'http://127.0.0.1:1',
  DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
  DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  DD_TRACE_STARTUP_LOGS: 'false',
  DD_TRACE_RATE_LIMIT: '-1',
  DD_TRACE_MEMCACHED_COMMAND_ENABLED: 'true',
});
const tracer = load('dd-trace').init({ logLevel: 'error' });

globalThis.peer = {
  onSpan(fn) {
    channel('dd-trace:span:finish').subscribe((span) => {
      const inner = span.context();
      const tags = inner.getTags?.() ?? inner._tags;
      fn(inner.toTraceId(), Object.values(tags).map(String).join('\n'));
    });
  },
  async begin(work) {
    const span = tracer.startSpan('request');
    try {
      await tracer.scope().activate(span, () => work(span.context().toTraceId()));
    } finally {
      span.finish();
    }
  },
};
