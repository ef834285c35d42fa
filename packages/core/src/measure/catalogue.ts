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
  /** By the conventions of Prometheus: base units, `_total` for what only grows, `_info` for what labels alone say. */
  readonly name: string;
  readonly type: "counter" | "histogram" | "gauge" | "info";
  readonly labels: readonly string[];
  readonly help: string;
  /** Of a histogram whose values are milliseconds, told in seconds. */
  readonly unit?: "ms";
}

/** What a bus counts, wherever it runs. Documentation and exports are made from this list. */
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
    help: "Calls of publish and request that were rejected, by the code of the error.",
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
    help: "Events whose handling has ended: success, success_after_retry, repeated (not run again), failed (permanent), dead_letter (retries spent), parked (its schema is not known yet) or refused (likewise, and the room for what its origin sends unknown is full).",
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
    help: "Deliveries put off because the hub took no dead letter or mark.",
  },
  handlingMs: {
    name: "adaos_handling_duration_seconds",
    type: "histogram",
    labels: ["durable"],
    help: "Run of a handler, failed attempts too.",
    unit: "ms",
  },
  ageMs: {
    name: "adaos_event_age_seconds",
    type: "histogram",
    labels: ["durable"],
    help: "From the time an event bears to the end of its handling; by the clocks of two machines.",
    unit: "ms",
  },
  retries: {
    name: "adaos_event_retries",
    type: "histogram",
    labels: ["durable"],
    help: "Retries of the events that needed any, when their handling ended.",
  },
  probeLooks: {
    name: "adaos_probe_looks_total",
    type: "counter",
    labels: ["probe", "environment", "database_type", "outcome"],
    help: "Looks of probes by what they found: healthy, degraded, unhealthy (answered too late) or failed (no answer).",
  },
  probeMs: {
    name: "adaos_probe_duration_seconds",
    type: "histogram",
    labels: ["probe", "environment", "database_type"],
    help: "How long what is probed took to answer, where it did.",
    unit: "ms",
  },
};

export type NodeMetricId =
  | "nodeInfo"
  | "nodeReady"
  | "partReady"
  | "policyInfo"
  | "registryInfo"
  | "certificateEnd"
  | "sourceReady"
  | "sourceSeconds"
  | "processUp"
  | "processRestarts"
  | "restartAlerts"
  | "processFailures"
  | "configErrors"
  | "streamMessages"
  | "streamBytes"
  | "streamFull"
  | "streamOldest"
  | "durablePending"
  | "durableUnsettled"
  | "durableRedelivered"
  | "durablePaused"
  | "deadLetters"
  | "deadLetterLast"
  | "parked"
  | "marks"
  | "outboxEvents"
  | "outboxBytes"
  | "outboxRefused"
  | "diskOutboxEvents"
  | "diskOutboxBytes"
  | "diskMarksBytes"
  | "probeConnected"
  | "probeStatus"
  | "probeLatency"
  | "linkReady"
  | "linkCarried"
  | "linkRefused"
  | "linkInHand"
  | "linkHeld"
  | "linkStandsBy"
  | "linkLagEvents"
  | "linkLagSeconds"
  | "clockOffset"
  | "storeDamaged"
  | "alertsActive"
  | "webhookMessages"
  | "serverInfo"
  | "serverStart"
  | "serverConnections"
  | "serverLeaves"
  | "serverSubscriptions"
  | "serverMemory"
  | "serverCpu"
  | "serverReceived"
  | "serverReceivedBytes"
  | "serverSent"
  | "serverSentBytes"
  | "serverSlow"
  | "serverStore"
  | "serverApi"
  | "serverApiErrors";

/**
 * What a daemon tells of itself and of the server beside it when it is scraped. Documentation is made from this list.
 */
