// `whywait view`: serves the page about the runs of a directory until Ctrl-C.

import { once } from 'node:events';
import { startViewer } from '../collector/collector.ts';
import { findRun } from '../store/runs.ts';
import { CliError } from './errors.ts';
import { openPage } from './open-page.ts';
import { pageDir, rootOf } from './places.ts';
import { runWord } from './runs.ts';
import { answer, json, note } from './say.ts';

export interface ViewOptions {
  readonly dir?: string;
  readonly port?: number;
  readonly open?: boolean;
  readonly json?: boolean;
}

export async function view(word: string | undefined, options: ViewOptions): Promise<void> {
  const staticDir = pageDir();
  if (staticDir === undefined) throw new CliError('WW_NOT_BUILT', 'The page is missing.', 'Build it: npm run build');
  const root = rootOf(options.dir);
  const record = await findRun(root, runWord(word));
  const viewer = await startViewer({ root, port: options.port, staticDir });
  const url = `${viewer.url}#/?run=${record.id}`;
  if (options.json) answer(json({ url, run: record.id }));
  else note(`${url}   (Ctrl-C ends it)`);
  if (options.open) openPage(url);
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  await viewer.close();
}
