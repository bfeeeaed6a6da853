// Questions to the collector. What goes wrong is told apart by what the reader can do about it.

import type { RunSummary, TraceList } from '../model/api.ts';
import type { Report } from '../model/report.ts';

/** `gone`: nobody answers. `missing`: answered, but there is no such run or trace. `refused`: anything else. */
export class ApiError extends Error {
  readonly kind: 'gone' | 'missing' | 'refused';
  constructor(kind: 'gone' | 'missing' | 'refused', message: string) {
    super(message);
    this.kind = kind;
  }
}

async function ask(path: string, query: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  const text = given.toString();
  let response: Response;
  try {
    response = await fetch(text ? `${path}?${text}` : path, { signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('gone', 'The collector does not answer.');
  }
  if (response.ok) return response;
  const said = await response.text().catch(() => '');
  throw new ApiError(response.status === 404 ? 'missing' : 'refused', sentence(said) || `HTTP ${response.status}`);
}

/** The human part of an error body: its `error`, `message`, or the text itself. */
function sentence(body: string): string {
  try {
    const said: unknown = JSON.parse(body);
    if (said && typeof said === 'object') {
      const { message, error } = said as { message?: unknown; error?: unknown };
      if (typeof message === 'string') return message;
      if (typeof error === 'string') return error;
    }
  } catch {}
  return body.length < 300 && !body.includes('<') ? body : '';
}

export const askRuns = async (signal?: AbortSignal): Promise<RunSummary[]> =>
  ((await (await ask('api/runs', {}, signal)).json()) as { runs: RunSummary[] }).runs;

export const askReport = async (run: string, signal?: AbortSignal): Promise<Report> =>
  (await (await ask('api/report', { run }, signal)).json()) as Report;

export const askTraces = async (query: Record<string, string>, signal?: AbortSignal): Promise<TraceList> =>
  (await (await ask('api/traces', query, signal)).json()) as TraceList;

export const askTrace = async (run: string, trace: string, signal?: AbortSignal): Promise<Uint8Array> =>
  new Uint8Array(await (await ask('api/trace', { run, trace }, signal)).arrayBuffer());
