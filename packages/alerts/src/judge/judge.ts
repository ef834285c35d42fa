import type { AlertCondition } from "@adaos/core/wire";
import {
  type Alert,
  alertName,
  describeAlert,
  type JudgedAt,
  type JudgedRule,
  type Sample,
} from "./alert.ts";

/** An alert that was raised and not cleared: all that a judge needs to go on after a restart. */
export interface ActiveAlert {
  readonly alert: Alert;
  /** The figure by which it was raised or that was seen last. */
  readonly value: number;
}

/** A change of an alert's state. */
export interface AlertChange {
  readonly change: "raised" | "cleared";
  readonly alert: Alert;
  readonly value: number;
}

/** The facts known at a look. */
export interface Look {
  readonly samples: readonly Sample[];
  /** Metrics whose source did not answer: alerts that rest on them stay as they are. */
  readonly unknown: ReadonlySet<Sample["metric"]>;
  readonly nowMs: number;
}

interface Active extends ActiveAlert {
  value: number;
  /** Since when it is over; nothing while it is so. */
  goneMs: number | undefined;
}

interface Seen {
  readonly rule: JudgedRule;
  readonly name: string;
  readonly labels: Sample["labels"];
  readonly value: number;
  readonly cause: string | undefined;
  readonly holds: boolean;
}

/** Alerts of one rule that are kept apart; strangers must not fill a memory. */
const MAX_OF_RULE = 1000;

/**
 * Decides which alerts are raised and cleared, look by look. Has no clock and does no I/O: time is handed in, and what
 * it has raised before it was made, too.
 */
export class Judge {
  readonly #rules: readonly JudgedRule[];
  readonly #at: JudgedAt;
  readonly #active = new Map<string, Active>();
  /** Since when a condition holds whose alert is not raised. */
  readonly #pending = new Map<string, number>();
  /** Values of the last seconds, for rules that ask for growth. */
  readonly #past = new Map<string, { readonly ms: number; readonly value: number }[]>();

  constructor(rules: readonly JudgedRule[], at: JudgedAt, active: Iterable<ActiveAlert> = []) {
    this.#rules = rules;
    this.#at = at;
    for (const { alert, value } of active) this.#active.set(alert.alert, { alert, value, goneMs: undefined });
  }

