/** Index of texts that only warm up what they pass. */
export const WARM_UP = -1;

/** A text as a run sends it: it can be counted, and tells when it was sent. */
export interface SentText {
  /** From 0; {@link WARM_UP} for those that are not counted. */
  readonly index: number;
  /** Milliseconds since the epoch, with fractions. */
  readonly sentMs: number;
}

/** Of `bytes` bytes, or a few more where they would not hold it. Pure. */
export function formatText({ index, sentMs }: SentText, bytes: number): string {
  return `${index} ${sentMs} `.padEnd(bytes, "x");
}

/** Pure. Throws a plain error: whatever else arrives is a fault of the run. */
export function parseText(text: string): SentText {
  const [index, sentMs] = text.split(" ", 2).map(Number);
  if (Number.isInteger(index) && Number.isFinite(sentMs)) return { index, sentMs } as SentText;
  throw new Error(`not a text of the benchmark: ${text.slice(0, 80)}`);
}

/** Of one clock for all processes of this machine, with fractions. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
