import { createHash } from "node:crypto";
import { type EventPattern, parseEventPattern, parseEventRef } from "@adaos/core";
import { minimalPatterns, replyName } from "@adaos/core/wire";
import { compileScenario, type Scenario, type Step } from "../engine/compile.ts";
import type { Run } from "../engine/state.ts";

/** The patterns of all events that a scenario may start with or wait for. Pure. */
export function patternsOf({ triggers, effects, onError }: Scenario): EventPattern[] {
  const ofTriggers = triggers.flatMap((trigger) =>
    trigger.kind === "timer" ? [] : [trigger.pattern, ...(trigger.endedBy ? [trigger.endedBy.pattern] : [])],
  );
  return minimalPatterns([...ofTriggers, ...[...effects, ...onError].flatMap(patternsOfStep)]);
}

/** The patterns for which a run waits that began with an earlier text of its scenario. Pure. */
export function patternsOfRun({ scenario, text }: Run): EventPattern[] {
  return patternsOf(compileScenario(scenario, text));
}

/** The patterns of all events whose data a run may have read, replies among them. Throws `invalid-config`. Pure. */
export function patternsReadBy({ scenario, text }: Run): EventPattern[] {
  const compiled = compileScenario(scenario, text);
  const replies = [...compiled.effects, ...compiled.onError].flatMap(repliesOfStep);
  return [...patternsOf(compiled), ...replies];
}

function repliesOfStep({ definition, bodies, onError }: Step): EventPattern[] {
  const inner = [...bodies.flat(), ...(Array.isArray(onError) ? (onError as readonly Step[]) : [])];
  const own =
    "request" in definition ? [parseEventPattern(replyName(parseEventRef(definition.request).name))] : [];
  return [...own, ...inner.flatMap(repliesOfStep)];
}

function patternsOfStep({ pattern, bodies, onError }: Step): EventPattern[] {
  const inner = [...bodies.flat(), ...(Array.isArray(onError) ? (onError as readonly Step[]) : [])];
  return [...(pattern === undefined ? [] : [pattern]), ...inner.flatMap(patternsOfStep)];
}

const MAX_NAME = 63;
/** Names that give a durable's name of their own: no other of them gives the same. */
const PLAIN_NAME = /^[a-z0-9]+$/;
const PLAIN_EVENT = /^[a-z0-9]+(\.[a-z0-9]+)*@\d+$/;

/** The durable of a scenario for one pattern: `scenario-<name>-<event>`, cut to what a name may have. Pure. */
export function durableOf(scenario: string, pattern: EventPattern): string {
  const event = pattern.text.replaceAll(/[^a-z0-9]+/g, "-").replace(/-$/, "") || "all";
  const name = `scenario-${scenario}-${event}`;
  const isPlain = PLAIN_NAME.test(scenario) && PLAIN_EVENT.test(pattern.text);
  if (isPlain && name.length <= MAX_NAME) return name;
  const digest = createHash("sha256").update(`${scenario} ${pattern.text}`).digest("hex").slice(0, 8);
  return `${name.slice(0, MAX_NAME - digest.length - 1).replace(/-$/, "")}-${digest}`;
}
