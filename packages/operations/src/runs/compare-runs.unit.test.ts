import type { Run, Skip } from "@adaos/skills";
import { describe, expect, test } from "vitest";
import { envelope, ScenarioScene } from "../../../../test/kit/scenario-scene.ts";
import { compareRuns } from "./compare-runs.ts";

const EVENT = envelope("a.start", { n: 1 });

/** The run of a scenario with these effects that one event starts. */
function ran(effects: string, more = "", result: { readonly error?: string } = {}): Run {
  const scene = new ScenarioScene(`triggers: [{ event: a.start }]\n${more}\neffects:\n${effects}`);
  scene.input({ kind: "event", event: EVENT });
  scene.done(result);
  return scene.ended[0] as Run;
}

const past = (...runs: readonly Run[]) => ({ runs, skips: [] });
const compared = (live: string, shadow: string) =>
  compareRuns(past(ran(live)), past(ran(shadow, "shadow: true")))[0];
const N = '  - { publish: a.b, data: { n: "$' + '{event.data.n}" } }';

describe("compareRuns()", () => {
  test("the same steps with the same data are the same", () => {
    expect(compared(N, N)).toMatchObject({ trigger: EVENT.event_id, result: "same" });
    expect(compared(N, N)).not.toHaveProperty("why");
  });

  test("names the first step that differs: event, data, branch, or one that only one has", () => {
    const choose = (when: string): string => `  - choose: [{ when: "${when}", effects: [] }]`;
    const cases = [
      [N, "  - { publish: a.c }", "effects[0]", "event: live a.b, shadow a.c"],
      [N, "  - { publish: a.b, data: { n: 2 } }", "effects[0]", "data of a.b differ"],
      [choose("true"), choose("false"), "effects[0]", "branch: live 0, shadow 1"],
      [`${N}\n${N}`, N, "effects[1]", "only the live scenario has it"],
      [N, `${N}\n${N}`, "effects[1]", "only the shadow has it"],
    ] as const;
    for (const [live, shadow, step, why] of cases)
      expect(compared(live, shadow)).toMatchObject({ result: "differs", step, why });
  });

  test("another outcome differs", () => {
    expect(compared(N, `${N}\n  - { stop: no, failed: true }`)).toMatchObject({
      result: "differs",
      why: "outcome: live succeeded, shadow failed",
    });
  });

  test("a shadow that ends at a request, which it does not send, is the same up to there", () => {
    const effects = `${N}\n  - { request: a.ask, as: answer }\n${N}`;
    expect(compared(effects, effects)).toMatchObject({
      result: "same",
      step: "effects[1]",
      why: "the shadow ends there: it sends no request",
    });
  });

  test("branches of parallel may end in any order", () => {
    const run = ran(`  - parallel: [[{ publish: a.b }], [{ publish: a.c }]]`);
    const turned = { ...run, log: run.log.toReversed() };
    expect(compareRuns(past(run), past(turned))).toMatchObject([{ result: "same" }]);
  });

  test("a run that only one has comes with the cause at the other", () => {
    const run = ran(N);
    const skip = { trigger: run.trigger, cause: "cooldown", reason: "until noon" } as unknown as Skip;
    expect(compareRuns(past(run), { runs: [], skips: [skip] })).toMatchObject([
      { result: "only-live", live: run.id, why: "shadow: cooldown, until noon" },
    ]);
    expect(compareRuns(past(), past(run))).toMatchObject([
      { result: "only-shadow", why: "nothing is recorded of live" },
    ]);
  });

  test("leaves out runs by hand, and compares the first try of a trigger", () => {
    const run = ran(N);
    const byHand: Run = { ...run, id: "by hand", trigger: { ...run.trigger, kind: "run" } };
    const again: Run = { ...run, id: "again", startedMs: run.startedMs + 1 };
    expect(compareRuns(past(byHand), past())).toEqual([]);
    expect(compareRuns(past(again, run), past(run))).toMatchObject([{ live: run.id, result: "same" }]);
  });

  test("times of timers are matched by their nominal time; a run that goes on is not judged", () => {
    const run = ran(N);
    const { event: _, ...trigger } = { ...run.trigger, kind: "timer" as const };
    const timed: Run = { ...run, trigger };
    const { outcome: __, ...active } = timed;
    expect(compareRuns(past(timed), past(timed))).toMatchObject([
      { result: "same", trigger: expect.stringMatching(/^timer 2026-/) },
    ]);
    expect(compareRuns(past(timed), past(active))).toMatchObject([{ result: "active" }]);
  });
});
