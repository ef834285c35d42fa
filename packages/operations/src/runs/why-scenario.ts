import { counted } from "@adaos/core/wire";
import type { TriggerState } from "@adaos/skills";
import { compileScenario, wakeOfTriggers } from "@adaos/skills";
import { type RunReport, type SkipReport, type TriggerReport, timeText } from "./run-report.ts";
import { formatScenarioName, type StoredScenarioState } from "./stored-runs.ts";

/** A trigger of a scenario, and what came of it. */
export interface TriggerOutcome {
  readonly at: string;
  readonly trigger: TriggerReport;
  /** A run with its outcome, or the cause for which there is none. */
  readonly result: RunReport["outcome"] | SkipReport["cause"];
  readonly run?: string;
  readonly reason?: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

/** How a scenario stands, in sentences, and the command to use next. */
export interface ScenarioStand {
  readonly sentences: readonly string[];
  readonly next: string;
}

/** Triggers of a scenario with what came of each; the newest last, at most `limit`. Pure. */
export function triggerOutcomes(
  runs: readonly RunReport[],
  skips: readonly SkipReport[],
  sinceMs: number,
  limit: number,
): TriggerOutcome[] {
  const since = timeText(sinceMs);
  const all = [...runs.map(ofRun), ...skips.map(ofSkip)].filter(({ at }) => at >= since);
  return all.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(-limit);
}

function ofRun({ id, started_at, trigger, outcome, reason }: RunReport): TriggerOutcome {
  const told = reason === undefined ? {} : { reason };
  return { at: started_at, trigger, result: outcome, run: id, ...told };
}

function ofSkip({ at, trigger, cause, reason, conditions }: SkipReport): TriggerOutcome {
  const values = conditions.find(({ value }) => value !== true)?.values ?? {};
  const isTold = (cause === "condition" || cause === "error") && Object.keys(values).length > 0;
  return { at, trigger, result: cause, reason, ...(isTold ? { values } : {}) };
}

/**
 * How a scenario stands now. Pure.
 * @param text Of the scenario as it is; undefined where it is not known.
 */
export function scenarioStand(
  stored: StoredScenarioState,
  active: readonly RunReport[],
  newest: TriggerOutcome | undefined,
  text: string | undefined,
  nowMs: number,
): ScenarioStand {
  const { triggers, asked } = stored;
  const name = formatScenarioName(stored.name);
  const first = active[0];
  const sentences = [
    ...(asked.length === 0
      ? []
      : [
          `${waits(asked.length, "request")} until the member's daemon takes ${asked.length === 1 ? "it" : "them"}.`,
        ]),
    ...(triggers.isPaused ? ["It is paused: its triggers start nothing, only a run by hand does."] : []),
    ...(first === undefined ? [] : [goesOn(first, active.length)]),
    ...standing(triggers, nowMs),
    ...(newest === undefined ? ["No trigger of it is recorded."] : []),
  ].slice(0, 2);
  if (newest === undefined || sentences.length === 0) sentences.push(waitsFor(stored, text));
  return { sentences, next: nextCommand(name, stored, first, newest) };
}

function goesOn({ id, now }: RunReport, count: number): string {
  const where = now === undefined ? "" : ` at ${now.step} (${now.doing})`;
  const until = now?.until === undefined ? "" : ` until ${now.until}`;
  const others = count > 1 ? `; ${count - 1} more go on` : "";
  return `Run ${id} is${where}${until}${others}.`;
}

function standing(triggers: TriggerState, nowMs: number): string[] {
  const { waiting, holds, debounced, cooling } = triggers;
  const dueMs = holds.flatMap(({ due }) => (due === undefined ? [] : [due.dueMs]));
  const untilMs = Math.max(0, ...cooling.map((one) => one.untilMs));
  const wakeMs = wakeOfTriggers(triggers);
  return [
    ...(waiting.length === 0 ? [] : [`${waits(waiting.length, "start")} for a run to end.`]),
    ...(dueMs.length === 0
      ? []
      : [`A state holds; it starts a run at ${timeText(Math.min(...dueMs))} unless it ends.`]),
    ...(debounced.length === 0 ? [] : [`${waits(debounced.length, "start")} for the end of debounce.`]),
    ...(untilMs <= nowMs ? [] : [`The last cooldown ends at ${timeText(untilMs)}.`]),
    ...(wakeMs === undefined ? [] : [`Its next time is ${timeText(wakeMs)}.`]),
  ];
}

/** `1 start waits`, `2 starts wait` */
function waits(count: number, what: string): string {
  return `${counted(count, what)} ${count === 1 ? "waits" : "wait"}`;
}

function waitsFor({ triggers }: StoredScenarioState, text: string | undefined): string {
  const known =
    text === undefined ? triggers.timers.map(({ of }) => `the timer ${of}`) : triggersInWords(text);
  if (known.length > 0) return `It waits for ${known.join(", or ")}.`;
  return "It waits for events that its file names, and the file is not on this machine.";
}

/** What starts a scenario, one text for each trigger. Throws `invalid-config`. Pure. */
export function triggersInWords(text: string): string[] {
  return compileScenario("scenario", text).definition.triggers.map((trigger) => {
    if ("event" in trigger) {
      const when = trigger.when === undefined ? "" : ` when ${trigger.when}`;
      const held = trigger.for === undefined ? "" : ` for ${trigger.for / 1000} s`;
      return `${trigger.event}${when}${held}`;
    }
    if (trigger.cron !== undefined) return `the times ${trigger.cron} (${trigger.zone})`;
    if (trigger.every !== undefined) return `every ${trigger.every / 1000} s`;
    return `the time ${trigger.at} (${trigger.zone})`;
  });
}

function nextCommand(
  name: string,
  { triggers, asked }: StoredScenarioState,
  active: RunReport | undefined,
  newest: TriggerOutcome | undefined,
): string {
  if (asked.length > 0) return "adaos status";
  if (triggers.isPaused) return `adaos scenario resume ${name}`;
  if (newest === undefined) return `adaos scenario run ${name}`;
  if (newest.run !== undefined) return `adaos scenario show ${newest.run}`;
  if (active !== undefined) return `adaos scenario show ${active.id}`;
  return `adaos scenario runs ${name} --skipped`;
}
