// The contents of the dashboards. All pure.
import { dashboard, graph, stat } from "./dashboard.mjs";

const M = 'mesh=~"$mesh"';
/** Selects a hub, which reports its subnet. */
const S = `${M}, daemon=~"($subnet)/hub"`;
const RATE = "[$__rate_interval]";
const SECONDS = "adaos_handling_duration_seconds_bucket";

/** Dashboards by file name. */
export function dashboards() {
  return { mesh: mesh(), subnet: subnet(), delivery: delivery(), links: links(), health: health() };
}

function mesh() {
  return dashboard({
    uid: "adaos-mesh",
    title: "AdaOS / Mesh",
    description: "The whole mesh at a glance.",
    rows: [
      {
        heading: "Now",
        panels: [
          stat(
            "Nodes that are not ready",
            "none",
            [[`count(adaos_node_ready{${M}} == 0) or vector(0)`, ""]],
            {
              above: 1,
            },
          ),
          stat("Alerts", "none", [[`count(ALERTS{${M}, alertstate="firing"}) or vector(0)`, ""]], {
            above: 1,
          }),
          stat("Dead letters", "none", [[`sum(adaos_dead_letters{${M}})`, ""]], { above: 1 }),
        ],
      },
      {
        heading: "Traffic",
        panels: [
          graph("Published", "eps", [
            [`sum by (node) (rate(adaos_events_published_total{${M}}${RATE}))`, "{{node}}"],
          ]),
          graph("Handled, by outcome", "eps", [
            [`sum by (outcome) (rate(adaos_events_settled_total{${M}}${RATE}))`, "{{outcome}}"],
          ]),
          graph("Carried by links", "eps", [
            [
              `sum by (direction, subnet) (rate(adaos_link_carried_total{${M}}${RATE}))`,
              "{{direction}} {{subnet}}",
            ],
          ]),
        ],
      },
      {
        heading: "Servers",
        panels: [
          graph("Processor", "percentunit", [[`adaos_server_cpu_ratio{${M}}`, "{{daemon}}"]]),
          graph("Memory", "bytes", [[`adaos_server_resident_memory_bytes{${M}}`, "{{daemon}}"]]),
          graph("Stored", "bytes", [[`adaos_server_store_bytes{${M}}`, "{{daemon}}"]]),
          graph("Messages in", "pps", [
            [`rate(adaos_server_received_messages_total{${M}}${RATE})`, "{{daemon}}"],
          ]),
          graph("Connections", "none", [[`adaos_server_connections{${M}}`, "{{daemon}}"]]),
          graph("Slow consumers, refused requests", "none", [
            [`increase(adaos_server_slow_consumers_total{${M}}${RATE})`, "slow, {{daemon}}"],
            [`increase(adaos_server_jetstream_errors_total{${M}}${RATE})`, "refused, {{daemon}}"],
          ]),
        ],
      },
    ],
  });
}

function subnet() {
  return dashboard({
    uid: "adaos-subnet",
    title: "AdaOS / Subnet",
    description: "Streams and durables of a hub.",
    rows: [
      {
        heading: "Now",
        panels: [
          stat("Dead letters", "none", [[`sum(adaos_dead_letters{${S}})`, ""]], { above: 1 }),
          stat("Parked", "none", [[`sum(adaos_parked_messages{${S}})`, ""]], { above: 1 }),
          stat("Fullest stream", "percentunit", [[`max(adaos_stream_full_ratio{${S}})`, ""]], {
            above: 0.85,
          }),
        ],
      },
      {
        heading: "Streams",
        panels: [
          graph("Messages", "none", [[`adaos_stream_messages{${S}}`, "{{stream}}"]]),
          graph("Share of room", "percentunit", [[`adaos_stream_full_ratio{${S}}`, "{{stream}}"]]),
          graph("Age of the oldest", "s", [[`adaos_stream_oldest_age_seconds{${S}}`, "{{stream}}"]]),
        ],
      },
      {
        heading: "Durables",
        panels: [
          graph("Not given yet", "none", [[`adaos_durable_pending_events{${S}}`, "{{node}} {{durable}}"]]),
          graph("Given, not settled", "none", [
            [`adaos_durable_unsettled_events{${S}}`, "{{node}} {{durable}}"],
            [`adaos_durable_redelivered_events{${S}}`, "again: {{node}} {{durable}}"],
          ]),
          graph("Paused", "bool", [[`adaos_durable_paused{${S}}`, "{{node}} {{durable}}"]]),
          graph("Marks", "none", [[`adaos_marks{${S}}`, "{{node}}"]]),
          graph("Waiting for a schema", "none", [[`adaos_parked_messages{${S}}`, "{{daemon}}"]]),
        ],
      },
    ],
  });
}

