const FIRST_MS = 1000;
const LONGEST_MS = 60_000;
/** A process that ran so long had started well: its end is the first failure again. */
const HEALTHY_MS = 60_000;

/** Failures in a row of a process, after one more that ran for `ranMs`. Pure. */
export function failuresAfter(failures: number, ranMs: number): number {
  return ranMs >= HEALTHY_MS ? 1 : failures + 1;
}

/** Wait before the next start: 1 s after the first failure, then twice as long each time, 60 s at most. Pure. */
export function restartDelayMs(failures: number): number {
  return failures < 1 ? 0 : Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
}
