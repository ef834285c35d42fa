import type { AlertId } from "./alert-catalogue.ts";
import type { NodeMetricId } from "./catalogue.ts";

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

/** How hubs and root judge an alert of the catalogue by figures that they gather anyway. */
export interface AlertRule {
  readonly judgedBy: readonly ("hub" | "root")[];
  readonly metric: NodeMetricId;
  /** Only figures whose label is one of these texts; a `*` at the end stands for the rest. */
  readonly only?: { readonly label: string; readonly is: readonly string[] };
  /** Whether a figure counts without its sign. */
  readonly isAbsolute?: true;
  /** Labels that tell one alert of this rule from another; of several figures that share them the worst counts. */
  readonly by: readonly string[];
  readonly condition: AlertCondition;
  /** It must be so for this long before the alert is raised, */
  readonly forSeconds: number;
  /** and be over for this long before it is cleared. */
  readonly clearSeconds: number;
  /** While one of these is so, of the same places, this one is its consequence and is not raised. */
  readonly unless?: readonly AlertId[];
}

/** Alerts that hubs and root judge; the others of the catalogue need a history that only a collector has. */
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
  | "clockOff";

const DAY_SECONDS = 86_400;
/** As long as one dead letter counts as news; growth is looked for over the same time, so that both end together. */
const NEWS_SECONDS = 900;

/** By these, and by what a mesh file changes of them, hubs and root raise and clear alerts. */
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
    // Longer than what it is worse than: else that would be raised when this is cleared.
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
  // The root tells of a cut link sooner, if it still can: two sides cannot agree across a cut on who of them does.
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
    metric: "outboxEvents",
    by: ["daemon"],
    condition: { kind: "above", threshold: 100, clearAt: 10 },
    forSeconds: 60,
    clearSeconds: 30,
    unless: ["streamNearlyFull"],
  },
  streamNearlyFull: {
    judgedBy: ["hub", "root"],
    metric: "streamFull",
    // The others drop their oldest, and are full for most of their lives.
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
    // A file that an editor saves in two steps is no news.
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
};
