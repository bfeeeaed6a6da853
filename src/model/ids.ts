// Trace and span ids as W3C Trace Context writes them (https://www.w3.org/TR/trace-context/).

/** A span's or half a trace's id as 16 hex digits. */
export const hex16 = (id: bigint): string => id.toString(16).padStart(16, '0');

/** A trace's id as 32 hex digits. */
export const traceHex = (hi: bigint, lo: bigint): string => hex16(hi) + hex16(lo);

/** The two halves of a trace id of 32 hex digits; undefined when it is none. */
export function parseTraceHex(hex: string): { hi: bigint; lo: bigint } | undefined {
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  return { hi: BigInt(`0x${hex.slice(0, 16)}`), lo: BigInt(`0x${hex.slice(16)}`) };
}
