// The collector: what `whywait run` holds while the program runs, and what answers about runs afterwards.
//
//   recorders ─► c.sock ─► intake ─► store (a thread) ◄── runs ◄── API ◄── a.sock, 127.0.0.1
//                                                            └── files and collectors of other runs

import { rm } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { CounterTotal } from '../model/trace.ts';
import { openStore } from '../store/open.ts';
import { type RunRecord, spansFile, writeRun } from '../store/runs.ts';
import type { StoreError } from '../store/store.ts';
import { createApi, Events } from './api.ts';
import { Intake, type IntakeCounts } from './intake.ts';
import { listenOnLoopback, listenPrivately, privateDir, socketPath } from './listen.ts';
import { Runs } from './runs.ts';

export interface CollectorOptions {
  /** The directory that holds `.whywait/`. */
  readonly root: string;
  /** As createRun made it. */
  readonly run: RunRecord;
  /** Undefined: no page and no port. */
  readonly ui?: { readonly port?: number | undefined } | undefined;
  /** The built page. */
  readonly staticDir?: string | undefined;
  /** Nothing can be stored any more (a full disk); the program goes on unrecorded. Called once. */
  readonly onFailure?: ((error: StoreError) => void) | undefined;
}

export interface Collector {
  /** What recorders find as WHYWAIT_DIR. */
  readonly dir: string;
  /** '' without a page. */
  readonly url: string;
  readonly runs: Runs;
  readonly counts: IntakeCounts;
  readonly failure: StoreError | undefined;
  /**
   * The program has ended: takes in what is still on its way and what processes left in files, and notes the end.
   * Recorders that stay connected longer than `graceMs` are left behind. Answers go on until close().
   */
  finish(graceMs?: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts recording a run.
 * @throws {StoreError} when the run's file cannot be made. @throws {CollectorError} when the port is in use.
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { root, staticDir, ui, onFailure } = options;
  let record = options.run;
  const store = await openStore(spansFile(root, record.id), 'write');
  const events = new Events(() => intake.counts.spans);
  const intake: Intake = new Intake(
    store,
    () => events.stored(),
    (error) => onFailure?.(error),
  );
  const runs = new Runs(root, {
    record: () => record,
    store,
    changes: () => intake.counts.batches,
    spans: () => intake.counts.spans,
    counters: () => countersOf(intake.counts),
  });
  let dir = '';
  const servers: (Server | HttpServer)[] = [];
  const close = async () => {
    events.close();
    for (const server of servers) {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }
    await intake.drain(0);
    await runs.close();
    await store.close();
    if (dir !== '') await rm(dir, { recursive: true, force: true });
  };
  try {
    dir = await privateDir();
    const recorders = createServer((socket) => intake.serve(socket));
    servers.push(recorders);
    await listenPrivately(recorders, socketPath(dir, 'c'));
    const api = getRequestListener(createApi({ runs, events, staticDir }).fetch);
    const local = createHttpServer(api);
    servers.push(local);
    await listenPrivately(local, socketPath(dir, 'a'));
    let url = '';
    if (ui !== undefined) {
      const page = createHttpServer(api);
      servers.push(page);
      url = `http://127.0.0.1:${await listenOnLoopback(page, ui.port)}/`;
    }
    record = { ...record, pid: process.pid, socket: socketPath(dir, 'a') };
    await writeRun(root, record);
    return {
      dir,
      url,
      runs,
      counts: intake.counts,
      get failure() {
        return intake.failure;
      },
      finish: async (graceMs = 2000) => {
        const endedAt = new Date().toISOString();
        await intake.drain(graceMs);
        await intake.readRests(dir);
        record = { ...record, endedAt, spans: intake.counts.spans };
        events.ended();
        // On a full disk the record stays as it was; the run is there all the same.
        await writeRun(root, record).catch(() => undefined);
      },
      close: async () => {
        record = { ...record, socket: '' };
        await writeRun(root, record).catch(() => undefined);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface Viewer {
  readonly url: string;
  readonly runs: Runs;
  close(): Promise<void>;
}

/** Serves the page and the API about the runs of a directory, recording none. */
export async function startViewer(options: {
  readonly root: string;
  readonly port?: number | undefined;
  readonly staticDir?: string | undefined;
}): Promise<Viewer> {
  const { root, port, staticDir } = options;
  const runs = new Runs(root);
  const events = new Events(() => 0);
  events.ended();
  const server = createHttpServer(getRequestListener(createApi({ runs, events, staticDir }).fetch));
  const url = `http://127.0.0.1:${await listenOnLoopback(server, port)}/`;
  return {
    url,
    runs,
    close: async () => {
      events.close();
      server.close();
      server.closeAllConnections();
      await runs.close();
    },
  };
}

/** So that what the collector had to refuse is not silent either. */
function countersOf({ badConnections, badRestFiles, lostDirectories }: IntakeCounts): CounterTotal[] {
  return [
    { counter: 'collector.bad-connections', detail: '', value: badConnections },
    { counter: 'collector.bad-rest-files', detail: '', value: badRestFiles },
    { counter: 'collector.lost-directory', detail: '', value: lostDirectories },
  ].filter(({ value }) => value > 0);
}
