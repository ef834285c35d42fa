import type { Drift } from "@adaos/operations";
import type { FieldChange, SchemaField } from "@adaos/registry-tools/docs";

export type { Drift, FieldChange, SchemaField };

/** `GET /api/contracts?q=…` */
export interface ContractList {
  /** Events of the registry. */
  readonly total: number;
  readonly registry: { readonly folder: string; readonly hash: string };
  readonly events: readonly ContractLine[];
  /** Subnets whose events are not counted, and why. */
  readonly away: readonly { readonly of: string; readonly reason: string }[];
}

export interface ContractLine {
  /** `ui.notify@1` */
  readonly event: string;
  readonly kind: string;
  readonly status: string;
  readonly summary: string;
  /** Where the searched word was found, unless in the name. */
  readonly where?: string;
  /** How many are stored where they were published. */
  readonly count: number;
  /** RFC 3339. */
  readonly last_seen: string | null;
}

/** `GET /api/contracts/:event` */
export interface Contract {
  readonly event: string;
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly status: string;
  readonly summary: string;
  readonly description: string;
  readonly schema_version?: string;
  readonly producers: readonly string[];
  readonly consumers: readonly string[];
  readonly required_headers: readonly string[];
  readonly delivery: string;
  readonly idempotency_key: string;
  readonly fields: readonly SchemaField[];
  readonly schema: unknown;
  /** Masked where they are classified. */
  readonly examples: readonly { readonly title: string; readonly data: unknown }[];
  /** Of the same name, the newest first. */
  readonly versions: readonly {
    readonly event: string;
    readonly status: string;
    readonly schema_version?: string;
  }[];
  /** What this version changes; absent for the first. */
  readonly changes?: { readonly since: string; readonly fields: readonly FieldChange[] };
  readonly count: number;
  readonly last_seen: string | null;
  /** Who has published those that are stored. */
  readonly origins: readonly string[];
}

/** `GET /api/contracts-drift?hours=24&event=…` */
export interface DriftAnswer {
  readonly drifts: readonly Drift[];
  /** Of the asked event: components seen to publish it, and durables that take it. */
  readonly producers: readonly { readonly component: string; readonly nodes: readonly string[] }[];
  readonly consumers: readonly {
    readonly node: string;
    readonly durable: string;
    readonly pattern: string;
  }[];
  /** What was left out. */
  readonly notes: readonly string[];
}
