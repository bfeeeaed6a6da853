// The HTTP API and the page, as ARCHITECTURE.md lists them.
//
// On loopback any program of the machine and any page in the browser can send requests: a page is kept out by its
// Origin, and by the Host it was made to use when a name was rebound to 127.0.0.1. No answer allows other origins.

import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { Hono } from 'hono';
import { StoreError } from '../store/store.ts';
import type { Runs } from './runs.ts';

export interface ApiOptions {
  readonly runs: Runs;
  readonly events: Events;
  /** The built page; undefined: API only. */
  readonly staticDir?: string | undefined;
}

type Env = { Bindings: { incoming: IncomingMessage } };

const security = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.map': 'application/json',
  '.woff2': 'font/woff2',
};

export function createApi({ runs, events, staticDir }: ApiOptions): Hono<Env> {
  const app = new Hono<Env>();

  app.use(async (context, next) => {
    const refusal = refused(context.env.incoming);
    if (refusal !== '') context.res = context.json({ error: refusal, code: 'WW_REFUSED' }, 403);
    else if (context.req.method !== 'GET' && context.req.method !== 'HEAD')
      context.res = context.json({ error: 'Only GET is answered.', code: 'WW_METHOD' }, 405, { allow: 'GET, HEAD' });
    else await next();
    for (const [name, value] of Object.entries(security)) context.res.headers.set(name, value);
    if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store');
  });

  app.get('/api/runs', async (context) => context.json({ runs: await runs.list() }));
  app.get('/api/report', async (context) => context.json(await runs.report(context.req.query('run'))));

  app.get('/api/traces', async (context) => {
    const { run = '', function: name, file, line, request, service, limit } = context.req.query();
    const numbers = { line: Number(line), limit: Number(limit) };
    if ((line !== undefined && !Number.isInteger(numbers.line)) || (limit !== undefined && !(numbers.limit >= 1)))
      return context.json({ error: 'line and limit are whole numbers.', code: 'WW_QUERY' }, 400);
    return context.json(
      await runs.traces(run, {
        function: name,
        file,
        line: line === undefined ? undefined : numbers.line,
        request,
        service,
        limit: limit === undefined ? undefined : numbers.limit,
      }),
    );
  });

  app.get('/api/trace', async (context) => {
    const { run = '', trace = '' } = context.req.query();
    const bytes = await runs.trace(run, trace);
    if (bytes === undefined) return context.json({ error: 'There is no such trace.', code: 'WW_TRACE_UNKNOWN' }, 404);
    return context.body(bytes, 200, { 'content-type': 'application/octet-stream' });
  });

  app.get('/api/events', (context) =>
    context.body(events.stream(), 200, { 'content-type': 'text/event-stream; charset=utf-8' }),
  );

  app.get('/api/*', (context) => context.json({ error: 'There is no such call.', code: 'WW_CALL_UNKNOWN' }, 404));

  app.get('*', async (context) => {
    const file = staticDir === undefined ? undefined : await staticFile(staticDir, context.req.path);
    if (file === undefined)
      return context.text(staticDir === undefined ? 'There is no page here.' : 'There is no such file.', 404);
    return context.body(file.bytes, 200, {
      'content-type': file.type,
      // Built files have a hash of what they hold in their names.
      'cache-control': file.path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache',
    });
  });

  app.onError((error, context) => {
    if (error instanceof StoreError) {
      const status = error.code === 'WW_RUN_UNKNOWN' || error.code === 'WW_STORE_MISSING' ? 404 : 500;
      return context.json({ error: error.message, code: error.code }, status);
    }
    return context.json({ error: error.message, code: 'WW_FAILED' }, 500);
  });

  return app;
}

/** Why a request is not answered; '' = it is. A Unix socket's mode says already who may ask. */
export function refused({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const port = socket.localPort;
  if (port !== undefined) {
    const allowed = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`);
    if (!allowed.includes(headers.host ?? '')) return 'This host is not served.';
    if (headers.origin !== undefined && !allowed.includes(headers.origin.replace(/^http:\/\//, '')))
      return 'This origin is not served.';
  } else if (headers.origin !== undefined) return 'This origin is not served.';
  const site = headers['sec-fetch-site'];
  // A link followed from elsewhere may open the page, but nothing else may be asked from elsewhere.
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && headers['sec-fetch-mode'] !== 'navigate')
    return 'This origin is not served.';
  return '';
}

async function staticFile(dir: string, path: string) {
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (name.includes('\0') || name.includes('\\') || name.split('/').includes('..')) return undefined;
  if (name.endsWith('/')) name += 'index.html';
  const type = contentTypes[extname(name)];
  if (type === undefined) return undefined;
  try {
    return { path: name, type, bytes: new Uint8Array(await readFile(join(dir, normalize(name)))) };
  } catch {
    return undefined;
  }
}

const everyMs = 500;

/** Server-sent events: how many spans are stored, at most once in half a second, and the end of the program. */
export class Events {
  readonly #spans: () => number;
  readonly #listeners = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #timer: NodeJS.Timeout | undefined = undefined;
  #ended = false;

  constructor(spans: () => number) {
    this.#spans = spans;
  }

  stream(): ReadableStream<Uint8Array> {
    let own: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream({
      start: (controller) => {
        own = controller;
        this.#listeners.add(own);
        own.enqueue(this.#spansText());
        if (this.#ended) own.enqueue(endText);
      },
      cancel: () => {
        this.#listeners.delete(own);
      },
    });
  }

  stored(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell(this.#spansText());
    }, everyMs).unref();
  }

  ended(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ended = true;
    this.#tell(this.#spansText());
    this.#tell(endText);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
  }

  #spansText(): Uint8Array {
    return new TextEncoder().encode(`data: {"spans": ${this.#spans()}}\n\n`);
  }

  #tell(text: Uint8Array): void {
    // One who does not read is not told more: each message says all.
    for (const listener of this.#listeners) if ((listener.desiredSize ?? 0) > -64) listener.enqueue(text);
  }
}

const endText = new TextEncoder().encode('event: end\ndata: {}\n\n');
