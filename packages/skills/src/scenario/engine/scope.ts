import { createHash } from "node:crypto";
import type { Envelope } from "@adaos/core";
import type { Expression, Scope } from "../cel/expression.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import { toJson } from "../cel/template.ts";
import type { ConditionRecord, RunTrigger } from "./state.ts";

/** Stands for the event of a timer. */
const NO_EVENT = {
  event_id: "",
  event_name: "",
  version: 0,
  kind: "event",
  ts: "",
  source: "",
  correlation_id: "",
  tenant: "",
  headers: {},
  data: {},
};

const MAX_KEY_LENGTH = 100;

/** The variables that every expression of a scenario has. */
export function scopeOf(
  scenario: string,
  trigger: RunTrigger,
  nowMs: number,
  key = "",
): Record<string, unknown> {
  return {
    event: trigger.event ?? NO_EVENT,
    trigger: { kind: trigger.kind, id: trigger.id ?? "", at: new Date(trigger.nominalMs) },
    now: new Date(nowMs),
    scenario: { name: scenario },
    key,
  };
}

/** Evaluates a condition for a record: an error is a value too. */
export function recordOf(expression: Expression, scope: Scope): ConditionRecord {
  const values = expression.values(scope);
  try {
    return { text: expression.text, value: expression.test(scope), values };
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return { text: expression.text, values, error: thrown.message };
  }
}

/** A key as text; a long one is cut, and stays another than others. Throws {@link ExpressionError}. */
export function keyOf(expression: Expression | undefined, scope: Scope): string {
  if (expression === undefined) return "";
  const value = toJson(expression.evaluate(scope));
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= MAX_KEY_LENGTH) return text;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${text.slice(0, MAX_KEY_LENGTH - digest.length - 1)}-${digest}`;
}

/** Milliseconds since the epoch of an envelope's time; `nowMs` where its time cannot be. */
export function timeOf({ ts }: Envelope, nowMs: number): number {
  const ms = Date.parse(ts);
  return Number.isNaN(ms) ? nowMs : ms;
}
