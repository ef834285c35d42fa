import type { HealthResilience } from "../../../api/health.ts";

type Past = HealthResilience["past"];

/** A failure and its recovery. */
export interface FailurePair {
  readonly at: string;
  /** The process, or the injected fault and its target. */
  readonly what: string;
  readonly reason: string;
  /** Milliseconds until it was well again; `null`: not yet, or not in time. */
  readonly tookMs: number | null;
  readonly isInjected: boolean;
}

/**
 * Each failure with its recovery, oldest first. Several restarts of one process before it was well again are one
 * failure, as the supervisor counts them. Pure.
 */
export function failurePairs({ restarts, recoveries, faults }: Past): FailurePair[] {
  const pairs: FailurePair[] = faults.map(({ at, fault, target, ready_ms, flow_ms, unready }) => ({
    at,
    what: `${fault} ${target}`,
    reason: unready.length === 0 ? "injected by adaos chaos" : `not ready: ${unready.join("; ")}`,
    tookMs: flow_ms ?? ready_ms,
    isInjected: true,
  }));
  const open = new Map<string, FailurePair>();
  const marks = [
    ...restarts.map((restart) => ({ ...restart, tookMs: undefined })),
    ...recoveries.map(({ at, component, took_ms }) => ({ at, component, reason: "", tookMs: took_ms })),
  ].sort((a, b) => (a.at < b.at ? -1 : 1));
  for (const { at, component, reason, tookMs } of marks) {
    const failed = open.get(component);
    if (tookMs === undefined) {
      if (failed === undefined)
        open.set(component, { at, what: component, reason, tookMs: null, isInjected: false });
    } else if (failed !== undefined) {
      pairs.push({ ...failed, tookMs });
      open.delete(component);
    }
  }
  return [...pairs, ...open.values()].sort((a, b) => (a.at < b.at ? -1 : 1));
}

/** How many of these times lie in each hour between two times, by the hour's beginning in milliseconds. Pure. */
export function countByHour(times: readonly string[], fromMs: number, toMs: number): Map<number, number> {
  const hours = new Map<number, number>();
  for (let hour = hourOf(fromMs); hour <= toMs; hour += HOUR_MS) hours.set(hour, 0);
  for (const time of times) {
    const hour = hourOf(Date.parse(time));
    if (hours.has(hour)) hours.set(hour, (hours.get(hour) ?? 0) + 1);
  }
  return hours;
}

const HOUR_MS = 3_600_000;

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS;
}
