// Numbers as people read them: three significant digits, always with a unit, a no-break space between.

const space = '\u00a0';

const digits = (value: number): string =>
  value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);

/** 0.0004 → "400 ns", 0.43 → "430 µs", 12.34 → "12.3 ms", 1234 → "1.23 s", 75000 → "1 min 15 s". */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return 'not known';
  if (ms < 0) return `−${formatMs(-ms)}`;
  if (ms === 0) return `0${space}ms`;
  if (ms < 0.0009995) return `${Math.max(1, Math.round(ms * 1e6))}${space}ns`;
  if (ms < 0.9995) return `${digits(ms * 1e3)}${space}µs`;
  if (ms < 999.5) return `${digits(ms)}${space}ms`;
  if (ms < 59_950) return `${digits(ms / 1e3)}${space}s`;
  const seconds = Math.round(ms / 1e3);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${space}min${space}${seconds % 60}${space}s`;
  return `${Math.floor(seconds / 3600)}${space}h${space}${Math.floor((seconds % 3600) / 60)}${space}min`;
}

export const formatNs = (ns: number): string => formatMs(ns / 1e6);

/** 0.4312 → "43 %"; what is there but small says "<1 %", never "0 %". */
export function formatShare(share: number): string {
  if (!Number.isFinite(share) || share <= 0) return `0${space}%`;
  const percent = share * 100;
  if (percent < 1) return `<1${space}%`;
  if (percent < 9.95) return `${percent.toFixed(1)}${space}%`;
  return `${percent > 99 && percent < 100 ? 99 : Math.round(percent)}${space}%`;
}

const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

/** 12345 → "12,345". */
export const formatCount = (count: number): string => grouped.format(count);

/** "1 call", "12,345 calls". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)}${space}${count === 1 ? one : many}`;

/** 12345 → "12.3 kB" (decimal, as networks count). */
export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${formatCount(bytes)}${space}B`;
  if (bytes < 999_500) return `${digits(bytes / 1e3)}${space}kB`;
  if (bytes < 999_500_000) return `${digits(bytes / 1e6)}${space}MB`;
  return `${digits(bytes / 1e9)}${space}GB`;
}

/** Labels for the ticks of a time axis in ns: one unit for all of them, as many decimals as their step needs. */
export function tickLabels(ticks: readonly number[]): string[] {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : (ticks[0] ?? 1);
  const largest = Math.max(...ticks.map(Math.abs), step);
  const [unit, size] =
    largest >= 1e9 ? ['s', 1e9] : largest >= 1e6 ? ['ms', 1e6] : largest >= 1e3 ? ['µs', 1e3] : ['ns', 1];
  const decimals = Math.max(0, Math.min(9, -Math.floor(Math.log10(step / (size as number)) + 1e-9)));
  return ticks.map((tick) =>
    tick === 0 ? `0${space}${unit}` : `${(tick / (size as number)).toFixed(decimals)}${space}${unit}`,
  );
}

/** One line of text from a name that may hold anything: control characters and line ends become spaces. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
