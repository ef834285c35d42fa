import type { ProbeReport } from "@adaos/core/wire";
import type { DatabaseType, Environment, HealthStatus } from "../events/environment.ts";

/** How what is probed is, as of the last look. */
export interface ProbeHealth extends ProbeReport {
  readonly environment: Environment;
  readonly database_type: DatabaseType;
  readonly status: HealthStatus | null;
}

/** A probe that runs. */
export interface Probe {
  readonly name: string;
  health(): ProbeHealth;
  /**
   * Looks now, or after the look that is under way, and connects anew where there is no connection. Calls at the same
   * time share one look. A look that fails is published with its retry count raised by one. Rejects with `closed`.
   */
  look(): Promise<ProbeHealth>;
  /** Ends its connection, after the look that is under way. Safe to call twice. */
  stop(): Promise<void>;
}
