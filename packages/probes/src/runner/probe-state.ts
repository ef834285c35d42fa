import type { HealthStatus } from "../events/environment.ts";

/** The state that is kept between two looks. */
export interface ProbeState {
  readonly connection: "unknown" | "established" | "failed";
  /** Undefined before the first look. */
  readonly status?: HealthStatus;
  /** Since when the status is what it is, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Retries that were requested since the connection failed. */
  readonly retryCount: number;
  /** The duration of the last look; up to its failure where it failed. */
  readonly latencyMs?: number;
  readonly lookedAtMs?: number;
  readonly failure?: string;
}

export const NEVER_LOOKED: ProbeState = { connection: "unknown", retryCount: 0 };

/** Answers that take as long, in milliseconds, are no longer healthy, or are unhealthy. */
export interface Thresholds {
  readonly degradedMs: number;
  readonly unhealthyMs: number;
}

/** The result of one look. */
export interface Look {
  readonly atMs: number;
  readonly latencyMs: number;
  /** Why there was no answer, without secrets. Not given: there was one. */
  readonly failure?: string;
  /** It was requested, beside the looks at the interval. */
  readonly isRetry: boolean;
}

/** A change that is published. */
export type ProbeChange =
  | { readonly kind: "established" }
  | { readonly kind: "failed"; readonly retryCount: number }
  | { readonly kind: "health"; readonly status: HealthStatus };

/**
 * The new state after a look, and the changes to publish: only changes, however often the probe looks. A retry that
 * fails is a change, since its retry count differs. Pure.
 */
export function decideLook(
  before: ProbeState,
  { atMs, latencyMs, failure, isRetry }: Look,
  thresholds: Thresholds,
): { readonly state: ProbeState; readonly changes: readonly ProbeChange[] } {
  const changes: ProbeChange[] = [];
  const connection = failure === undefined ? "established" : "failed";
  const isNew = before.connection !== connection;
  const retryCount = connection === "failed" && !isNew ? before.retryCount + (isRetry ? 1 : 0) : 0;
  if (connection === "established" && isNew) changes.push({ kind: "established" });
  if (connection === "failed" && (isNew || isRetry)) changes.push({ kind: "failed", retryCount });
  const status = failure === undefined ? statusOf(latencyMs, thresholds) : "unhealthy";
  if (status !== before.status) changes.push({ kind: "health", status });
  const sinceMs = status === before.status ? (before.sinceMs ?? atMs) : atMs;
  return {
    state: {
      connection,
      status,
      sinceMs,
      retryCount,
      latencyMs,
      lookedAtMs: atMs,
      ...(failure === undefined ? {} : { failure }),
    },
    changes,
  };
}

/** Pure. */
export function statusOf(latencyMs: number, { degradedMs, unhealthyMs }: Thresholds): HealthStatus {
  if (latencyMs < degradedMs) return "healthy";
  return latencyMs < unhealthyMs ? "degraded" : "unhealthy";
}
