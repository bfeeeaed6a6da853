// Our own frames are in no `error.stack`. Node asks Error.prepareStackTrace for the text of every stack, and puts its own
// function there at the start: ours stands for that one, takes our frames out of the list, and hands on. A program that
// puts one of its own there takes its place as it takes Node's, and sees all frames. `Error.stackTraceLimit` counts them
// too: that is applied when the stack is taken.

import { patch } from './patch.ts';

export function hideFrames(): void {
  const own = thisFile();
  if (own === undefined) return;
  patch<(error: unknown, trace: NodeJS.CallSite[]) => unknown>(
    Error,
    'prepareStackTrace',
    (original) =>
      function (this: unknown, error, trace) {
        return Reflect.apply(original, this, [error, without(own, trace)]);
      },
  );
}

function without(file: string, trace: NodeJS.CallSite[]): NodeJS.CallSite[] {
  try {
    const isOurs = (site: NodeJS.CallSite | undefined) => site?.getFileName() === file;
    // We call a request's handler through Node's AsyncLocalStorage.
    const isOnOurBehalf = (site: NodeJS.CallSite, i: number) => isOurs(trace[i + 1]) && isStorage(site);
    if (trace.some(isOurs)) return trace.filter((site, i) => !isOurs(site) && !isOnOurBehalf(site, i));
  } catch {
    // Somebody called it with something else.
  }
  return trace;
}

const isStorage = (site: NodeJS.CallSite): boolean =>
  site.getFunctionName() === 'run' && /^node:.*async_/.test(site.getFileName() ?? '');

/** The bundle that this file is part of, as V8 names it. */
function thisFile(): string | undefined {
  const { stack } = new Error();
  return /\((.*):\d+:\d+\)/.exec(stack ?? '')?.[1];
}
