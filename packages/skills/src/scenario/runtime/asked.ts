import { type Envelope, newEventId } from "@adaos/core";
import { randomId } from "@adaos/core/wire";
import type { Scenario } from "../engine/compile.ts";
import type { ScenarioInput } from "../engine/decide.ts";
import { runIdOf } from "../engine/ids.ts";
import type { Run, Skip } from "../engine/state.ts";

/** What an operator asks of a scenario. It waits in the scenario's document until its member has taken it. */
export type Asked = { readonly id: string } & (
  | { readonly kind: "pause" | "resume" }
  | { readonly kind: "cancel"; readonly runId: string; readonly reason: string }
  | { readonly kind: "run"; readonly event: Envelope; readonly data: unknown }
  | {
      readonly kind: "retry";
      /** Of the new run. */
      readonly runId: string;
      readonly of: Pick<Run, "trigger" | "key" | "conditions">;
      /** `hash`: of the text whose step it is. */
      readonly from?: { readonly at: number; readonly steps: Run["steps"]; readonly hash: string };
    }
);

/** The input that a request means. Pure. */
export function inputOf(asked: Asked, { name }: Scenario): ScenarioInput {
  switch (asked.kind) {
    case "pause":
    case "resume":
      return { kind: asked.kind };
    case "cancel":
      return { kind: "cancel", runId: asked.runId, reason: asked.reason };
    case "run":
      return { kind: "run", event: asked.event, data: asked.data };
    default: {
      const { runId, of, from } = asked;
      // It was caused by a person: the ring of scenarios begins anew.
      const at = from === undefined ? {} : { from: { at: from.at, steps: from.steps } };
      const start = { runId, ...of, depth: 1, ring: [name], ...at };
      return { kind: "retry", start };
    }
  }
}

/** A retry from a step of a text that is not in force any more: what did not run. Pure. */
export function outdatedRetry(asked: Asked, { name, hash }: Scenario, nowMs: number): Skip | undefined {
  if (asked.kind !== "retry" || asked.from === undefined || asked.from.hash === hash) return undefined;
  const reason = `retry from effects[${asked.from.at}]: the scenario has changed since, so it may be another step`;
  return { scenario: name, hash, atMs: nowMs, cause: "error", reason, ...asked.of };
}

/**
 * A request to start a run as `scenario.run@1` would, and the id that the run will have. Pure but for its ids.
 * @param args `event.data` of the scenario's expressions.
 */
export function askRun(
  { owner, tenant, scenario }: { readonly owner: string; readonly tenant: string; readonly scenario: string },
  args: Readonly<Record<string, unknown>> | undefined,
  nowMs: number,
): { readonly asked: Extract<Asked, { kind: "run" }>; readonly runId: string } {
  const event_id = newEventId(nowMs);
  const event: Envelope = {
    event_id,
    event_name: "scenario.run",
    version: 1,
    kind: "command",
    ts: new Date(nowMs).toISOString(),
    source: `operator@${owner.split("/")[1]}`,
    correlation_id: event_id,
    tenant,
    headers: {},
    data: { name: scenario, ...(args === undefined ? {} : { args }) },
  };
  return {
    asked: { id: event_id, kind: "run", event, data: args ?? {} },
    runId: runIdOf(owner, scenario, event_id, nowMs),
  };
}

/** A request to try a run again, from its beginning or from a step of its outermost sequence. Pure but for its id. */
export function askRetry(
  run: Run,
  owner: string,
  from: number | undefined,
): Extract<Asked, { kind: "retry" }> {
  const id = randomId();
  const { scenario, trigger, key, conditions, steps, hash } = run;
  return {
    id,
    kind: "retry",
    runId: runIdOf(owner, scenario, `retry ${run.id} ${id}`, trigger.nominalMs),
    of: { trigger, key, conditions },
    ...(from === undefined ? {} : { from: { at: from, steps, hash } }),
  };
}
