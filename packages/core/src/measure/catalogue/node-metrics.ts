import type { MetricDescription } from "./bus-metrics.ts";

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
  | "timers"
  | "timerFires"
  | "timerSkipped"
  | "timerMissed"
  | "scenarioActive"
  | "scenarioRuns"
  | "scenarioSkips"
  | "probeConnected"
  | "probeStatus"
  | "probeLatency"
  | "probeUnhealthy"
  | "probeSloBurn"
  | "skillUp"
  | "skillRestarts"
  | "skillMemory"
  | "skillDroppedLines"
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

/** The metrics of a daemon and of the server beside it. Documentation is generated from this list. */
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
    "1 when this source of figures answered in time; otherwise its figures are left out.",
  ),
  sourceSeconds: gauge(
    "adaos_scrape_source_duration_seconds",
    ["source"],
    "How long this source of figures took.",
  ),
  processUp: gauge("adaos_process_up", ["process"], "1 while a process of the supervisor runs."),
  processRestarts: counter(
    "adaos_process_restarts_total",
    ["process"],
    "How often the supervisor restarted a process.",
  ),
  restartAlerts: gauge("adaos_restart_alerts", [], "Processes that four restarts in a row did not help."),
  processFailures: gauge(
    "adaos_process_failures",
    ["process"],
    "Restarts in a row that did not help a process, from the fourth on; 0 below.",
  ),
  configErrors: gauge(
    "adaos_config_errors",
    [],
    "Files of the node that are broken; their last good versions are in force.",
  ),
  streamMessages: gauge("adaos_stream_messages", ["stream"], "Messages in a stream."),
  streamBytes: gauge("adaos_stream_bytes", ["stream"], "Bytes in a stream."),
  streamFull: gauge("adaos_stream_full_ratio", ["stream"], "Used share of a stream's byte limit, 0 to 1."),
  streamOldest: gauge(
    "adaos_stream_oldest_age_seconds",
    ["stream"],
    "Age of the oldest message of a stream; 0 when it is empty.",
  ),
  durablePending: gauge(
    "adaos_durable_pending_events",
    ["node", "durable"],
    "Events of a durable that are not delivered yet.",
  ),
  durableUnsettled: gauge(
    "adaos_durable_unsettled_events",
    ["node", "durable"],
    "Delivered events of a durable that are not settled, or wait for their next attempt.",
  ),
  durableRedelivered: gauge(
    "adaos_durable_redelivered_events",
    ["node", "durable"],
    "Unsettled events of a durable that were delivered more than once.",
  ),
  durablePaused: gauge("adaos_durable_paused", ["node", "durable"], "1 while a durable is paused."),
  deadLetters: gauge("adaos_dead_letters", [], "Dead letters in the hub's stream."),
  deadLetterLast: gauge(
    "adaos_dead_letter_last_timestamp_seconds",
    [],
    "When the hub stored its newest dead letter; 0 when it has none.",
  ),
  parked: gauge(
    "adaos_parked_messages",
    [],
    "Messages for events that wait at the hub for their schema: one for each event, and one for each waiting durable.",
  ),
  marks: gauge("adaos_marks", ["node"], "Marks of handled events that the hub stores for a member."),
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
    "Events of the member's daemon and programs that wait on this machine's disk for the hub; left out above 64 MiB.",
  ),
  diskOutboxBytes: gauge(
    "adaos_disk_outbox_bytes",
    [],
    "Bytes of the events that wait on this machine's disk for the hub.",
  ),
  diskMarksBytes: gauge(
    "adaos_disk_marks_bytes",
    [],
    "Bytes of marks of handled events on this machine's disk, of the member's daemon and programs.",
  ),
  timers: gauge("adaos_timers", [], "Timers that the hub keeps."),
  timerFires: counter(
    "adaos_timer_fires_total",
    ["fire"],
    "Events that the hub has published for timers: on-time, late (by a minute at most), caught-up (missed at first), triggered or backfill (by hand).",
  ),
  timerSkipped: counter(
    "adaos_timer_skipped_total",
    ["reason"],
    "Fires that were left out: missed, overlap, paused or refused (policy, or an event that cannot be published).",
  ),
  timerMissed: gauge(
    "adaos_timer_missed_timestamp_seconds",
    [],
    "When the hub last found a timer more than a minute late, since it started; 0 when it has found none.",
  ),
  scenarioActive: gauge(
    "adaos_scenario_active_runs",
    ["scenario"],
    "Runs of this scenario that have begun and not ended.",
  ),
  scenarioRuns: counter(
    "adaos_scenario_runs_total",
    ["scenario", "outcome"],
    "Ended runs of this scenario by their outcome, since the member's daemon started.",
  ),
  scenarioSkips: counter(
    "adaos_scenario_skips_total",
    ["scenario", "cause"],
    "Triggers of this scenario that started nothing, by the cause, since the member's daemon started.",
  ),
  probeConnected: gauge(
    "adaos_probe_connected",
    ["probe", "environment", "database_type"],
    "1 while the database that the member's daemon probes has answered the last look.",
  ),
  probeStatus: gauge(
    "adaos_probe_status",
    ["probe", "environment", "database_type", "status"],
    "1 for the current status of the probed database: healthy, degraded or unhealthy; 0 for the others.",
  ),
  probeLatency: gauge(
    "adaos_probe_latency_seconds",
    ["probe", "environment", "database_type"],
    "How long the last look of a probe took.",
  ),
  probeUnhealthy: gauge(
    "adaos_probe_unhealthy",
    ["node", "probe"],
    "1 while what a process of a member probes is unhealthy, of programs too; 0 while it is not. The hub tells.",
  ),
  probeSloBurn: gauge(
    "adaos_probe_slo_burn_ratio",
    ["node", "probe"],
    "How many times as fast as it may a probe uses up its budget of late answers: the lesser of five minutes' and of an hour's or two. The hub tells.",
  ),
  skillUp: gauge(
    "adaos_skill_up",
    ["skill"],
    "1 while a skill of the member runs and listens to its events.",
  ),
  skillRestarts: counter(
    "adaos_skill_restarts_total",
    ["skill"],
    "How often the process of a skill was restarted.",
  ),
  skillMemory: gauge(
    "adaos_skill_resident_bytes",
    ["skill"],
    "Memory that the process of a skill holds, as of the last look.",
  ),
  skillDroppedLines: counter(
    "adaos_skill_dropped_lines_total",
    ["skill"],
    "Lines of a skill's output that were not kept, because there were more than 200 a second.",
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
    "Events that a link refused, by error code.",
  ),
  linkInHand: gauge(
    "adaos_link_in_hand_events",
    ["subnet", "direction"],
    "Events that a link has pulled and not stored yet.",
  ),
  linkHeld: gauge(
    "adaos_link_held",
    ["subnet", "direction"],
    "1 while a link waits because its target has no room for the events of an origin.",
  ),
  linkStandsBy: gauge(
    "adaos_link_stands_by",
    ["subnet", "direction"],
    "1 while another root daemon serves the link, or while this one has got no event.",
  ),
  linkLagEvents: gauge(
    "adaos_link_lag_events",
    ["subnet", "direction"],
    "Events that a link has not carried yet. A hub reports its uplink, the root the downlinks.",
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
    "When the daemon last found a stream damaged, since it started.",
  ),
  alertsActive: gauge(
    "adaos_alerts_active",
    ["alertname", "severity"],
    "Alerts that hub or root have raised and not cleared.",
  ),
  webhookMessages: counter(
    "adaos_alert_webhook_messages_total",
    ["webhook", "outcome"],
    "Messages to a webhook: sent, failed (and retried), given_up.",
  ),
  serverInfo: info("adaos_server_info", ["version"], "The nats-server beside the node."),
  serverStart: gauge("adaos_server_start_time_seconds", [], "When the server was started."),
  serverConnections: gauge("adaos_server_connections", [], "Clients that are connected to the server."),
  serverLeaves: gauge("adaos_server_leaf_connections", [], "Leaf connections of the server."),
  serverSubscriptions: gauge("adaos_server_subscriptions", [], "Subscriptions at the server."),
  serverMemory: gauge("adaos_server_resident_memory_bytes", [], "Memory of the server."),
  serverCpu: gauge("adaos_server_cpu_ratio", [], "Processor time of the server; 1 is one core."),
  serverReceived: counter(
    "adaos_server_received_messages_total",
    [],
    "Messages that the server has received.",
  ),
  serverReceivedBytes: counter(
    "adaos_server_received_bytes_total",
    [],
    "Bytes that the server has received.",
  ),
  serverSent: counter("adaos_server_sent_messages_total", [], "Messages that the server has sent."),
  serverSentBytes: counter("adaos_server_sent_bytes_total", [], "Bytes that the server has sent."),
  serverSlow: counter(
    "adaos_server_slow_consumers_total",
    [],
    "Connections that the server closed since they read too slowly.",
  ),
  serverStore: gauge("adaos_server_store_bytes", [], "Bytes of all streams on the server's disk."),
  serverApi: counter("adaos_server_jetstream_requests_total", [], "JetStream requests to the server."),
  serverApiErrors: counter(
    "adaos_server_jetstream_errors_total",
    [],
    "JetStream requests that the server refused.",
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
