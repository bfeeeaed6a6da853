// The recorder's time: float64 nanoseconds since the process's (or worker's) time 0, and what time 0 was.
// `now` is taken from perf_hooks once, so that a test's fake timers do not reach it.

import { performance } from 'node:perf_hooks';

const read = performance.now.bind(performance);

/** Epoch nanoseconds of time 0. `timeOrigin` is milliseconds, exact to the microsecond. */
export const origin: bigint = BigInt(Math.round(performance.timeOrigin * 1000)) * 1000n;

/** Nanoseconds since time 0. */
export const now = (): number => read() * 1e6;
