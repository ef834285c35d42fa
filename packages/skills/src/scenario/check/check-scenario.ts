import { messageOf, replyName } from "@adaos/core/wire";
import { timerProgram } from "../engine/compile.ts";
import type { EffectDefinition, ScenarioDefinition } from "../file/definition.ts";
import type { ScenarioFile, ScenarioProblem } from "../file/read-scenario.ts";
import { checkData } from "./check-data.ts";
import { guardsOf, type Known, type Meaning } from "./check-expression.ts";
import {
  Checking,
  commonVariables,
  eventShape,
  one,
  type Path,
  runVariables,
  type ScenarioContext,
  TIMER_EVENT,
  whereTrue,
  withVariable,
} from "./checking.ts";
import { cyclesAmong } from "./cycles.ts";
import { ANY, dataShape, fixed, plain, type Shape } from "./shapes.ts";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Every problem of one scenario. Pure. */
export function checkScenario(file: ScenarioFile, context: ScenarioContext): readonly ScenarioProblem[] {
  const checking = new Checking(file, context);
  const { definition, name } = file;
  if (definition === undefined) return file.problems;
  if (!NAME.test(name))
    checking.error(
      [],
      `the name of the folder, ${name}, is no name of a scenario; write name: with a-z 0-9 -`,
    );
  const triggers = checkTriggers(checking, definition);
  const { variables, present } = commonVariables([...triggers.meanings, ...triggers.endings]);
  const { key: _, ...ofKey } = variables;
  if (definition.key !== undefined)
    checking.expression(["key"], definition.key, { variables: ofKey, present });
  let known = commonVariables(triggers.meanings, triggers.present);
  for (const [i, text] of definition.conditions.entries()) {
    checking.condition(["conditions", i], text, known);
    known = whereTrue(known, text);
  }
  const walk: Walk = { checking, known, steps: {} };
  checkEffects(walk, ["effects"], definition.effects);
  checkEffects({ ...walk, known: withVariable(known, "error", ERROR) }, ["onError"], definition.onError);
  return checking.problems;
}

/** Every problem of scenarios that one member runs: those of each, and cycles among them. Pure. */
export function checkScenarios(
  files: readonly ScenarioFile[],
  context: ScenarioContext,
): readonly ScenarioProblem[] {
  const names = new Map<string, ScenarioFile>();
  const problems = files.flatMap((file) => {
    const other = names.get(file.name);
    names.set(file.name, other ?? file);
    const twice = `the name ${file.name} is that of ${other?.file}; give it another`;
    return [
      ...checkScenario(file, context),
      ...(other === undefined ? [] : [file.problemAt(["name"], twice)]),
    ];
  });
  return [...problems, ...cyclesAmong(files)];
}

const ERROR = one(fixed({ step: plain("string"), message: plain("string") }));

interface CheckedTriggers {
  readonly meanings: readonly Meaning[];
  /** Events of `endedBy`, of which the key is asked too. */
  readonly endings: readonly Meaning[];
  /** What `when` of all triggers asks for by `has()`. */
  readonly present: readonly string[];
}

/** Checks the triggers. Returns what `event` may be in the rest of the scenario. */
function checkTriggers(checking: Checking, { triggers }: ScenarioDefinition): CheckedTriggers {
  const endings: Meaning[] = [];
  const meanings = triggers.flatMap((trigger, i): Meaning[] => {
    const path = ["triggers", i];
    if (!("event" in trigger)) {
      try {
        timerProgram(trigger, i);
      } catch (thrown) {
        const key = trigger.cron !== undefined ? "cron" : trigger.at !== undefined ? "at" : "every";
        checking.error([...path, key], messageOf(thrown));
      }
      return [{ by: `the timer of trigger ${i + 1}`, shape: TIMER_EVENT }];
    }
    const found = checking.awaited([...path, "event"], trigger.event);
    checking.condition([...path, "when"], trigger.when, commonVariables(found));
    if (trigger.endedBy !== undefined) {
      const ending = checking.awaited([...path, "endedBy", "event"], trigger.endedBy.event);
      endings.push(...ending);
      checking.condition([...path, "endedBy", "when"], trigger.endedBy.when, commonVariables(ending));
    }
    return found;
  });
  // Without a trigger it is run by scenario.run alone, whose arguments nobody declares.
  if (meanings.length === 0) return { meanings: [{ by: "", shape: eventShape(ANY) }], endings, present: [] };
  const [first = [], ...others] = triggers.map((trigger) =>
    guardsOf("when" in trigger ? trigger.when : undefined),
  );
  return {
    meanings,
    endings,
    present: first.filter((path) => others.every((guards) => guards.includes(path))),
  };
}

