import type { Run, RunLogEntry, Skip } from "@adaos/skills";
import { timeText, triggerKey } from "./run-report.ts";

export type Comparison = "same" | "differs" | "only-live" | "only-shadow" | "active";

/** What a trigger has come to in the live scenario and in its shadow. */
export interface ComparedRuns {
  readonly trigger: string;
  readonly at: string;
  readonly result: Comparison;
  readonly live?: string;
  readonly shadow?: string;
  /** The first step that differs, or up to which both are the same. */
  readonly step?: string;
  readonly why?: string;
}

/** Runs of a scenario, and why others did not run. */
export interface ScenarioPast {
  readonly runs: readonly Run[];
  readonly skips: readonly Skip[];
}

/**
 * Runs of a scenario beside those of its shadow, matched by their triggers; oldest first. Runs that somebody asked for
 * by hand have no counterpart and are left out, and so are further tries of the same trigger. Pure.
 */
export function compareRuns(live: ScenarioPast, shadow: ScenarioPast): ComparedRuns[] {
  const [lives, shadows] = [firstByTrigger(live.runs), firstByTrigger(shadow.runs)];
  const keys = new Set([...lives.keys(), ...shadows.keys()]);
  return [...keys]
    .map((key) => compareOne(key, lives.get(key), shadows.get(key), { live, shadow }))
    .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function firstByTrigger(runs: readonly Run[]): Map<string, Run> {
  const first = new Map<string, Run>();
  for (const run of runs.toSorted((a, b) => b.startedMs - a.startedMs))
    if (run.trigger.kind !== "run") first.set(triggerKey(run.trigger), run);
  return first;
}

function compareOne(
  trigger: string,
  live: Run | undefined,
  shadow: Run | undefined,
  past: { readonly live: ScenarioPast; readonly shadow: ScenarioPast },
): ComparedRuns {
  const nominalMs = (live ?? shadow)?.trigger.nominalMs ?? 0;
  const known = {
    trigger,
    at: timeText(nominalMs),
    ...(live === undefined ? {} : { live: live.id }),
    ...(shadow === undefined ? {} : { shadow: shadow.id }),
  };
  if (live === undefined) return { ...known, result: "only-shadow", ...missing(past.live, trigger, "live") };
  if (shadow === undefined)
    return { ...known, result: "only-live", ...missing(past.shadow, trigger, "shadow") };
  if (live.outcome === undefined || shadow.outcome === undefined) return { ...known, result: "active" };
  return { ...known, ...difference(live, shadow) };
}

function missing({ skips }: ScenarioPast, trigger: string, who: string): Pick<ComparedRuns, "why"> {
  const skipped = skips.find((one) => triggerKey(one.trigger) === trigger);
  return {
    why:
      skipped === undefined ? `nothing is recorded of ${who}` : `${who}: ${skipped.cause}, ${skipped.reason}`,
  };
}

type Difference = Pick<ComparedRuns, "result" | "step" | "why">;

/** The first difference of two runs that have ended. Pure. */
function difference(live: Run, shadow: Run): Difference {
  const [lives, shadows] = [stepsOf(live), stepsOf(shadow)];
  for (let i = 0; i < Math.max(lives.length, shadows.length); i++) {
    const [a, b] = [lives[i], shadows[i]];
    const why = a === undefined || b === undefined ? undefined : stepDifference(a, b);
    if (why !== undefined) return { result: "differs", step: a?.step ?? "", why };
    if (a !== undefined && b !== undefined) continue;
    const before = shadows[i - 1];
    // A shadow sends no request, so it ends where it would need the reply.
    if (b === undefined && before?.verb === "request" && shadow.outcome === "stopped")
      return { result: "same", step: before.step, why: "the shadow ends there: it sends no request" };
    const step = (a ?? b)?.step ?? "";
    return {
      result: "differs",
      step,
      why: `only the ${a === undefined ? "shadow" : "live scenario"} has it`,
    };
  }
  if (live.outcome === shadow.outcome) return { result: "same" };
  if (shadow.outcome === "stopped" && shadows.at(-1)?.verb === "request")
    return {
      result: "same",
      step: shadows.at(-1)?.step ?? "",
      why: "the shadow ends there: it sends no request",
    };
  return { result: "differs", why: `outcome: live ${live.outcome}, shadow ${shadow.outcome}` };
}

/** Branches of `parallel` end in any order. */
function stepsOf({ log }: Run): RunLogEntry[] {
  return log.toSorted((a, b) => a.step.localeCompare(b.step, "en", { numeric: true }));
}

function stepDifference(a: RunLogEntry, b: RunLogEntry): string | undefined {
  if (a.step !== b.step) return `live goes on with ${a.step}, shadow with ${b.step}`;
  if (a.verb !== b.verb) return `live: ${a.verb}, shadow: ${b.verb}`;
  if (a.event !== b.event) return `event: live ${a.event ?? "none"}, shadow ${b.event ?? "none"}`;
  if (a.branch !== b.branch) return `branch: live ${a.branch}, shadow ${b.branch}`;
  if (a.digest !== undefined && b.digest !== undefined && a.digest !== b.digest)
    return `data of ${a.event} differ`;
  if (outcomeOf(a) !== outcomeOf(b)) return `outcome: live ${a.outcome}, shadow ${b.outcome}`;
  return undefined;
}

function outcomeOf({ outcome }: RunLogEntry): RunLogEntry["outcome"] {
  return outcome === "shadow" ? "done" : outcome;
}
