import type { DatabaseType, Environment, HealthStatus } from "../events/environment.ts";

/** How what is probed is, as of the last look. It is told as JSON as it stands. */
export interface ProbeHealth {
  readonly probe: string;
  readonly environment: Environment;
  readonly database_type: DatabaseType;
  readonly connection: "unknown" | "established" | "failed";
  /** `null` before the first look. */
  readonly status: HealthStatus | null;
  readonly is_healthy: boolean;
  /** Degraded or worse. */
  readonly requires_alert: boolean;
  /** Of the last look; up to its failure where it failed. */
  readonly latency_ms: number | null;
  /** Since when the status is what it is, RFC 3339. */
  readonly since: string | null;
  readonly looked_at: string | null;
  /** Times that somebody asked for a connection again since it failed. */
  readonly retry_count: number;
  /** Why there is no connection, without secrets. */
  readonly error_message: string | null;
  /** Why its last event was not published; most often the member may not. */
  readonly unpublished: string | null;
}

/** A probe that runs. */
export interface Probe {
  readonly name: string;
  health(): ProbeHealth;
  /**
   * Looks now, or after the look that is under way, and connects anew where there is no connection. What asks at the
   * same time shares one look. One that fails is published with a retry count that is one more. Rejects with `closed`.
   */
  look(): Promise<ProbeHealth>;
  /** Ends its connection, after the look that is under way. Safe to call twice. */
  stop(): Promise<void>;
}
