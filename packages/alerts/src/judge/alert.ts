import { ALERTS, type AlertDescription, type AlertRule, type JudgedAlertId } from "@adaos/core/wire";

export type Severity = AlertDescription["severity"];

/** A problem, as people read it. */
export interface Alert {
  /** `linkDown/alpha`: its rule, and the places that tell it from others of that rule. */
  readonly alert: string;
  /** As a collector calls it: `AdaosLinkDown`. */
  readonly rule: string;
  readonly severity: Severity;
  /** The daemon that judges: `alpha/hub`, `root`. */
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly cause: string;
  /** RFC 3339. */
  readonly since: string;
  /** The one command to look. */
  readonly look: string;
}

/** One figure, with its labels by name. */
export interface Sample {
  readonly metric: AlertRule["metric"];
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly cause?: string | undefined;
}

/** A rule as the mesh file has it. */
export interface JudgedRule extends AlertRule {
  readonly id: JudgedAlertId;
  readonly severity: Severity;
}

/** The daemon that judges, and its place. */
export interface JudgedAt {
  /** `alpha/hub`, `root`. */
  readonly daemon: string;
  /** The subnet, or `root`. */
  readonly at: string;
}

/** `linkDown/alpha`. Pure. */
export function alertName({ id, by }: Pick<JudgedRule, "id" | "by">, labels: Sample["labels"]): string {
  return [id, ...by.map((label) => labels[label] ?? "")].join("/");
}

/** The alert as people read it. Pure. */
export function describeAlert(
  rule: JudgedRule,
  { labels, value, cause }: Pick<Sample, "labels" | "value" | "cause">,
  { daemon, at }: JudgedAt,
  since: { readonly sinceMs: number; readonly nowMs: number },
): Alert {
  const { name, summary, command } = ALERTS[rule.id];
  const seconds = secondsOf(rule, value, since.nowMs);
  const texts: Readonly<Record<string, string>> = {
    daemon,
    at,
    ...labels,
    value: String(Math.round(value * 100) / 100),
    percent: `${Math.round(value * 100)} %`,
    duration: durationText(seconds),
  };
  const filled = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (whole, key) => texts[key] ?? whole);
  return {
    alert: alertName(rule, labels),
    rule: name,
    severity: rule.severity,
    node: daemon,
    labels,
    summary: filled(summary),
    cause: cause ?? causeOf(rule, value, seconds),
    since: new Date(since.sinceMs).toISOString(),
    look: filled(command),
  };
}

/** The value of a condition on a time is its distance from now. */
function secondsOf({ condition }: JudgedRule, value: number, nowMs: number): number {
  if (condition.kind === "recent") return nowMs / 1000 - value;
  if (condition.kind === "endsWithin") return value - nowMs / 1000;
  return value;
}

function causeOf({ metric, condition }: JudgedRule, value: number, seconds: number): string {
  const { kind, threshold } = condition;
  const limit = kind === "recent" || kind === "endsWithin" ? durationText(threshold) : String(threshold);
  switch (kind) {
    case "recent":
      return `the last was ${durationText(seconds)} ago, and counts for ${limit}`;
    case "endsWithin":
      return `it ends in ${durationText(seconds)}, which is less than ${limit}`;
    case "grown":
      return `${metric} is ${value}, and has grown by ${limit} or more within ${durationText(condition.overSeconds)}`;
    case "above":
      return `${metric} is ${Math.round(value * 100) / 100}, and ${limit} is too much`;
    case "below":
      return `${metric} is ${value}, and should be ${limit}`;
  }
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

/** `3 d`, `12 min`, `4 s`. Pure. */
function durationText(seconds: number): string {
  const positive = Math.max(0, seconds);
  for (const [unit, size] of UNITS) if (positive >= 2 * size) return `${Math.floor(positive / size)} ${unit}`;
  return `${Math.round(positive)} s`;
}
