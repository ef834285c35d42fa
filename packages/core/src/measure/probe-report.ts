import type { MetricsSnapshot } from "./metrics.ts";

/** The state of a probed resource, as of the last look. It is written as JSON unchanged. */
export interface ProbeReport {
  readonly probe: string;
  readonly environment: string;
  readonly database_type: string;
  /** The program that looks: `adaos-daemon`, or `adaos-<component>` of a program. */
  readonly app: string;
  readonly interval_ms: number;
  readonly connection: "unknown" | "established" | "failed";
  /** `null` before the first look. */
  readonly status: "healthy" | "degraded" | "unhealthy" | null;
  readonly is_healthy: boolean;
  /** Degraded or worse. */
  readonly requires_alert: boolean;
  /** The duration of the last look; up to its failure where it failed. */
  readonly latency_ms: number | null;
  /** Since when the status is what it is, RFC 3339. */
  readonly since: string | null;
  readonly looked_at: string | null;
  /** Retries that were requested since the connection failed. */
  readonly retry_count: number;
  /** Why there is no connection, without secrets. */
  readonly error_message: string | null;
  /** Why its last event was not published; most often the member may not. */
  readonly unpublished: string | null;
}

/** A snapshot, and when its hub has taken it, milliseconds since the epoch. */
export interface TakenSnapshot {
  readonly snapshot: MetricsSnapshot;
  readonly takenMs: number;
}

/** A probe of a process that looks still. */
export interface StandingProbe extends ProbeReport {
  /** `alpha/kitchen`. */
  readonly node: string;
}

/** A process reports what it has counted every ten seconds; clocks differ, and machines are slow at times. */
const SLACK_MS = 60_000;
/** Looks that may be missing of a process that has not ended. */
const MISSING_LOOKS = 3;

/**
 * The probes of all processes that report still, as each has reported last. One whose process has ended without a word
 * is left out after some looks. Pure.
 * @param snapshots In the order in which they were taken.
 */
export function standingProbes(snapshots: Iterable<TakenSnapshot>, nowMs: number): StandingProbe[] {
  const newest = new Map<string, TakenSnapshot>();
  for (const taken of snapshots) newest.set(`${taken.snapshot.node} ${taken.snapshot.instance}`, taken);
  return [...newest.values()].flatMap(({ snapshot: { node, probes = [] }, takenMs }) =>
    probes
      .filter(({ interval_ms: ms }) => nowMs - takenMs <= MISSING_LOOKS * ms + SLACK_MS)
      .map((probe) => ({ node, ...probe })),
  );
}
