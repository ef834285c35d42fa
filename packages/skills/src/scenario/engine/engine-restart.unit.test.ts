import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { envelope, START_MS } from "../../../../../test/kit/scenario-scene.ts";
import { compileScenario } from "./compile.ts";
import { decide, type ScenarioInput } from "./decide.ts";
import { pendingEffects } from "./decide-run.ts";
import { type Effect, newScenarioState, type Run, type ScenarioState } from "./state.ts";

const CONDITION = fc.constantFrom(
  "event.data.n > 5",
  "event.data.n < 3",
  "event.data.missing",
  "trigger.kind == 'event'",
);
const ON_ERROR = fc.constantFrom(undefined, "continue", [{ publish: "e.recovered" }]);

const { effects: EFFECTS } = fc.letrec<{ effects: unknown[]; effect: object }>((tie) => ({
  effects: fc.array(tie("effect"), { maxLength: 3 }),
  effect: fc.oneof(
    { maxDepth: 3, depthIdentifier: "effect" },
    fc.record({ publish: fc.constantFrom("e.one", "e.two"), onError: ON_ERROR }),
    fc.record({
      request: fc.constant("c.ask"),
      as: fc.constant("x"),
      timeout: fc.constant("5s"),
      onError: ON_ERROR,
    }),
    fc.record({
      delay: fc.constantFrom("1s", "1m", `\${event.data.n}`, `\${event.data.missing}`),
      onError: ON_ERROR,
    }),
    fc.record({
      wait: fc.constantFrom("w.", "w.b"),
      timeout: fc.constantFrom("3s", "1h"),
      as: fc.constant("y"),
    }),
    fc.constantFrom({ stop: "enough" }, { stop: "broken", failed: true }),
    fc.record({
      choose: fc.array(fc.record({ when: CONDITION, effects: tie("effects") }), {
        minLength: 1,
        maxLength: 2,
      }),
      otherwise: tie("effects"),
      onError: ON_ERROR,
    }),
    fc.record({ parallel: fc.array(tie("effects"), { minLength: 1, maxLength: 3 }), onError: ON_ERROR }),
    fc.record({ repeat: tie("effects"), times: fc.nat(3), onError: ON_ERROR }),
  ),
}));

/** What the world does, in turn: time goes on, events come, replies fail. */
const WORLD = fc.array(
  fc.record({ ms: fc.nat(4000), event: fc.constantFrom("w.a", "w.b", "w.c"), ok: fc.boolean() }),
  {
    minLength: 5,
    maxLength: 25,
  },
);

interface Lived {
  readonly effects: Map<string, Effect>;
  readonly ended: Run[];
  readonly doubles: number;
}

/**
 * Lives through the same world, with effects done twice and inputs coming twice where `isHarsh`, and the state
 * stored and read between.
 */
function live(
  text: string,
  world: readonly { ms: number; event: string; ok: boolean }[],
  isHarsh: boolean,
): Lived {
  const scenario = compileScenario("test", text);
  let state: ScenarioState = newScenarioState("alpha/kitchen");
  const effects = new Map<string, Effect>();
  const ended: Run[] = [];
  let doubles = 0;
  let nowMs = START_MS;
  const take = (input: ScenarioInput): void => {
    const decision = decide(scenario, state, input, nowMs);
    // Killed before it was stored: nothing of it was done, and it is decided again.
    if (isHarsh) expect(decide(scenario, state, input, nowMs)).toEqual(decision);
    state = isHarsh ? (JSON.parse(JSON.stringify(decision.state)) as ScenarioState) : decision.state;
    for (const effect of decision.effects) {
      if (effects.has(effect.id)) doubles++;
      effects.set(effect.id, effect);
    }
    ended.push(...decision.ended);
    // Else a clock would be asked for again and again.
    if (input.kind === "clock") expect(decision.wakeAtMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(nowMs);
    if (!isHarsh) return;
    const pending = Object.values(state.runs).flatMap(pendingEffects);
    // Killed after it was stored: all that is pending is done again, by the same ids.
    for (const effect of pending) expect(effects.get(effect.id)).toEqual(effect);
    const again = decide(scenario, state, input, nowMs);
    expect([again.effects, again.ended]).toEqual([[], []]);
    expect(again.state).toBe(state);
  };
  take({ kind: "clock" });
  take({ kind: "event", event: envelope("t.start", { n: 4 }, 1, nowMs) });
  for (const [i, { ms, event, ok }] of world.entries()) {
    const [first] = Object.values(state.runs).flatMap(pendingEffects);
    if (first !== undefined) take({ kind: "result", runId: first.runId, effectId: first.id, ok, data: {} });
    take({ kind: "event", event: envelope(event, {}, i + 2, nowMs) });
    nowMs += ms;
    take({ kind: "clock" });
  }
  return { effects, ended, doubles };
}

describe("decide() after a kill", () => {
  test("goes on where it was, from any step: the same effects by the same ids, each once", () => {
    fc.assert(
      fc.property(
        fc.array(EFFECTS, { minLength: 1, maxLength: 3 }),
        EFFECTS,
        WORLD,
        (parts, onError, world) => {
          const effects = [...parts.flat(), { publish: "e.last" }];
          const triggers = [{ event: "t.start" }, { every: "3s" }, { every: "3s" }];
          const text = JSON.stringify({ mode: "queued", triggers, effects, onError });
          const calm = live(text, world, false);
          const harsh = live(text, world, true);
          expect([calm.doubles, harsh.doubles]).toEqual([0, 0]);
          expect([...harsh.effects.values()]).toEqual([...calm.effects.values()]);
          expect(harsh.ended).toEqual(JSON.parse(JSON.stringify(calm.ended)));
        },
      ),
      { numRuns: 400 },
    );
  });
});
