import type { Run } from "@adaos/skills";
import { describe, expect, test } from "vitest";
import { ScenarioScene } from "../../../../test/kit/scenario-scene.ts";
import { EventMask } from "../mask/event-mask.ts";
import { reportWholeRun } from "./run-report.ts";
import { type RunTimeline, runTimeline, type TimelineStep } from "./run-timeline.ts";

const NAME = { subnet: "alpha", node: "kitchen", scenario: "test" };
const MASK = new EventMask({ mask: (_, __, data) => data });

function timelineOf(scene: ScenarioScene): RunTimeline {
  const run = (scene.ended[0] ?? Object.values(scene.state.runs)[0]) as Run;
  return runTimeline(run, reportWholeRun(NAME, run, MASK, scene.nowMs));
}

function begun(effects: string, more = "", data: unknown = { n: 2 }): ScenarioScene {
  const scene = new ScenarioScene(`triggers: [{ event: a.start }]\n${more}\neffects:\n${effects}`);
  scene.event("a.start", data);
  return scene;
}

/** `effects[0] done`, of all steps within each other. */
const states = (steps: readonly TimelineStep[]): string[] =>
  steps.flatMap(({ step, state, ways }) => [
    `${step} ${state}`,
    ...ways.flatMap((way) => states(way.steps).map((text) => `${way.isTaken ? "+" : "-"} ${text}`)),
  ]);

describe("runTimeline()", () => {
  test("has branches that were taken and those that were not, with the condition's values", () => {
    const scene = begun(`  - choose:
      - when: event.data.n > 5
        effects: [{ publish: a.much }]
      - when: event.data.n > 1
        effects:
          - publish: a.some
    otherwise: [{ publish: a.none }]
  - publish: a.last`);
    scene.done();
    const { effects, is_cut } = timelineOf(scene);
    expect(states(effects)).toEqual([
      "effects[0] done",
      "- effects[0].choose[0].effects[0] not-reached",
      "+ effects[0].choose[1].effects[0] done",
      "- effects[0].otherwise[0] not-reached",
      "effects[1] done",
    ]);
    expect(is_cut).toBe(false);
    expect(effects[0]?.ways.map(({ label }) => label)).toEqual([
      "when event.data.n > 5",
      "when event.data.n > 1",
      "otherwise",
    ]);
    expect(effects[0]?.conditions).toMatchObject([
      { text: "event.data.n > 5", value: false, values: { "event.data.n": 2 } },
      { value: true },
    ]);
    expect(effects[0]?.ways[1]?.steps[0]).toMatchObject({ event: "a.some", lines: { first: 9, last: 9 } });
    expect(effects[0]?.lines).toEqual({ first: 4, last: 10 });
  });

  test("shows where a run is, and until when", () => {
    const scene = begun("  - { publish: a.first }\n  - { delay: 1h }\n  - { publish: a.last }");
    scene.done();
    const { effects } = timelineOf(scene);
    expect(states(effects)).toEqual(["effects[0] done", "effects[1] under-way", "effects[2] not-reached"]);
    expect(effects[1]).toMatchObject({
      about: "3600 s",
      began_at: "2026-01-05T07:00:00.000Z",
      until: "2026-01-05T08:00:00.000Z",
    });
  });

  test("of one that was cancelled: the step that was left", () => {
    const scene = begun("  - { publish: a.first }\n  - { delay: 1h }\n  - { publish: a.last }");
    scene.done();
    const [run] = Object.values(scene.state.runs);
    scene.input({ kind: "cancel", runId: run?.id ?? "", reason: "enough" });
    expect(states(timelineOf(scene).effects)).toEqual([
      "effects[0] done",
      "effects[1] left",
      "effects[2] not-reached",
    ]);
  });

  test("of one that failed: the step with its error, what followed, and what a stop says", () => {
    const scene = begun(
      "  - { request: a.ask, onError: [{ delay: 1s }, { stop: no answer, failed: true }] }\n  - { publish: a.last }",
    );
    scene.done({ error: "nobody" });
    scene.pass(2000);
    const { effects } = timelineOf(scene);
    expect(states(effects)).toEqual([
      "effects[0] failed",
      "+ effects[0].onError[0] done",
      "+ effects[0].onError[1] failed",
      "effects[1] not-reached",
    ]);
    expect(effects[0]).toMatchObject({ error: "nobody" });
    expect(effects[0]?.ways[0]?.steps[1]).toMatchObject({ about: "no answer" });
  });

  test("of one without a record of the failure: the step that the reason names", () => {
    const scene = begun(
      `  - { publish: a.first }\n  - { publish: a.last, data: { n: "\${event.data.missing}" } }`,
      "onError: [{ publish: a.sorry }]",
    );
    scene.done();
    scene.done();
    const { effects, on_error } = timelineOf(scene);
    expect(states(effects)).toEqual(["effects[0] done", "effects[1] failed"]);
    expect(effects[1]?.error).toContain("missing");
    expect(states(on_error)).toEqual(["onError[0] done"]);
  });

  test("has the turns of a repetition and the branches of parallel, each with its own steps", () => {
    const scene = begun(
      "  - { repeat: [{ publish: a.b }], times: 2 }\n  - parallel: [[{ delay: 1h }], [{ delay: 1m }]]",
    );
    scene.done();
    scene.done();
    scene.pass(120_000);
    const { effects } = timelineOf(scene);
    expect(states(effects)).toEqual([
      "effects[0] done",
      "+ effects[0].repeat#0[0] done",
      "+ effects[0].repeat#1[0] done",
      "effects[1] under-way",
      "+ effects[1].parallel[0][0] under-way",
      "+ effects[1].parallel[1][0] done",
    ]);
    expect(effects[0]?.ways[1]?.steps[0]?.lines).toEqual({ first: 4, last: 4 });
  });
});
