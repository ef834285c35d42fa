import type { AlertSettings } from "@adaos/config";
import { ALERT_RULES, ALERTS, type AlertCondition, type JudgedAlertId } from "@adaos/core/wire";
import type { JudgedRule } from "./alert.ts";

/** The rules that a hub or the root judges, as the mesh file has changed them. Pure. */
export function resolveRules(
  role: "hub" | "root",
  { rules }: Pick<AlertSettings, "rules">,
): readonly JudgedRule[] {
  return (Object.keys(ALERT_RULES) as JudgedAlertId[]).flatMap((id): JudgedRule[] => {
    const rule = ALERT_RULES[id];
    const changed = rules[id];
    if (changed === false || !rule.judgedBy.includes(role)) return [];
    const {
      threshold,
      forSeconds = rule.forSeconds,
      clearSeconds = rule.clearSeconds,
      severity,
    } = changed ?? {};
    const condition = threshold === undefined ? rule.condition : withThreshold(rule.condition, threshold);
    return [{ ...rule, id, condition, forSeconds, clearSeconds, severity: severity ?? ALERTS[id].severity }];
  });
}

/** A rule that clears below its threshold keeps that distance, as a share of the threshold. */
function withThreshold(condition: AlertCondition, threshold: number): AlertCondition {
  if (condition.kind !== "above" || condition.threshold === 0) return { ...condition, threshold };
  return { ...condition, threshold, clearAt: (condition.clearAt / condition.threshold) * threshold };
}
