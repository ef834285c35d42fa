import type { Run, Skip } from "@adaos/skills";
import { describe, expect, test } from "vitest";
import { envelope, ScenarioScene, START_MS } from "../../../../test/kit/scenario-scene.ts";
import { EventMask } from "../mask/event-mask.ts";
import { reportRun, reportSkip, reportWholeRun } from "./run-report.ts";

const NAME = { subnet: "alpha", node: "kitchen", scenario: "test" };
const NAMES = ["a.start", "a.go", "a.ask.result", "a.b"];
/** A registry in which the data of these events is classified as a whole. */
const maskOf = (...classified: readonly string[]): EventMask =>
  new EventMask({ mask: (name, _, data) => (classified.includes(name) ? "[pii]" : data) }, NAMES);
const PLAIN = maskOf();

const TEXT = `triggers: [{ event: a.start }]
key: event.data.who
conditions: ['event.data.who == "canary"']
effects: [{ publish: a.b }, { stop: "about $\{event.data.who}" }]`;

function ran(text = TEXT): ScenarioScene {
  const scene = new ScenarioScene(text);
  scene.event("a.start", { who: "canary" });
  scene.done();
  return scene;
}

const runOf = (text?: string): Run => ran(text).ended[0] as Run;

describe("reportWholeRun()", () => {
  test("tells trigger, conditions with values, steps and outcome", () => {
    const run = runOf();
    expect(reportWholeRun(NAME, run, PLAIN, START_MS)).toMatchObject({
      id: run.id,
      scenario: "alpha/kitchen/test",
      key: "canary",
      trigger: { kind: "event", event: "a.start@1", event_id: run.trigger.event?.event_id },
      outcome: "stopped",
      reason: "about canary",
      conditions: [{ value: true, values: { "event.data.who": "canary" } }],
      steps: [{ step: "effects[0]", verb: "publish", outcome: "done", event: "a.b" }],
    });
  });

  test("shows nothing of a classified trigger's data, and no digest of what was published", () => {
    const text = JSON.stringify(reportWholeRun(NAME, runOf(), maskOf("a.start"), START_MS)).replaceAll(
      'event.data.who == \\"canary\\"',
      "",
    );
    expect(text).not.toContain("canary");
    expect(text).not.toContain("digest");
    expect(text).toContain("[pii]");
  });

  test("shows no values where a wait or a reply may have brought classified data", () => {
    const waits = TEXT.replace("{ publish: a.b }", "{ wait: a.go, timeout: 1s }");
    const asks = TEXT.replace("{ publish: a.b }", "{ request: a.ask }");
    const report = (text: string, ...classified: readonly string[]) => {
      const scene = ran(text);
      scene.pass(20_000);
      return reportWholeRun(NAME, scene.ended[0] as Run, maskOf(...classified), START_MS);
    };
    expect(report(waits, "a.b").conditions[0]?.values).not.toEqual({});
    expect(report(waits, "a.go").conditions[0]?.values).toEqual({});
    expect(report(asks, "a.ask.result")).toMatchObject({ key: "[masked]", conditions: [{ values: {} }] });
  });

  test("shows no values of a run whose text cannot be read any more", () => {
    const run = { ...runOf(), text: "of another version" };
    expect(reportWholeRun(NAME, run, PLAIN, START_MS).conditions[0]?.values).toEqual({});
  });

  test("masks the arguments of a run by hand as its command's schema says", () => {
    const scene = new ScenarioScene(TEXT);
    scene.input({ kind: "run", event: envelope("scenario.run", {}), data: { who: "canary" } });
    scene.done();
    const mask = new EventMask({
      mask: (name, _, data) =>
        name === "scenario.run" && data !== null ? { name: "x", args: { who: "[pii]" } } : data,
    });
    const report = reportWholeRun(NAME, scene.ended[0] as Run, mask, START_MS);
    expect(report.event?.data).toEqual({ who: "[pii]" });
  });
});

describe("reportRun()", () => {
  test("tells where a run is that goes on, and how long it has", () => {
    const scene = new ScenarioScene("triggers: [{ event: a.start }]\neffects: [{ delay: 1h }]");
    scene.event("a.start");
    const [run] = Object.values(scene.state.runs);
    expect(reportRun(NAME, run as Run, PLAIN, START_MS + 5000)).toMatchObject({
      outcome: "active",
      duration_ms: 5000,
      now: { step: "effects[0]", doing: "delay", until: "2026-01-05T08:00:00.000Z" },
    });
  });

  test("keeps the reason of a failed step, of a classified trigger too", () => {
    const run: Run = {
      ...runOf(),
      outcome: "failed",
      reason: 'effects[0]: delay is "canary"; it must be a number',
    };
    expect(reportRun(NAME, run, maskOf("a.start"), 0).reason).toBe(
      "effects[0]: delay is [masked]; it must be a number",
    );
    expect(reportRun(NAME, { ...run, reason: "effects[1]: no reply" }, maskOf("a.start"), 0).reason).toBe(
      "effects[1]: no reply",
    );
  });
});

describe("reportSkip()", () => {
  test("shows the values of the condition unless the event is classified", () => {
    const scene = new ScenarioScene(TEXT);
    scene.event("a.start", { who: "nobody" });
    const skip = scene.skips[0] as Skip;
    expect(reportSkip(NAME, skip, PLAIN)).toMatchObject({
      cause: "condition",
      key: "nobody",
      conditions: [{ value: false, values: { "event.data.who": "nobody" } }],
    });
    expect(JSON.stringify(reportSkip(NAME, skip, maskOf("a.start")))).not.toContain("nobody");
  });
});
