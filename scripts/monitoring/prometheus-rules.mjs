// Rules for Prometheus, from the catalogue of alerts: recorded figures, and conditions of alerts. All pure.

/** Objective: share of a handler's events that succeed. */
const OBJECTIVE = 0.999;
/** Fewer failures raise no alert: one failure of three events is not an outage. */
const LEAST_FAILURES = 5;
const LEAST_EVENTS = 50;
/** Windows of the recorded shares. */
const WINDOWS = ["5m", "30m", "1h", "6h", "3d"];

const ENDED = 'outcome=~"success|success_after_retry|failed|dead_letter"';
const FAILED = 'outcome=~"failed|dead_letter"';

/** Labels of a share: a node's for its error budget, a durable's to find the place. */
const LEVELS = { node: "mesh, node", durable: "mesh, node, durable" };

/** @returns Groups of recording rules, as Prometheus reads them. */
export function recordingGroups() {
  return [
    {
      name: "adaos-failures",
      rules: Object.entries(LEVELS).flatMap(([level, labels]) =>
        WINDOWS.flatMap((window) => shareOfFailures(level, labels, window)),
      ),
    },
    {
      name: "adaos-latency",
      rules: [
        {
          record: "durable:adaos_handling_duration_seconds:p95_1h",
          expr:
            `histogram_quantile(0.95, sum by (${LEVELS.durable}, le) ` +
            "(rate(adaos_handling_duration_seconds_bucket[1h])))",
        },
        {
          record: "durable:adaos_handling_duration_seconds_count:increase1h",
          expr: `sum by (${LEVELS.durable}) (increase(adaos_handling_duration_seconds_count[1h]))`,
        },
      ],
    },
    { name: "adaos-databases", rules: databases() },
  ];
}

/** Under the names of the earlier backend, which users know. A probe of another service has another type. */
function databases() {
  const type = 'database_type=~"postgresql|redis|sqlite|libsql|turso"';
  const looks = (which) =>
    `sum by (mesh, environment) (rate(adaos_probe_looks_total{${[type, ...which].join(", ")}}[5m]))`;
  const failed = `(${looks(['outcome="failed"'])} or 0 * ${looks([])})`;
  return [
    {
      record: "database_connection_status",
      expr: `min by (mesh, environment, database_type) (adaos_probe_connected{${type}})`,
    },
    { record: "database_connection_failure_rate", expr: `${failed} / ${looks([])}` },
    {
      record: "database_health_latency_p95",
      expr:
        "1000 * histogram_quantile(0.95, sum by (mesh, environment, le) " +
        `(rate(adaos_probe_duration_seconds_bucket{${type}}[5m])))`,
    },
  ];
}

function shareOfFailures(level, labels, window) {
  const rate = (which) => `sum by (${labels}) (rate(adaos_events_settled_total{${which}}[${window}]))`;
  const failures = `sum by (${labels}) (increase(adaos_events_settled_total{${FAILED}}[${window}]))`;
  // A durable without failures has no series of failures: that is 0, not unknown.
  const failed = `(${rate(FAILED)} or 0 * ${rate(ENDED)})`;
  return [
    { record: `${level}:adaos_event_failures:ratio_rate${window}`, expr: `${failed} / ${rate(ENDED)}` },
    { record: `${level}:adaos_event_failures:increase${window}`, expr: failures },
  ];
}