function delivery() {
  const quantile = (q, by) => `histogram_quantile(${q}, sum by (${by}, le) (rate(${SECONDS}{${M}}${RATE})))`;
  const quantileOf = (q, metric) =>
    `histogram_quantile(${q}, sum by (node, le) (rate(${metric}{${M}}${RATE})))`;
  return dashboard({
    uid: "adaos-delivery",
    title: "AdaOS / Delivery",
    description: "How events are handled, how long it takes and what fails.",
    rows: [
      {
        heading: "Outcomes",
        panels: [
          graph("Handled", "eps", [
            [
              `sum by (node, durable, outcome) (rate(adaos_events_settled_total{${M}}${RATE}))`,
              "{{node}} {{durable}} {{outcome}}",
            ],
          ]),
          graph("Share that fails for good", "percentunit", [
            [`durable:adaos_event_failures:ratio_rate5m{${M}}`, "{{node}} {{durable}}"],
          ]),
          graph("Failed attempts, by error", "none", [
            [
              `sum by (category, type) (increase(adaos_attempts_failed_total{${M}}${RATE}))`,
              "{{category}} {{type}}",
            ],
          ]),
        ],
      },
      {
        heading: "Time",
        panels: [
          graph("Run of a handler", "s", [
            [quantile(0.5, "node, durable"), "P50 {{node}} {{durable}}"],
            [quantile(0.95, "node, durable"), "P95 {{node}} {{durable}}"],
            [quantile(0.99, "node, durable"), "P99 {{node}} {{durable}}"],
          ]),
          graph("From publish to handled (P95)", "s", [
            [quantileOf(0.95, "adaos_event_age_seconds_bucket"), "{{node}}"],
          ]),
          graph("Publish (P95)", "s", [
            [quantileOf(0.95, "adaos_publish_duration_seconds_bucket"), "{{node}}"],
          ]),
        ],
      },
      {
        heading: "Retries and refusals",
        panels: [
          graph("Retries", "none", [
            [
              `sum by (node, durable) (increase(adaos_event_retries_sum{${M}}${RATE}))`,
              "{{node}} {{durable}}",
            ],
          ]),
          graph("Refused when published, by code", "none", [
            [`sum by (code) (increase(adaos_publish_failures_total{${M}}${RATE}))`, "{{code}}"],
          ]),
          graph("Dead letters", "none", [[`adaos_dead_letters{${M}}`, "{{daemon}}"]]),
        ],
      },
    ],
  });
}

function links() {
  const by = "direction, subnet";
  const name = "{{direction}} {{subnet}}";
  return dashboard({
    uid: "adaos-links",
    title: "AdaOS / Links",
    description: "What moves between subnets, and what does not.",
    rows: [
      {
        heading: "Standing",
        panels: [
          stat(
            "Links that are down",
            "none",
            [[`count(max by (${by}) (adaos_link_ready{${M}}) == 0) or vector(0)`, ""]],
            { above: 1 },
          ),
          stat("Furthest behind", "s", [[`max(adaos_link_lag_seconds{${M}})`, ""]], { above: 60 }),
          graph("Ready", "bool", [[`max by (${by}) (adaos_link_ready{${M}})`, name]]),
        ],
      },
      {
        heading: "Behind",
        panels: [
          graph("Events not carried", "none", [[`max by (${by}) (adaos_link_lag_events{${M}})`, name]]),
          graph("Age of the oldest not carried", "s", [
            [`max by (${by}) (adaos_link_lag_seconds{${M}})`, name],
          ]),
          graph("In hand", "none", [[`sum by (${by}) (adaos_link_in_hand_events{${M}})`, name]]),
        ],
      },
      {
        heading: "Carried and refused",
        panels: [
          graph("Carried", "eps", [[`sum by (${by}) (rate(adaos_link_carried_total{${M}}${RATE}))`, name]]),
          graph("Refused, by reason", "none", [
            [
              `sum by (${by}, reason) (increase(adaos_link_refused_total{${M}}${RATE}))`,
              `${name} {{reason}}`,
            ],
          ]),
          graph("Held or standing by", "bool", [
            [`max by (${by}) (adaos_link_held{${M}})`, `held ${name}`],
            [`min by (${by}) (adaos_link_stands_by{${M}})`, `stands by ${name}`],
          ]),
        ],
      },
    ],
  });
}

