/** Index of texts that only warm up the way. */
export const WARM_UP = -1;

/** A sent text: it can be counted, and contains its time of sending. */
export interface SentText {
  /** From 0; {@link WARM_UP} for texts that are not counted. */
  readonly index: number;
  /** Milliseconds since the epoch, with fractions. */
  readonly sentMs: number;
}

/** A text of `bytes` bytes, or a few more where they do not suffice. Pure. */
export function formatText({ index, sentMs }: SentText, bytes: number): string {
  return `${index} ${sentMs} `.padEnd(bytes, "x");
}

/** Pure. Throws a plain error: any other text is a fault of the run. */
export function parseText(text: string): SentText {
  const [index, sentMs] = text.split(" ", 2).map(Number);
  if (Number.isInteger(index) && Number.isFinite(sentMs)) return { index, sentMs } as SentText;
  throw new Error(`not a text of the benchmark: ${text.slice(0, 80)}`);
}

/** All processes of this machine share this clock; with fractions. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
