import type { AlertId } from "./alert-catalogue.ts";
import type { NodeMetricId } from "./node-metrics.ts";

/**
 * When a figure is an alert:
 * - `above`: it is above the threshold, and from then on until it is at most `clearAt`
 * - `below`: it is below the threshold
 * - `grown`: it is so much larger than it was at some time within the last seconds
 * - `recent`: it is a time, and that was within the last seconds
 * - `endsWithin`: it is a time, and that comes within the next seconds
 */
export type AlertCondition =
  | { readonly kind: "above"; readonly threshold: number; readonly clearAt: number }
  | { readonly kind: "below"; readonly threshold: number }
  | { readonly kind: "grown"; readonly threshold: number; readonly overSeconds: number }
  | { readonly kind: "recent"; readonly threshold: number }
  | { readonly kind: "endsWithin"; readonly threshold: number };

/** How hubs and root judge an alert of the catalogue. They use figures that they gather anyway. */
export interface AlertRule {
  readonly judgedBy: readonly ("hub" | "root")[];
  readonly metric: NodeMetricId;
  /** Only figures whose label is in this list; a `*` at the end stands for the rest. */
  readonly only?: { readonly label: string; readonly is: readonly string[] };
  /** Whether the absolute value of the figure counts. */
  readonly isAbsolute?: true;
  /** Labels that tell alerts of this rule apart. Of several figures that share them the worst counts. */
  readonly by: readonly string[];
  readonly condition: AlertCondition;
  /** Time that the condition must hold before the alert is raised. */
  readonly forSeconds: number;
  /** Time that the condition must be over before the alert is cleared. */
  readonly clearSeconds: number;
  /** Alerts that cause this one: while one of them is raised at the same place, this one is not. */
  readonly unless?: readonly AlertId[];
}

/** Alerts that hubs and root judge; the others of the catalogue need the history of a collector. */
export type JudgedAlertId =
  | "deadLetterCame"
  | "deadLettersGrow"
  | "linkDown"
  | "rootUnreachable"
  | "linkLagging"
  | "restartsInVain"
  | "outboxGrows"
  | "streamNearlyFull"
  | "certificateEnds"
  | "storeDamaged"
  | "configBroken"
  | "clockOff"
  | "timerLate"
  | "probeUnhealthy"
  | "probeSloBurns";

const DAY_SECONDS = 86_400;
/**
 * A single dead letter or a late timer counts as news for so long. Growth of dead letters is measured over the same
 * time, so both of their alerts end together.
 */
const NEWS_SECONDS = 900;

/** Hubs and root raise and clear alerts by these rules, as the mesh file changes them. */
export const ALERT_RULES: Readonly<Record<JudgedAlertId, AlertRule>> = {
  deadLetterCame: {
    judgedBy: ["hub"],
    metric: "deadLetterLast",
    by: [],
    condition: { kind: "recent", threshold: NEWS_SECONDS },
    forSeconds: 0,
    clearSeconds: 0,
    unless: ["deadLettersGrow"],
  },
  deadLettersGrow: {
    judgedBy: ["hub"],
    metric: "deadLetters",
    by: [],
    condition: { kind: "grown", threshold: 20, overSeconds: NEWS_SECONDS },
    forSeconds: 0,
    // Longer than that of the alert it follows: else it would be raised when that is cleared.
    clearSeconds: 60,
  },
  linkDown: {
    judgedBy: ["root"],
    metric: "linkReady",
    by: ["subnet"],
    condition: { kind: "below", threshold: 1 },
    forSeconds: 30,
    clearSeconds: 30,
  },
  // The root reports a cut link sooner, if it still can: two sides cannot agree across a cut on which of them does.
  rootUnreachable: {
    judgedBy: ["hub"],
    metric: "serverLeaves",
    by: [],
    condition: { kind: "below", threshold: 1 },
    forSeconds: 600,
    clearSeconds: 30,
  },
  linkLagging: {
    judgedBy: ["hub", "root"],
    metric: "linkLagSeconds",
    by: ["subnet", "direction"],
    condition: { kind: "above", threshold: 60, clearAt: 10 },
    forSeconds: 30,
    clearSeconds: 30,
    unless: ["linkDown", "rootUnreachable"],
  },
  restartsInVain: {
    judgedBy: ["hub", "root"],
    metric: "processFailures",
    by: ["process"],
    // R107.
    condition: { kind: "above", threshold: 3, clearAt: 3 },
    forSeconds: 0,
    clearSeconds: 60,
  },
  outboxGrows: {
    judgedBy: ["hub"],
    metric: "diskOutboxEvents",
    by: ["daemon"],
    condition: { kind: "above", threshold: 100, clearAt: 10 },
    forSeconds: 60,
    clearSeconds: 30,
    unless: ["streamNearlyFull"],
  },
  streamNearlyFull: {
    judgedBy: ["hub", "root"],
    metric: "streamFull",
    // The other streams drop their oldest messages, and are full most of the time.
    only: { label: "stream", is: ["EVENTS_*", "DLQ_*", "PARKED_*", "MESH"] },
    by: ["stream"],
    condition: { kind: "above", threshold: 0.9, clearAt: 0.85 },
    forSeconds: 0,
    clearSeconds: 60,
  },
  certificateEnds: {
    judgedBy: ["hub", "root"],
    metric: "certificateEnd",
    by: ["certificate"],
    condition: { kind: "endsWithin", threshold: 14 * DAY_SECONDS },
    forSeconds: 0,
    clearSeconds: 0,
  },
  storeDamaged: {
    judgedBy: ["hub", "root"],
    metric: "storeDamaged",
    by: ["stream"],
    condition: { kind: "recent", threshold: DAY_SECONDS },
    forSeconds: 0,
    clearSeconds: 0,
  },
  configBroken: {
    judgedBy: ["hub", "root"],
    metric: "configErrors",
    by: ["daemon"],
    condition: { kind: "above", threshold: 0, clearAt: 0 },
    // An editor may save a file in two steps; the state between them is no alert.
    forSeconds: 10,
    clearSeconds: 0,
  },
  clockOff: {
    judgedBy: ["root"],
    metric: "clockOffset",
    isAbsolute: true,
    by: ["subnet"],
    condition: { kind: "above", threshold: 2, clearAt: 1 },
    forSeconds: 60,
    clearSeconds: 60,
  },
  timerLate: {
    judgedBy: ["hub"],
    metric: "timerMissed",
    by: [],
    condition: { kind: "recent", threshold: NEWS_SECONDS },
    forSeconds: 0,
    clearSeconds: 0,
    // Its stream refuses the timers' events.
    unless: ["streamNearlyFull"],
  },
  probeUnhealthy: {
    judgedBy: ["hub"],
    metric: "probeUnhealthy",
    by: ["node", "probe"],
    condition: { kind: "above", threshold: 0, clearAt: 0 },
    // One late answer is no outage: the default looks twice meanwhile.
    forSeconds: 60,
    clearSeconds: 30,
  },
  probeSloBurns: {
    judgedBy: ["hub"],
    metric: "probeSloBurn",
    by: ["node", "probe"],
    // A P95 above the target, by R78 and for as long as R86 says.
    condition: { kind: "above", threshold: 1, clearAt: 1 },
    // Longer than the shorter of its two windows: an outage that is over burns for that long, and was reported.
    forSeconds: 600,
    clearSeconds: 60,
    unless: ["probeUnhealthy"],
  },
};