export const NODE_METRICS: Readonly<Record<NodeMetricId, MetricDescription>> = {
  nodeInfo: info("adaos_node_info", ["node", "role"], "Which node answers."),
  nodeReady: gauge("adaos_node_ready", [], "1 when every part of the node does its work."),
  partReady: gauge("adaos_part_ready", ["part"], "1 when this part of the node does its work."),
  policyInfo: info(
    "adaos_policy_info",
    ["digest"],
    "The version of the node's file in force, which holds its policy: sha-256.",
  ),
  registryInfo: info("adaos_registry_info", ["hash"], "The version of the registry in force."),
  certificateEnd: gauge(
    "adaos_certificate_end_timestamp_seconds",
    ["certificate"],
    "When a certificate of the node or of the server beside it ends.",
  ),
  sourceReady: gauge(
    "adaos_scrape_source_ready",
    ["source"],
    "1 when this source of figures answered in time; what it tells is left out otherwise.",
  ),
  sourceSeconds: gauge(
    "adaos_scrape_source_duration_seconds",
    ["source"],
    "How long this source of figures took.",
  ),
  processUp: gauge("adaos_process_up", ["process"], "1 while a process that the supervisor keeps runs."),
  processRestarts: counter(
    "adaos_process_restarts_total",
    ["process"],
    "How often the supervisor started a process again.",
  ),
  restartAlerts: gauge(
    "adaos_restart_alerts",
    [],
    "Processes that starting them four times in a row did not help.",
  ),
  processFailures: gauge(
    "adaos_process_failures",
    ["process"],
    "Starts in a row that did not help a process, from the fourth on; 0 below.",
  ),
  configErrors: gauge(
    "adaos_config_errors",
    [],
    "Files of the node that are broken; their last good versions are in force.",
  ),
  streamMessages: gauge("adaos_stream_messages", ["stream"], "Messages in a stream."),
  streamBytes: gauge("adaos_stream_bytes", ["stream"], "Bytes in a stream."),
  streamFull: gauge(
    "adaos_stream_full_ratio",
    ["stream"],
    "Share of a stream's limit of bytes that is taken, 0 to 1.",
  ),
  streamOldest: gauge(
    "adaos_stream_oldest_age_seconds",
    ["stream"],
    "Age of the oldest message of a stream; 0 when it is empty.",
  ),
  durablePending: gauge(
    "adaos_durable_pending_events",
    ["node", "durable"],
    "Events of a durable that nobody has been given yet.",
  ),
  durableUnsettled: gauge(
    "adaos_durable_unsettled_events",
    ["node", "durable"],
    "Events of a durable that somebody was given and has not settled, or that wait for their next attempt.",
  ),
  durableRedelivered: gauge(
    "adaos_durable_redelivered_events",
    ["node", "durable"],
    "Of the unsettled events of a durable those that were given more than once.",
  ),
  durablePaused: gauge("adaos_durable_paused", ["node", "durable"], "1 while a durable is paused."),
  deadLetters: gauge("adaos_dead_letters", [], "Dead letters that the hub holds."),
  deadLetterLast: gauge(
    "adaos_dead_letter_last_timestamp_seconds",
    [],
    "When the newest dead letter came to the hub; 0 when it holds none.",
  ),
  parked: gauge(
    "adaos_parked_messages",
    [],
    "Events that wait at the hub for their schema, and one message for each durable that waits.",
  ),
  marks: gauge("adaos_marks", ["node"], "Marks of handled events that the hub holds for a member."),
  outboxEvents: gauge("adaos_outbox_events", [], "Events in the outbox of the member's daemon."),
  outboxBytes: gauge("adaos_outbox_bytes", [], "Bytes in the outbox of the member's daemon."),
  outboxRefused: counter(
    "adaos_outbox_refused_total",
    [],
    "Events that the hub refused after the outbox of the member's daemon had taken them.",
  ),
  diskOutboxEvents: gauge(
    "adaos_disk_outbox_events",
    [],
    "Events that wait on this machine's disk for the hub, of the member's daemon and programs; not told above 64 MiB.",
  ),
  diskOutboxBytes: gauge("adaos_disk_outbox_bytes", [], "Bytes of them."),
  diskMarksBytes: gauge(
    "adaos_disk_marks_bytes",
    [],
    "Bytes of marks of handled events on this machine's disk, of the member's daemon and programs.",
  ),
  probeConnected: gauge(
    "adaos_probe_connected",
    ["probe", "environment", "database_type"],
    "1 while what the member's daemon probes has answered the last look.",
  ),
  probeStatus: gauge(
    "adaos_probe_status",
    ["probe", "environment", "database_type", "status"],
    "1 for the status that what is probed has: healthy, degraded or unhealthy; 0 for the others.",
  ),
  probeLatency: gauge(
    "adaos_probe_latency_seconds",
    ["probe", "environment", "database_type"],
    "How long the last look of a probe took.",
  ),
  linkReady: gauge("adaos_link_ready", ["subnet", "direction"], "1 while a link's source and target answer."),
  linkCarried: counter(
    "adaos_link_carried_total",
    ["subnet", "direction"],
    "Events that a link has stored at its target.",
  ),
  linkRefused: counter(
    "adaos_link_refused_total",
    ["subnet", "direction", "reason"],
    "Events that a link did not let pass, by the code of the error.",
  ),
  linkInHand: gauge(
    "adaos_link_in_hand_events",
    ["subnet", "direction"],
    "Events that a link has pulled and not stored yet.",
  ),
  linkHeld: gauge(
    "adaos_link_held",
    ["subnet", "direction"],
    "1 while a link waits because its target has no room for what an origin sends.",
  ),
  linkStandsBy: gauge(
    "adaos_link_stands_by",
    ["subnet", "direction"],
    "1 while another root daemon serves the link, or while it has not been given an event.",
  ),
  linkLagEvents: gauge(
    "adaos_link_lag_events",
    ["subnet", "direction"],
    "Events that a link has not carried yet: of its uplink a hub tells, of the downlinks the root.",
  ),
  linkLagSeconds: gauge(
    "adaos_link_lag_seconds",
    ["subnet", "direction"],
    "Age of the oldest event that a link has not carried; 0 when there is none.",
  ),
  clockOffset: gauge(
    "adaos_clock_offset_seconds",
    ["subnet"],
    "How far the clock of a hub is ahead of the root's; below 0 it is behind.",
  ),
  storeDamaged: gauge(
    "adaos_store_damaged_timestamp_seconds",
    ["stream"],
    "When the daemon has last found a stream damaged, since it started.",
  ),
  alertsActive: gauge(
    "adaos_alerts_active",
    ["alertname", "severity"],
    "Alerts that hub or root have raised and not cleared.",
  ),
  webhookMessages: counter(
    "adaos_alert_webhook_messages_total",
    ["webhook", "outcome"],
    "Messages to a webhook: sent, failed (and tried again), given_up.",
  ),
  serverInfo: info("adaos_server_info", ["version"], "The nats-server beside the node."),
  serverStart: gauge("adaos_server_start_time_seconds", [], "When that server was started."),
  serverConnections: gauge("adaos_server_connections", [], "Clients that are connected to that server."),
  serverLeaves: gauge("adaos_server_leaf_connections", [], "Leaf connections of that server."),
  serverSubscriptions: gauge("adaos_server_subscriptions", [], "Subscriptions at that server."),
  serverMemory: gauge("adaos_server_resident_memory_bytes", [], "Memory of that server."),
  serverCpu: gauge("adaos_server_cpu_ratio", [], "Processor time of that server; 1 is one core."),
  serverReceived: counter("adaos_server_received_messages_total", [], "Messages that server has received."),
  serverReceivedBytes: counter("adaos_server_received_bytes_total", [], "Bytes that server has received."),
  serverSent: counter("adaos_server_sent_messages_total", [], "Messages that server has sent."),
  serverSentBytes: counter("adaos_server_sent_bytes_total", [], "Bytes that server has sent."),
  serverSlow: counter(
    "adaos_server_slow_consumers_total",
    [],
    "Connections that server ended since they read too slowly.",
  ),
  serverStore: gauge("adaos_server_store_bytes", [], "Bytes of all streams on that server's disk."),
  serverApi: counter("adaos_server_jetstream_requests_total", [], "Requests of JetStream to that server."),
  serverApiErrors: counter(
    "adaos_server_jetstream_errors_total",
    [],
    "Requests of JetStream that server refused.",
  ),
};

function gauge(name: string, labels: readonly string[], help: string): MetricDescription {
  return { name, type: "gauge", labels, help };
}

function counter(name: string, labels: readonly string[], help: string): MetricDescription {
  return { name, type: "counter", labels, help };
}

function info(name: string, labels: readonly string[], help: string): MetricDescription {
  return { name, type: "info", labels, help };
}
