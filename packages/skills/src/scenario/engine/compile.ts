import { createHash } from "node:crypto";
import { timerOptionsOf } from "@adaos/config";
import { type EventPattern, MeshError, parseEventPattern } from "@adaos/core";
import { RecentMap, resolveTimer, type TimerDefinition } from "@adaos/core/wire";
import { type Expression, expressionOf } from "../cel/expression.ts";
import { compileValue, type Value } from "../cel/template.ts";
import type {
  EffectDefinition,
  EffectVerb,
  EventTrigger,
  ScenarioDefinition,
  TimerTrigger,
} from "../file/definition.ts";
import { parseScenario } from "../file/parse-scenario.ts";

interface Awaited {
  readonly pattern: EventPattern;
  readonly when: Expression | undefined;
}

interface EventProgram extends Awaited {
  readonly kind: "event";
  readonly id: string | undefined;
  readonly forMs: number | undefined;
  readonly endedBy: Awaited | undefined;
}

interface TimerProgram {
  readonly kind: "timer";
  readonly id: string | undefined;
  readonly definition: TimerDefinition;
  /** The schedule as JSON: no other timer of the scenario has the same. */
  readonly text: string;
}

/** A compiled effect, with the effects that follow its failure. */
export interface Step {
  readonly verb: EffectVerb;
  readonly definition: EffectDefinition;
  /** Data of publish and request, reason of stop, time of delay. */
  readonly value: Value;
  /** Of a wait, a choice's branches, a repetition. */
  readonly whens: readonly (Expression | undefined)[];
  readonly pattern: EventPattern | undefined;
  readonly bodies: readonly (readonly Step[])[];
  readonly onError: "continue" | readonly Step[] | undefined;
}

/** A scenario ready to run. Nothing in it changes. */
export interface Scenario {
  readonly name: string;
  /** Digest of {@link text}. */
  readonly hash: string;
  readonly text: string;
  readonly definition: ScenarioDefinition;
  readonly triggers: readonly (EventProgram | TimerProgram)[];
  readonly key: Expression | undefined;
  readonly conditions: readonly Expression[];
  readonly effects: readonly Step[];
  readonly onError: readonly Step[];
}

const known = new RecentMap<string, Scenario>(1000);

/** Compiles the text of a valid `scenario.yaml`. Throws MeshError `invalid-config`. Pure. */
export function compileScenario(name: string, text: string): Scenario {
  const hash = scenarioHash(text);
  const key = `${name}\n${hash}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const definition = parseScenario(text, name);
  const made = compiled(name, () => scenarioOf(name, hash, text, definition));
  known.set(key, made);
  return made;
}

function compiled(name: string, compile: () => Scenario): Scenario {
  try {
    return compile();
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `scenario ${name}`);
  }
}

/** Names a text of a scenario: runs keep the hash of the text with which they began. Pure. */
export function scenarioHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function scenarioOf(name: string, hash: string, text: string, definition: ScenarioDefinition): Scenario {
  return {
    name,
    hash,
    text,
    definition,
    triggers: numbered(
      definition.triggers.map((trigger, i) =>
        "event" in trigger ? eventProgram(trigger) : timerProgram(trigger, i),
      ),
    ),
    key: optional(definition.key),
    conditions: definition.conditions.map(expressionOf),
    effects: definition.effects.map(stepOf),
    onError: definition.onError.map(stepOf),
  };
}

/** Sets timers of one schedule apart. */
function numbered(programs: readonly (EventProgram | TimerProgram)[]): (EventProgram | TimerProgram)[] {
  const seen = new Map<string, number>();
  return programs.map((program) => {
    if (program.kind === "event") return program;
    const before = seen.get(program.text) ?? 0;
    seen.set(program.text, before + 1);
    return before === 0 ? program : { ...program, text: `${program.text} #${before}` };
  });
}

function optional(text: string | undefined): Expression | undefined {
  return text === undefined ? undefined : expressionOf(text);
}

function eventProgram({ id, event, when, for: forMs, endedBy }: EventTrigger): EventProgram {
  return {
    kind: "event",
    id,
    pattern: parseEventPattern(event),
    when: optional(when),
    forMs,
    endedBy:
      endedBy === undefined
        ? undefined
        : { pattern: parseEventPattern(endedBy.event), when: optional(endedBy.when) },
  };
}

/** The timer of a trigger. Throws MeshError `usage`. */
export function timerProgram({ id, ...trigger }: TimerTrigger, index: number): TimerProgram {
  const options = timerOptionsOf(trigger);
  const event = { name: "timer.tick", version: 1, kind: "event" as const };
  const definition = resolveTimer(id ?? `trigger-${index}`, options, event, null, 0);
  return { kind: "timer", id, definition, text: JSON.stringify(trigger) };
}

function stepOf(definition: EffectDefinition): Step {
  const onError = "onError" in definition ? definition.onError : undefined;
  return {
    ...partsOf(definition),
    definition,
    onError: onError === undefined || onError === "continue" ? onError : onError.map(stepOf),
  };
}

type Parts = Pick<Step, "verb" | "value" | "whens" | "pattern" | "bodies">;

function partsOf(one: EffectDefinition): Parts {
  const none: Omit<Parts, "verb"> = { value: () => undefined, whens: [], pattern: undefined, bodies: [] };
  if ("publish" in one) return { ...none, verb: "publish", value: compileValue(one.data ?? {}) };
  if ("request" in one) return { ...none, verb: "request", value: compileValue(one.data ?? {}) };
  if ("delay" in one) return { ...none, verb: "delay", value: compileValue(one.delay) };
  if ("wait" in one)
    return { ...none, verb: "wait", pattern: parseEventPattern(one.wait), whens: [optional(one.when)] };
  if ("choose" in one)
    return {
      ...none,
      verb: "choose",
      whens: one.choose.map(({ when }) => expressionOf(when)),
      bodies: [...one.choose.map(({ effects }) => effects), one.otherwise ?? []].map((body) =>
        body.map(stepOf),
      ),
    };
  if ("parallel" in one)
    return { ...none, verb: "parallel", bodies: one.parallel.map((body) => body.map(stepOf)) };
  if ("repeat" in one)
    return {
      ...none,
      verb: "repeat",
      whens: [optional(one.while), optional(one.until)],
      bodies: [one.repeat.map(stepOf)],
    };
  return { ...none, verb: "stop", value: compileValue(one.stop) };
}
