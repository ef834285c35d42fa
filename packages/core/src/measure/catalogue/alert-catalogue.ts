export type AlertId =
  | "deadLetterCame"
  | "deadLettersGrow"
  | "errorRate"
  | "burnFast"
  | "burnMedium"
  | "burnSlow"
  | "latencyAnomaly"
  | "linkDown"
  | "linkLagging"
  | "nodeDown"
  | "nodeNotReady"
  | "restartsInVain"
  | "outboxGrows"
  | "streamNearlyFull"
  | "certificateEnds"
  | "rootUnreachable"
  | "storeDamaged"
  | "configBroken"
  | "clockOff"
  | "timerLate"
  | "probeUnhealthy"
  | "probeSloBurns"
  | "databaseConnectionFailed"
  | "databaseHighLatency";

export interface AlertDescription {
  /** Its name in lists of alerts, ours and Prometheus'. */
  readonly name: string;
  /** `critical`: look now; `warning`: look today. */
  readonly severity: "critical" | "warning";
  /** The problem in one sentence; `{link}` stands for the alert's label of that name. */
  readonly summary: string;
  /** The command that shows the cause, with the same placeholders. */
  readonly command: string;
}

/**
 * The alerts of a mesh: names, texts, and the command that shows the cause. The Prometheus rules are generated from
 * them, and hubs and root judge some of them themselves (`alert-rules.ts`). `{value}` stands for the figure that is
 * too high, `{percent}` and `{duration}` for the same as a share and in seconds. `{daemon}` stands for the
 * reporting daemon (`alpha/hub`, `root`), `{at}` for its subnet.
 */
export const ALERTS: Readonly<Record<AlertId, AlertDescription>> = {
  deadLetterCame: {
    name: "AdaosDeadLetterCame",
    severity: "warning",
    summary: "A dead letter came to {daemon}: an event that a handler gave up.",
    command: "adaos events dlq list --at {at}",
  },
  deadLettersGrow: {
    name: "AdaosDeadLettersGrow",
    severity: "critical",
    summary: "Dead letters of {daemon} grow: several an hour are no accident.",
    command: "adaos events status",
  },
  errorRate: {
    name: "AdaosErrorRate",
    severity: "warning",
    summary: "Of the events that {durable} of {node} handles, {percent} fail for good.",
    command: "adaos events failed --at {at}",
  },
  burnFast: {
    name: "AdaosErrorBudgetBurnsFast",
    severity: "critical",
    summary:
      "Handling by {node} uses up its error budget of 30 days within two days: {value} times as fast as it may.",
    command: "adaos events failed --at {at}",
  },
  burnMedium: {
    name: "AdaosErrorBudgetBurns",
    severity: "critical",
    summary:
      "Handling by {node} uses up its error budget of 30 days within five days: {value} times as fast as it may.",
    command: "adaos events failed --at {at}",
  },
  burnSlow: {
    name: "AdaosErrorBudgetBurnsSlowly",
    severity: "warning",
    summary: "Handling by {node} will have used up its error budget of 30 days before they are over.",
    command: "adaos events metrics --node {node} --since 3d",
  },
  latencyAnomaly: {
    name: "AdaosLatencyAnomaly",
    severity: "warning",
    summary: "Handling by {durable} of {node} takes {value} times as long as a week ago (P95 of an hour).",
    command: "adaos events metrics --node {node} --since 8d",
  },
  linkDown: {
    name: "AdaosLinkDown",
    severity: "critical",
    summary: "A link of {subnet} carries nothing: its source or its target does not answer.",
    command: "adaos status",
  },
  linkLagging: {
    name: "AdaosLinkLagging",
    severity: "warning",
    summary: "The link {direction} {subnet} is {duration} behind.",
    command: "adaos status",
  },
  nodeDown: {
    name: "AdaosNodeDown",
    severity: "critical",
    summary: "{daemon} does not run, or does not answer.",
    command: "adaos status",
  },
  nodeNotReady: {
    name: "AdaosNodeNotReady",
    severity: "warning",
    summary: "{daemon} runs, and a part of it does not do its work.",
    command: "adaos status",
  },
  restartsInVain: {
    name: "AdaosRestartsInVain",
    severity: "critical",
    summary: "Starting {process} again does not help: it ends each time.",
    command: "adaos status",
  },
  outboxGrows: {
    name: "AdaosOutboxGrows",
    severity: "warning",
    summary: "The outbox of {daemon} grows: {value} events wait for the hub.",
    command: "adaos status",
  },
  streamNearlyFull: {
    name: "AdaosStreamNearlyFull",
    severity: "warning",
    summary: "Stream {stream} has taken {percent} of its room; a full stream refuses.",
    command: "adaos events topics",
  },
  certificateEnds: {
    name: "AdaosCertificateEnds",
    severity: "warning",
    summary: "Certificate {certificate} of {daemon} ends in {duration}.",
    command: "adaos status",
  },
  rootUnreachable: {
    name: "AdaosRootUnreachable",
    severity: "critical",
    summary: "The server of {at} has no connection to the root's: nothing leaves the subnet or enters it.",
    command: "adaos status",
  },
  storeDamaged: {
    name: "AdaosStoreDamaged",
    severity: "critical",
    summary: "Stream {stream} of {daemon} is not what it was: something of it is lost.",
    command: "adaos store verify",
  },
  configBroken: {
    name: "AdaosConfigBroken",
    severity: "warning",
    summary: "A file of {daemon} is broken; its last good version is in force.",
    command: "adaos status",
  },
  clockOff: {
    name: "AdaosClockOff",
    severity: "warning",
    summary: "The clock of {subnet} differs from the root's by {duration}.",
    command: "adaos status",
  },
  timerLate: {
    name: "AdaosTimerLate",
    severity: "warning",
    summary: "A timer of {daemon} fires more than a minute late, or has not fired.",
    command: "adaos timer list --at {at}",
  },
  probeUnhealthy: {
    name: "AdaosProbeUnhealthy",
    severity: "critical",
    summary: "What {node} probes as {probe} is unhealthy: it does not answer, or too late.",
    command: "adaos health",
  },
  probeSloBurns: {
    name: "AdaosProbeSloBurns",
    severity: "warning",
    summary:
      "Probe {probe} of {node} misses its objective: {value} times as many looks as may be are answered late or not at all.",
    command: "adaos slo --node {node}",
  },
  databaseConnectionFailed: {
    name: "DatabaseConnectionFailed",
    severity: "critical",
    summary: "Connections to databases of {environment} fail: {percent} of the looks of probes.",
    command: "adaos health",
  },
  databaseHighLatency: {
    name: "DatabaseHighLatency",
    severity: "warning",
    summary: "Databases of {environment} answer slowly: P95 is {value} ms, and should be below 200 ms.",
    command: "adaos health",
  },
};
