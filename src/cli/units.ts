// Numbers as the terminal shows them: every one with its unit, none longer than 6 characters but counts.

/** "840 µs", "9.9 ms", "41 ms", "3.2 s", "15 min", "2.5 h". */
export function duration(ms: number): string {
  if (!(ms > 0)) return '0 ms';
  if (ms < 0.9995) return scaled(ms * 1000, 'µs');
  if (ms < 999.5) return scaled(ms, 'ms');
  if (ms < 99_500) return scaled(ms / 1000, 's');
  if (ms < 99.5 * 60_000) return scaled(ms / 60_000, 'min');
  return scaled(ms / 3_600_000, 'h');
}

function scaled(value: number, unit: string): string {
  const digits = value < 9.95 ? value.toFixed(1) : count(Math.round(value));
  return `${digits} ${unit}`;
}

/** "12,345" */
export const count = (value: number): string => value.toLocaleString('en-US');

/** "65 %", "<1 %", "0 %" of `whole`. */
export function percent(part: number, whole: number): string {
  if (!(part > 0) || !(whole > 0)) return '0 %';
  const share = (100 * part) / whole;
  return share < 0.5 ? '<1 %' : `${Math.round(share)} %`;
}

/** "1 call", "2 calls" */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;
