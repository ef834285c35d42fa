import type { AlertRecord, Silence, Undelivered } from "@adaos/alerts";
import type { LatencySummary, MetricsSummary, OutcomeCounts, ProbeSlo } from "@adaos/core/wire";
import type { ProbesFound } from "@adaos/doctor";
import type { MeshHealth, ResiliencePast } from "@adaos/supervise";
import type { Away } from "./event.ts";

/** `GET /api/health/mesh`: what `adaos status --json` prints. */
export type HealthMesh = MeshHealth;

/** `GET /api/health/probes`: what `adaos health --json` prints. */
export type HealthProbes = ProbesFound;

/** The events of one hour. */
export interface EventHour extends OutcomeCounts {
  /** Its beginning, RFC 3339. */
  readonly hour: string;
  readonly published: number;
  readonly handling_ms: LatencySummary;
}

/** `GET /api/health/metrics`: what `adaos events metrics --json` and `adaos slo --json` print, and each hour. */
export interface HealthMetrics {
  readonly summary: MetricsSummary;
  readonly hours: readonly EventHour[];
  readonly slos: readonly ProbeSlo[];
  readonly away: readonly Away[];
}

/** An alert that is raised now. */
export interface RaisedAlert extends AlertRecord {
  /** The silence that covers it. */
  readonly silence: Silence | null;
}

/** `GET /api/health/alerts`: what `adaos alerts` and `adaos alerts --history` print. */
export interface HealthAlerts {
  /** `false`: alerts are off in the mesh file. */
  readonly isJudged: boolean;
  readonly raised: readonly RaisedAlert[];
  /** Those that have not ended, by name. */
  readonly silences: readonly Silence[];
  /** Newest first. */
  readonly history: readonly AlertRecord[];
  /** Older changes were left out. */
  readonly isCut: boolean;
  readonly undelivered: readonly Undelivered[];
  /** Names that can be silenced. */
  readonly rules: readonly string[];
  readonly away: readonly Away[];
}

/** Messages that a store has lost, as a daemon has found out. */
export interface StoreLoss {
  readonly of: string;
  readonly stream: string;
  readonly found_at: string;
  readonly messages: number;
}

/** `GET /api/health/resilience`. */
export interface HealthResilience {
  /** What the supervisor counts since it began; `null` where none runs here. */
  readonly supervisor: {
    readonly restarts: number;
    readonly recovery: { readonly count: number; readonly mean_ms: number; readonly max_ms: number };
    readonly manual_interventions: number;
    readonly lost_log_lines: number;
    readonly alerts: readonly { readonly ts: string; readonly component: string; readonly reason: string }[];
  } | null;
  /** Why the supervisor's counts are missing, though one runs. */
  readonly problem: string | null;
  readonly past: ResiliencePast;
  readonly losses: readonly StoreLoss[];
}