interface Walk {
  readonly checking: Checking;
  readonly known: Known;
  /** Results that are known from here on. */
  steps: Readonly<Record<string, Shape>>;
}

function checkEffects(walk: Walk, path: Path, effects: readonly EffectDefinition[]): void {
  for (const [i, effect] of effects.entries()) {
    const at = [...path, i];
    checkEffect(walk, at, effect);
    if (!("onError" in effect) || effect.onError === undefined || effect.onError === "continue") continue;
    const inner = { ...walk, known: withVariable(walk.known, "error", ERROR) };
    checkEffects(inner, [...at, "onError"], effect.onError);
    walk.steps = inner.steps;
  }
}

function checkEffect(walk: Walk, path: Path, effect: EffectDefinition): void {
  const { checking } = walk;
  const known = runVariables(walk.known, walk.steps);
  if ("publish" in effect) {
    const event = checking.published([...path, "publish"], effect.publish, "publish");
    checkData(checking, path, effect.data, event, known);
  } else if ("request" in effect) {
    const event = checking.published([...path, "request"], effect.request, "request");
    checkData(checking, path, effect.data, event, known);
    addResult(walk, effect.as, event === undefined ? ANY : replyShape(checking, event.name, event.version));
  } else if ("wait" in effect) {
    const [found] = checking.awaited([...path, "wait"], effect.wait);
    const received = found === undefined ? [] : [found];
    checking.condition([...path, "when"], effect.when, withVariable(known, "received", received));
    const data = found?.shape.field("data");
    addResult(walk, effect.as, data?.kind === "found" ? data.shape : ANY);
  } else if ("delay" in effect) {
    if (typeof effect.delay === "string") checking.template([...path, "delay"], effect.delay, known);
  } else if ("stop" in effect) {
    checking.template([...path, "stop"], effect.stop, known);
  } else checkBlock(walk, path, effect, known);
}

function checkBlock(
  walk: Walk,
  path: Path,
  effect: Extract<EffectDefinition, { choose: unknown } | { parallel: unknown } | { repeat: unknown }>,
  known: Known,
): void {
  const { checking } = walk;
  if ("choose" in effect) {
    for (const [i, { when, effects }] of effect.choose.entries()) {
      checking.condition([...path, "choose", i, "when"], when, known);
      const inner = { ...walk, known: whereTrue(walk.known, when) };
      checkEffects(inner, [...path, "choose", i, "effects"], effects);
      walk.steps = inner.steps;
    }
    checkEffects(walk, [...path, "otherwise"], effect.otherwise ?? []);
  } else if ("parallel" in effect) {
    for (const [i, effects] of effect.parallel.entries())
      checkEffects(walk, [...path, "parallel", i], effects);
  } else {
    const repeat = one(fixed({ index: plain("int") }));
    const inner = { ...walk, known: withVariable(walk.known, "repeat", repeat) };
    checkEffects(inner, [...path, "repeat"], effect.repeat);
    walk.steps = inner.steps;
    const within = runVariables(inner.known, walk.steps);
    checking.condition([...path, "while"], effect.while, within);
    checking.condition([...path, "until"], effect.until, within);
  }
}

function addResult(walk: Walk, name: string | undefined, data: Shape): void {
  if (name === undefined) return;
  const shape = fixed({ ok: plain("bool"), data, error: plain("string") });
  walk.steps = { ...walk.steps, [name]: shape };
}

function replyShape({ context: { registry } }: Checking, command: string, version: number): Shape {
  const name = replyName(command);
  const isKnown = registry.records.some((record) => record.name === name && record.version === version);
  return isKnown ? dataShape(registry, name, version) : ANY;
}
