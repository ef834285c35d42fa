import type { Run } from "@adaos/skills";
import { describe, expect, test } from "vitest";
import { ScenarioScene } from "../../../../test/kit/scenario-scene.ts";
import { planRetries, retryStep } from "./plan-retry.ts";

function failedRun(
  effects = "[{ publish: a.b }, { publish: a.b }, { stop: x, failed: true }, { publish: a.b }]",
): Run {
  const scene = new ScenarioScene(`triggers: [{ event: a.start }]\neffects: ${effects}`);
  scene.event("a.start");
  scene.done();
  return scene.ended[0] as Run;
}

describe("retryStep()", () => {
  test("takes the steps that have begun, the failed one too", () => {
    const run = failedRun();
    expect([0, 1, 2].map((at) => retryStep(run, `effects[${at}]`, run.hash))).toEqual([0, 1, 2]);
  });

  test("refuses what is no outermost step, a step not reached, and a step of another text", () => {
    const run = failedRun();
    const refused =
      (from: string, hash = run.hash) =>
      () =>
        retryStep(run, from, hash);
    expect(refused("effects[3]")).toThrow("did not get to effects[3]; its last step is effects[2]");
    for (const from of ["2", "onError[0]", "effects[0].choose[0].effects[0]", "effects[-1]"])
      expect(refused(from)).toThrow("is no step of the outermost sequence");
    expect(refused("effects[1]", "another")).toThrow("test has changed since");
  });
});

describe("planRetries()", () => {
  const run = failedRun();
  const later = (ms: number, changes: Partial<Run> = {}): Run => ({
    ...run,
    id: `${run.id} ${ms}`,
    startedMs: run.startedMs + ms,
    ...changes,
  });
  const other: Run = {
    ...run,
    id: "other",
    trigger: { ...run.trigger, nominalMs: 1, kind: "timer", event: undefined as never },
  };

  test("the newest failed run of each trigger, unless a later one goes on or ended well", () => {
    expect(planRetries([run, later(1), other], 0)).toEqual({
      runs: [other, later(1)].toSorted((a, b) => a.startedMs - b.startedMs),
      settled: 1,
    });
    expect(planRetries([run, later(1, { outcome: "succeeded" })], 0)).toEqual({ runs: [], settled: 1 });
    const { outcome: _, ...active } = later(1);
    expect(planRetries([active, run], 0)).toEqual({ runs: [], settled: 1 });
  });

  test("leaves out what was cancelled, and what began before", () => {
    expect(planRetries([{ ...run, outcome: "cancelled" }], 0)).toEqual({ runs: [], settled: 0 });
    expect(planRetries([run], run.startedMs + 1)).toEqual({ runs: [], settled: 0 });
  });
});
