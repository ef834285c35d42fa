import type { TimerInfo } from "@adaos/core";

/** When a timer fires, in words. Pure. */
export function whenText({ cron, every_ms, at, zone }: TimerInfo): string {
  if (cron !== undefined) return `${cron} (${zone})`;
  if (every_ms !== undefined) return `every ${durationText(every_ms)}`;
  return `at ${at}`;
}

/** `15m`, `1500ms`: the largest unit without a remainder. Pure. */
export function durationText(ms: number): string {
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const)
    if (ms > 0 && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
