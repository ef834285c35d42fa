import { firstLine } from "@adaos/core/wire";
import type {
  ComparedRuns,
  RunReport,
  SkipReport,
  StepReport,
  TriggerOutcome,
  TriggerReport,
  WholeRunReport,
} from "@adaos/operations";
import { table } from "../../../terminal/terminal.ts";

const MAX_REASON = 160;
const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
] as const;

/** `250 ms`, `1.5 s`, `3m 20s`, `2d 4h`: the two largest units. Pure. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`;
  const [unit, size] = UNITS.find(([, one]) => ms >= one) ?? UNITS[2];
  const [smaller, part] = UNITS[UNITS.findIndex(([one]) => one === unit) + 1] ?? (["s", 1000] as const);
  const rest = Math.floor((ms % size) / part);
  return `${Math.floor(ms / size)}${unit}${rest === 0 ? "" : ` ${rest}${smaller}`}`;
}

/** To the second: `2026-01-05T09:30:00Z`. Pure. */
export function secondText(at: string): string {
  return `${at.slice(0, 19)}Z`;
}

/** `event ui.notify@1 EVT-...`, `timer weekdays`. Pure. */
export function triggerText({ kind, id, event, event_id, at }: TriggerReport): string {
  const what = kind === "run" ? ["by hand", event_id] : [kind, id, event, event_id ?? secondText(at)];
  return what.filter((part) => part !== undefined).join(" ");
}

export const RUN_HEAD: readonly string[] = [
  "run",
  "scenario",
  "trigger",
  "started",
  "duration",
  "outcome",
  "reason",
];

/** Pure. */
export function runCells(run: RunReport): string[] {
  const { id, scenario, trigger, started_at, duration_ms, outcome, reason, now } = run;
  const where = now === undefined ? "" : nowText(now);
  return [
    id,
    scenario,
    triggerText(trigger),
    secondText(started_at),
    spanText(duration_ms),
    run.shadow ? `${outcome} (shadow)` : outcome,
    reason === undefined ? where : firstLine(reason, MAX_REASON),
  ];
}

export const SKIP_HEAD: readonly string[] = ["at", "scenario", "trigger", "cause", "reason"];

/** Pure. */
export function skipCells({ at, scenario, trigger, cause, reason, conditions }: SkipReport): string[] {
  const values = conditions.find(({ value }) => value !== true)?.values ?? {};
  return [secondText(at), scenario, triggerText(trigger), cause, withValues(reason, values)];
}

/** One run, a line for each thing to be known of it. Pure. */
export function runLines(run: WholeRunReport): string[] {
  const { id, scenario, hash, key, shadow, trigger, started_at, ended_at, duration_ms, now } = run;
  const rows: [string, string][] = [
    ["run", id],
    ["scenario", `${scenario} (${hash})`],
    ["trigger", `${triggerText(trigger)}, at ${trigger.at}`],
  ];
  if (key !== "") rows.push(["key", key]);
  if (shadow) rows.push(["shadow", "yes: it publishes nothing"]);
  rows.push(["started", started_at]);
  if (ended_at !== undefined) rows.push(["ended", `${ended_at}, after ${spanText(duration_ms)}`]);
  if (now !== undefined) rows.push(["now", nowText(now)]);
  rows.push(["outcome", run.reason === undefined ? run.outcome : `${run.outcome}: ${run.reason}`]);
  const lines = table(rows);
  if (run.conditions.length > 0)
    lines.push("conditions", ...table(run.conditions.map(conditionCells)).map(indented));
  if (run.steps.length > 0) lines.push("steps", ...table(run.steps.map(stepCells)).map(indented));
  if (run.unlogged > 0) lines.push(`${run.unlogged} more steps are not recorded`);
  return lines;
}

function conditionCells({ text, value, values, error }: WholeRunReport["conditions"][number]): string[] {
  return [error ?? String(value), withValues(text, values)];
}

function stepCells({
  step,
  verb,
  at,
  ms,
  outcome,
  event,
  event_id,
  branch,
  error,
  conditions,
}: StepReport): string[] {
  const told = [
    branch === undefined ? undefined : `${verb === "repeat" ? "turn" : "branch"} ${branch}`,
    event,
    event_id,
    error,
    ...(conditions ?? []).map(({ text, value, values }) =>
      withValues(`${text} is ${value ?? "unknown"}`, values),
    ),
  ];
  const shown = told.filter((part) => part !== undefined).join("  ");
  return [step, verb, at, ms === undefined ? "" : spanText(ms), outcome, firstLine(shown, MAX_REASON * 2)];
}

function nowText({ step, doing, until }: NonNullable<RunReport["now"]>): string {
  return `at ${step} (${doing})${until === undefined ? "" : ` until ${secondText(until)}`}`;
}

function withValues(text: string, values: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(values).map(([path, value]) => `${path} = ${JSON.stringify(value)}`);
  return shown.length === 0 ? text : `${text}  (${shown.join(", ")})`;
}

function indented(line: string): string {
  return `  ${line}`;
}

/** A trigger and what came of it. Pure. */
export function outcomeCells({ at, trigger, result, run, reason, values }: TriggerOutcome): string[] {
  const told = [run, reason === undefined ? undefined : withValues(reason, values ?? {})];
  const shown = told.filter((part) => part !== undefined).join("  ");
  return [secondText(at), triggerText(trigger), result, firstLine(shown, MAX_REASON * 2)];
}

/** Pure. */
export function comparedCells({ trigger, at, result, live, shadow, step, why }: ComparedRuns): string[] {
  const told = [step === undefined ? undefined : `at ${step}`, why].filter((part) => part !== undefined);
  return [
    secondText(at),
    trigger,
    result,
    live ?? "-",
    shadow ?? "-",
    firstLine(told.join(": "), MAX_REASON),
  ];
}