/** A row of what members probe. */
function databases() {
  return {
    heading: "Databases and services that members probe",
    panels: [
      graph("Databases connected", "bool", [
        [`database_connection_status{${M}}`, "{{environment}} {{database_type}}"],
      ]),
      graph("Looks that found no connection", "percentunit", [
        [`database_connection_failure_rate{${M}}`, "{{environment}}"],
      ]),
      graph(
        "P95 of databases' answers",
        "ms",
        [[`database_health_latency_p95{${M}}`, "{{environment}}"]],
        "The objective is 200 ms.",
      ),
      graph("Unhealthy probes", "bool", [[`adaos_probe_unhealthy{${M}}`, "{{node}} {{probe}}"]]),
      graph(
        "Burn rate of probes' budgets",
        "none",
        [[`adaos_probe_slo_burn_ratio{${M}}`, "{{node}} {{probe}}"]],
        "Above 1 the objective is missed.",
      ),
      graph("Last look", "s", [[`adaos_probe_latency_seconds{${M}}`, "{{daemon}} {{probe}}"]]),
    ],
  };
}

function health() {
  const burn = (window) => [
    `node:adaos_event_failures:ratio_rate${window}{${M}} / 0.001`,
    `${window} {{node}}`,
  ];
  return dashboard({
    uid: "adaos-health",
    title: "AdaOS / Health and SLO",
    description: "Objective: 99.9 % of the events that handlers are given end well, over 30 days.",
    rows: [
      {
        heading: "Error budget",
        panels: [
          stat(
            "Left of three days' budget",
            "percentunit",
            [[`1 - node:adaos_event_failures:ratio_rate3d{${M}} / 0.001`, "{{node}}"]],
            { below: 0 },
          ),
          graph("Burn rate", "none", ["1h", "6h", "3d"].map(burn), "Above 14.4, 6 and 1 an alert is raised."),
          graph("P95 of an hour", "s", [
            [`durable:adaos_handling_duration_seconds:p95_1h{${M}}`, "{{node}} {{durable}}"],
          ]),
        ],
      },
      databases(),
      {
        heading: "Nodes",
        panels: [
          graph("Ready", "bool", [[`adaos_node_ready{${M}}`, "{{daemon}}"]]),
          graph("Parts that are ready", "none", [[`sum by (daemon) (adaos_part_ready{${M}})`, "{{daemon}}"]]),
          graph("Started again", "none", [
            [`increase(adaos_process_restarts_total{${M}}${RATE})`, "{{process}}"],
          ]),
          graph("Running", "bool", [[`adaos_process_up{${M}}`, "{{process}}"]]),
          graph("Memory of daemons", "bytes", [[`process_resident_memory_bytes{${M}}`, "{{daemon}}"]]),
          graph("Processor of daemons", "percentunit", [
            [`rate(process_cpu_seconds_total{${M}}${RATE})`, "{{daemon}}"],
          ]),
        ],
      },
      {
        heading: "Outboxes, sources and restarts",
        panels: [
          graph("Outboxes of members", "none", [[`adaos_disk_outbox_events{${M}}`, "{{daemon}}"]]),
          graph("Marks on members' disks", "bytes", [[`adaos_disk_marks_bytes{${M}}`, "{{daemon}}"]]),
          graph("Refused after the outbox", "none", [
            [`increase(adaos_outbox_refused_total{${M}}${RATE})`, "{{daemon}}"],
          ]),
          graph("Duration of a scrape's sources", "s", [
            [`max by (daemon, source) (adaos_scrape_source_duration_seconds{${M}})`, "{{daemon}} {{source}}"],
          ]),
          stat("Processes that restarts do not help", "none", [[`sum(adaos_restart_alerts{${M}})`, ""]], {
            above: 1,
          }),
          stat(
            "Days until a certificate ends",
            "d",
            [
              [
                `(min by (certificate) (adaos_certificate_end_timestamp_seconds{${M}}) - time()) / 86400`,
                "{{certificate}}",
              ],
            ],
            { below: 14 },
          ),
          graph("Delay of the event loop (P99)", "s", [
            [`nodejs_eventloop_lag_p99_seconds{${M}}`, "{{daemon}}"],
          ]),
        ],
      },
    ],
  });
}
