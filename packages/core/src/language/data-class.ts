/** Classes of restricted data, set in a schema by `x-classification`. The stricter first. */
export const DATA_CLASSES = ["secret", "pii"] as const;

export type DataClass = (typeof DATA_CLASSES)[number];

/** The classified values in the schema of one event. */
export interface ClassifiedData {
  /** At least one; the stricter first. */
  readonly classes: readonly DataClass[];
  /**
   * A copy of the data in which each classified value, with all within it, is replaced by `[secret]` or `[pii]`. Pure.
   * @param onMasked Called with each value that is replaced.
   */
  mask(data: unknown, onMasked?: (value: unknown) => void): unknown;
}

/** The text that replaces a value of these classes. */
export function maskOf(classes: Iterable<DataClass>): string {
  const all = new Set(classes);
  return `[${DATA_CLASSES.find((one) => all.has(one)) ?? "masked"}]`;
}