  get active(): readonly ActiveAlert[] {
    return [...this.#active.values()];
  }

  /** The changes of alerts at this look, in the order of the rules. */
  look({ samples, unknown, nowMs }: Look): readonly AlertChange[] {
    const judged = this.#rules.filter(({ metric }) => !unknown.has(metric));
    const seen = judged.flatMap((rule) => this.#see(rule, samples, nowMs));
    const holding = seen.filter(({ holds }) => holds);
    const changes = seen.flatMap((one) => this.#judge(one, holding, nowMs));
    return [...changes, ...this.#dropUnruled()];
  }

  /** The state of each alert of one rule that is reported, raised or pending. */
  #see(rule: JudgedRule, samples: readonly Sample[], nowMs: number): Seen[] {
    const worst = new Map<string, Sample>();
    for (const sample of samples) {
      if (sample.metric !== rule.metric || !isMeant(rule, sample) || Number.isNaN(sample.value)) continue;
      const labels = Object.fromEntries(rule.by.map((label) => [label, sample.labels[label] ?? ""]));
      const value = rule.isAbsolute === true ? Math.abs(sample.value) : sample.value;
      const name = alertName(rule, labels);
      const known = worst.get(name);
      if (known !== undefined && !isWorse(rule.condition, value, known.value)) continue;
      if (known === undefined && worst.size >= MAX_OF_RULE) continue;
      worst.set(name, { ...sample, labels, value });
    }
    const told = [...worst].map(([name, { labels, value, cause }]): Seen => {
      return { rule, name, labels, value, cause, holds: this.#holds(rule, name, value, nowMs) };
    });
    return [...told, ...this.#absent(rule, worst, nowMs)];
  }

  /** Alerts that no sample reports any more: they are over. A recent time holds until it has passed. */
  #absent(rule: JudgedRule, told: ReadonlyMap<string, unknown>, nowMs: number): Seen[] {
    const gone: Seen[] = [];
    for (const name of new Set([...this.#active.keys(), ...this.#pending.keys()])) {
      if (told.has(name) || ruleOf(name) !== rule.id) continue;
      const active = this.#active.get(name);
      const value = active?.value ?? Number.NaN;
      const holds = rule.condition.kind === "recent" && this.#holds(rule, name, value, nowMs);
      gone.push({ rule, name, labels: active?.alert.labels ?? {}, value, cause: undefined, holds });
    }
    return gone;
  }

  #holds({ condition }: JudgedRule, name: string, value: number, nowMs: number): boolean {
    const { kind, threshold } = condition;
    switch (kind) {
      case "above":
        return value > (this.#active.has(name) ? condition.clearAt : threshold);
      case "below":
        return value < threshold;
      case "recent":
        return nowMs / 1000 - value < threshold;
      case "endsWithin":
        return value - nowMs / 1000 < threshold;
      case "grown":
        return value - this.#least(name, value, nowMs - condition.overSeconds * 1000, nowMs) >= threshold;
    }
  }

  /** The least value since a time; it remembers this one. */
  #least(name: string, value: number, sinceMs: number, nowMs: number): number {
    const past = (this.#past.get(name) ?? []).filter(({ ms }) => ms >= sinceMs);
    past.push({ ms: nowMs, value });
    this.#past.set(name, past);
    return Math.min(...past.map((one) => one.value));
  }

  #judge(seen: Seen, holding: readonly Seen[], nowMs: number): AlertChange[] {
    const active = this.#active.get(seen.name);
    if (active !== undefined) return this.#follow(active, seen, nowMs);
    const isConsequence = holding.some(
      (other) =>
        seen.rule.unless?.includes(other.rule.id) === true && sharesPlaces(seen.labels, other.labels),
    );
    if (!seen.holds || isConsequence) {
      this.#pending.delete(seen.name);
      return [];
    }
    const sinceMs = this.#pending.get(seen.name) ?? nowMs;
    this.#pending.set(seen.name, sinceMs);
    if (nowMs - sinceMs < seen.rule.forSeconds * 1000) return [];
    this.#pending.delete(seen.name);
    const alert = describeAlert(seen.rule, seen, this.#at, { sinceMs, nowMs });
    this.#active.set(seen.name, { alert, value: seen.value, goneMs: undefined });
    return [{ change: "raised", alert, value: seen.value }];
  }

  #follow(active: Active, { rule, name, value, holds }: Seen, nowMs: number): AlertChange[] {
    if (!Number.isNaN(value)) active.value = value;
    if (holds) {
      active.goneMs = undefined;
      return [];
    }
    active.goneMs ??= nowMs;
    if (nowMs - active.goneMs < rule.clearSeconds * 1000) return [];
    return [this.#clear(name, active)];
  }

  /** A rule that is judged no more clears what it has raised. */
  #dropUnruled(): AlertChange[] {
    const known = new Set<string>(this.#rules.map(({ id }) => id));
    return [...this.#active]
      .filter(([name]) => !known.has(ruleOf(name)))
      .map(([name, active]) => this.#clear(name, active));
  }

  #clear(name: string, { alert, value }: Active): AlertChange {
    this.#active.delete(name);
    this.#past.delete(name);
    return { change: "cleared", alert, value };
  }
}

function ruleOf(name: string): string {
  return name.split("/", 1)[0] ?? "";
}

function isMeant({ only }: JudgedRule, { labels }: Sample): boolean {
  if (only === undefined) return true;
  const text = labels[only.label] ?? "";
  return only.is.some((one) => (one.endsWith("*") ? text.startsWith(one.slice(0, -1)) : text === one));
}

function isWorse({ kind }: AlertCondition, value: number, than: number): boolean {
  return kind === "below" || kind === "endsWithin" ? value < than : value > than;
}

/** Whether two sets of labels agree in all labels that both have. */
function sharesPlaces(a: Sample["labels"], b: Sample["labels"]): boolean {
  return Object.entries(a).every(([label, value]) => b[label] === undefined || b[label] === value);
}
