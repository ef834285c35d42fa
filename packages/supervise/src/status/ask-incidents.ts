import { MeshError } from "@adaos/core";
import { SUPERVISOR } from "../processes/process-table.ts";
import type { Alert } from "../watch/incidents.ts";
import { askStatus } from "./ask-status.ts";

/** Faults while the supervisor ran, by the names that its `/api/metrics/v0_1/summary` has. */
export interface CountedIncidents {
  readonly restarts: number;
  readonly recovery: { readonly count: number; readonly mean_ms: number; readonly max_ms: number };
  readonly lost_log_lines: number;
  /** Alerts that a person has to look at; repairs by the mesh itself do not count. */
  readonly manual_interventions: number;
  readonly alerts: readonly Alert[];
}

/**
 * Asks the supervisor of a state folder. Undefined when none runs. Rejects with `unavailable` when it does not answer.
 */
export async function askIncidents(stateDir: string): Promise<CountedIncidents | undefined> {
  const asked = await askStatus(SUPERVISOR, stateDir).catch((thrown: unknown) => {
    throw MeshError.from(thrown, "unavailable", "the supervisor does not answer");
  });
  const details = asked?.status.parts["watchdog"]?.details as
    | (Pick<CountedIncidents, "restarts" | "recovery" | "alerts"> & { readonly droppedLines: number })
    | undefined;
  if (details === undefined) return undefined;
  const { restarts, recovery, alerts, droppedLines } = details;
  return { restarts, recovery, alerts, lost_log_lines: droppedLines, manual_interventions: alerts.length };
}