/** Conditions of the catalogue's alerts. */
const CONDITIONS = {
  deadLetterCame: { expr: "adaos_dead_letters - min_over_time(adaos_dead_letters[10m]) > 0" },
  deadLettersGrow: { expr: "deriv(adaos_dead_letters[1h]) * 3600 > 10", for: "10m" },
  errorRate: {
    expr:
      "durable:adaos_event_failures:ratio_rate30m > 0.05\n" +
      `and durable:adaos_event_failures:increase30m >= ${LEAST_FAILURES}`,
    for: "5m",
  },
  burnFast: { expr: burn(14.4, "1h", "5m"), for: "2m" },
  burnMedium: { expr: burn(6, "6h", "30m"), for: "15m" },
  burnSlow: { expr: burn(1, "3d", "6h"), for: "1h" },
  latencyAnomaly: {
    expr:
      "durable:adaos_handling_duration_seconds:p95_1h\n" +
      "/ (durable:adaos_handling_duration_seconds:p95_1h offset 1w) > 2\n" +
      "and durable:adaos_handling_duration_seconds:p95_1h > 0.1\n" +
      `and durable:adaos_handling_duration_seconds_count:increase1h >= ${LEAST_EVENTS}`,
    for: "15m",
  },
  // Of several root daemons one serves a link; the others stand by.
  linkDown: { expr: "max by (mesh, subnet, direction) (adaos_link_ready) == 0", for: "1m" },
  linkLagging: { expr: "max by (mesh, subnet, direction) (adaos_link_lag_seconds) > 60", for: "2m" },
  // A stopped daemon is no longer in the target lists; its supervisor reports it, and servers too.
  nodeDown: {
    expr:
      'min by (mesh, daemon) (up{job="adaos"} or ' +
      'label_replace(adaos_process_up, "daemon", "$1", "process", "(.+)")) == 0',
    for: "1m",
  },
  nodeNotReady: { expr: "adaos_node_ready == 0", for: "2m" },
  restartsInVain: { expr: "adaos_process_failures > 3" },
  outboxGrows: {
    expr: "adaos_disk_outbox_events > 0 and deriv(adaos_disk_outbox_events[10m]) > 0",
    for: "5m",
  },
  streamNearlyFull: { expr: "adaos_stream_full_ratio > 0.85", for: "5m" },
  certificateEnds: {
    expr: `adaos_certificate_end_timestamp_seconds - time() < ${14 * 86_400}`,
    for: "5m",
  },
  probeUnhealthy: { expr: "max by (mesh, node, probe) (adaos_probe_unhealthy) > 0", for: "1m" },
  probeSloBurns: { expr: "max by (mesh, node, probe) (adaos_probe_slo_burn_ratio) > 1", for: "10m" },
  databaseConnectionFailed: { expr: "database_connection_failure_rate > 0.05", for: "5m" },
  databaseHighLatency: { expr: "database_health_latency_p95 > 200", for: "10m" },
  rootUnreachable: { expr: 'adaos_server_leaf_connections{daemon=~".+/hub"} == 0', for: "10m" },
  storeDamaged: { expr: "time() - adaos_store_damaged_timestamp_seconds < 86400" },
  configBroken: { expr: "adaos_config_errors > 0", for: "1m" },
  clockOff: { expr: "abs(adaos_clock_offset_seconds) > 2", for: "1m" },
  timerLate: { expr: "time() - adaos_timer_missed_timestamp_seconds < 900" },
};

/** The long window makes sure, the short one ends the alert soon after its cause. */
function burn(factor, long, short) {
  const ratio = (window) => `node:adaos_event_failures:ratio_rate${window}`;
  const budget = (1 - OBJECTIVE).toFixed(3);
  return [
    `${ratio(long)} / ${budget} > ${factor}`,
    `and ${ratio(short)} / ${budget} > ${factor}`,
    `and node:adaos_event_failures:increase${long} >= ${LEAST_FAILURES}`,
  ].join("\n");
}

/** @param alerts The catalogue, by id. @returns Its group of alerting rules. */
export function alertingGroups(alerts) {
  const rules = Object.entries(alerts).map(([id, { name, severity, summary, command }]) => {
    const condition = CONDITIONS[id];
    if (condition === undefined) throw new Error(`${name} has no condition in prometheus-rules.mjs`);
    return {
      alert: name,
      ...condition,
      labels: { severity },
      annotations: { summary: template(summary), command: template(command) },
    };
  });
  return [{ name: "adaos", rules }];
}

const PLACES = {
  value: "{{ $value | humanize }}",
  percent: "{{ $value | humanizePercentage }}",
  duration: "{{ $value | humanizeDuration }}",
  at: '{{ reReplaceAll "/.*" "" (or $labels.node $labels.daemon) }}',
};

/** The catalogue's texts as Prometheus templates. A subnet is the first half of a node or a daemon. */
function template(text) {
  return text.replaceAll(/\{([a-z]+)\}/g, (_, place) => PLACES[place] ?? `{{ $labels.${place} }}`);
}
