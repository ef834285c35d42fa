export type MetricId =
  | "published"
  | "publishFailed"
  | "publishMs"
  | "settled"
  | "attemptsFailed"
  | "held"
  | "handlingMs"
  | "ageMs"
  | "retries"
  | "probeLooks"
  | "probeMs";

export interface MetricDescription {
  /**
   * By the conventions of Prometheus: base units, `_total` for counters, `_info` for metrics that consist of
   * labels.
   */
  readonly name: string;
  readonly type: "counter" | "histogram" | "gauge" | "info";
  readonly labels: readonly string[];
  readonly help: string;
  /** The unit of a histogram's values where it is milliseconds; they are exported in seconds. */
  readonly unit?: "ms";
}

/** The metrics of a bus, wherever it runs. Documentation and exports are generated from this list. */
export const METRICS: Readonly<Record<MetricId, MetricDescription>> = {
  published: {
    name: "adaos_events_published_total",
    type: "counter",
    labels: ["event"],
    help: "Events that were stored when they were published.",
  },
  publishFailed: {
    name: "adaos_publish_failures_total",
    type: "counter",
    labels: ["code"],
    help: "Rejected calls of publish and request, by error code.",
  },
  publishMs: {
    name: "adaos_publish_duration_seconds",
    type: "histogram",
    labels: [],
    help: "From the call of publish until the event was stored.",
    unit: "ms",
  },
  settled: {
    name: "adaos_events_settled_total",
    type: "counter",
    labels: ["durable", "outcome"],
    help: "Events whose handling has ended: success, success_after_retry, repeated (not run again), failed (permanent), dead_letter (retries spent), parked (its schema is not known yet) or refused (its schema is not known, and the room for unknown events of its origin is full).",
  },
  attemptsFailed: {
    name: "adaos_attempts_failed_total",
    type: "counter",
    labels: ["durable", "category", "type"],
    help: "Failed attempts at handling, by category and type of the error.",
  },
  held: {
    name: "adaos_deliveries_held_total",
    type: "counter",
    labels: ["durable"],
    help: "Deliveries delayed because the hub took no dead letter or mark.",
  },
  handlingMs: {
    name: "adaos_handling_duration_seconds",
    type: "histogram",
    labels: ["durable"],
    help: "Duration of a handler's run, failed attempts included.",
    unit: "ms",
  },
  ageMs: {
    name: "adaos_event_age_seconds",
    type: "histogram",
    labels: ["durable"],
    help: "From the ts of an event to the end of its handling, by the clocks of two machines.",
    unit: "ms",
  },
  retries: {
    name: "adaos_event_retries",
    type: "histogram",
    labels: ["durable"],
    help: "Retries of each event that needed any, counted when its handling ended.",
  },
  probeLooks: {
    name: "adaos_probe_looks_total",
    type: "counter",
    labels: ["probe", "environment", "database_type", "outcome"],
    help: "Looks of probes by result: healthy, degraded, unhealthy (answered too late) or failed (no answer).",
  },
  probeMs: {
    name: "adaos_probe_duration_seconds",
    type: "histogram",
    labels: ["probe", "environment", "database_type"],
    help: "How long the probed database took to answer, if it did.",
    unit: "ms",
  },
};
