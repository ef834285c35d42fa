/** What a schema says of data that is not for everybody, by `x-classification`. The stricter first. */
export const DATA_CLASSES = ["secret", "pii"] as const;

export type DataClass = (typeof DATA_CLASSES)[number];

/** What the schema of one event classifies. */
export interface ClassifiedData {
  /** At least one; the stricter first. */
  readonly classes: readonly DataClass[];
  /**
   * A copy of the data in which each classified value, with all within it, is replaced by `[secret]` or `[pii]`. Pure.
   * @param onMasked Called with each value that is replaced.
   */
  mask(data: unknown, onMasked?: (value: unknown) => void): unknown;
}

/** What stands in the place of a value that is classified so. */
export function maskOf(classes: Iterable<DataClass>): string {
  const all = new Set(classes);
  return `[${DATA_CLASSES.find((one) => all.has(one)) ?? "masked"}]`;
}
