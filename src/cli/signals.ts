// While the program runs, signals are its own: we stay until it has ended.

import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * A terminal's Ctrl-C and Ctrl-\ go to every process in its foreground, the program included: nothing to pass on, as
 * a program that counts them would count two. Signals to this process alone are passed on.
 * Returns what puts the default back.
 */
export function handOverSignals(child: ChildProcess): () => void {
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  const fromKeyboard = (signal: NodeJS.Signals) => {
    if (!inForeground()) child.kill(signal);
  };
  const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ['SIGINT', fromKeyboard],
    ['SIGTERM', passOn],
    ['SIGHUP', passOn],
  ];
  if (process.platform !== 'win32') {
    handlers.push(['SIGQUIT', fromKeyboard], ['SIGUSR2', passOn]);
  }
  for (const [signal, handle] of handlers) process.on(signal, handle);
  return () => {
    for (const [signal, handle] of handlers) process.removeListener(signal, handle);
  };
}

/** Whether we are in the foreground of a terminal, so that its keys reach the program without us. */
function inForeground(): boolean {
  try {
    // proc(5): after the name in parentheses come state, ppid, pgrp, session, tty, tpgid.
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[2] === fields[5];
  } catch {
    return process.stdin.isTTY === true || process.stdout.isTTY === true || process.stderr.isTTY === true;
  }
}
