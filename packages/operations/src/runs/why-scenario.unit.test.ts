import { describe, expect, test } from "vitest";
import { ScenarioScene } from "../../../../test/kit/scenario-scene.ts";
import { EventMask } from "../mask/event-mask.ts";
import { reportRun, reportSkip } from "./run-report.ts";
import { type ScenarioStand, scenarioStand, triggerOutcomes } from "./why-scenario.ts";

const NAME = { subnet: "alpha", node: "kitchen", scenario: "test" };
const MASK = new EventMask({ mask: (_, __, data) => data });

function lookedAt(scene: ScenarioScene) {
  const all = [...scene.ended, ...Object.values(scene.state.runs)];
  const runs = all.map((run) => reportRun(NAME, run, MASK, scene.nowMs));
  return {
    runs,
    outcomes: triggerOutcomes(
      runs,
      scene.skips.map((one) => reportSkip(NAME, one, MASK)),
      0,
      20,
    ),
  };
}

function standOf(scene: ScenarioScene, asked: readonly unknown[] = []): ScenarioStand {
  const { runs, outcomes } = lookedAt(scene);
  const stored = {
    v: 1,
    triggers: scene.state.triggers,
    unrecorded: [],
    hash: scene.scenario.hash,
    asked: asked as never,
    name: NAME,
    storedAt: "",
  } as const;
  const active = runs.filter(({ outcome }) => outcome === "active");
  return scenarioStand(stored, active, outcomes.at(-1), scene.scenario.text, scene.nowMs);
}

const EFFECTS = "effects: [{ delay: 1h }]";
const scene = (head: string): ScenarioScene => new ScenarioScene(`${head}\n${EFFECTS}`);

describe("triggerOutcomes()", () => {
  test("has runs and skips in the order of time, with the values of a false condition", () => {
    const one = scene("triggers: [{ event: a.start, when: event.data.n > 1 }]");
    one.event("a.start", { n: 1 });
    one.pass(1000);
    one.event("a.start", { n: 2 });
    one.pass(1000);
    one.event("a.start", { n: 3 });
    expect(lookedAt(one).outcomes).toMatchObject([
      { result: "condition", reason: "event.data.n > 1 is false", values: { "event.data.n": 1 } },
      { result: "active", run: expect.stringMatching(/^RUN-/) },
      { result: "mode", reason: expect.stringMatching(/^RUN-.* is running$/) },
    ]);
    expect(triggerOutcomes(lookedAt(one).runs, [], one.nowMs, 20)).toEqual([]);
  });
});

describe("scenarioStand()", () => {
  test("of one that never had a trigger: what it waits for, and how to run it", () => {
    const text = "triggers: [{ event: a.start, when: event.data.n > 1, for: 5s }, { every: 15m }]";
    expect(standOf(scene(text))).toEqual({
      sentences: [
        "Its next time is 2026-01-05T07:15:00.000Z.",
        "No trigger of it is recorded.",
        "It waits for a.start when event.data.n > 1 for 5 s, or every 900 s.",
      ],
      next: "adaos scenario run alpha/kitchen/test",
    });
  });

  test("of one that is paused: how to resume it", () => {
    const one = scene("triggers: [{ event: a.start }]");
    one.input({ kind: "pause" });
    one.event("a.start");
    expect(standOf(one)).toMatchObject({
      sentences: ["It is paused: its triggers start nothing, only a run by hand does."],
      next: "adaos scenario resume alpha/kitchen/test",
    });
  });

  test("of one with a run: where it is; and what waits behind it", () => {
    const one = scene("triggers: [{ event: a.start }]\nmode: queued\nmax: 3");
    one.event("a.start");
    one.event("a.start");
    const { sentences, next } = standOf(one);
    expect(sentences).toEqual([
      expect.stringMatching(/^Run RUN-\S+ is at effects\[0\] \(delay\) until 2026-01-05T08:00:00\.000Z\.$/),
      "1 start waits for a run to end.",
    ]);
    expect(next).toMatch(/^adaos scenario show RUN-/);
  });

  test("of one that cools down, debounces, or whose state holds: until when", () => {
    const one = scene("triggers: [{ event: a.start }]\ncooldown: 2h\nmode: parallel");
    one.event("a.start");
    one.pass(3_600_000);
    expect(standOf(one).sentences).toContain("The last cooldown ends at 2026-01-05T09:00:00.000Z.");
    one.pass(3_600_000);
    expect(standOf(one).sentences).toEqual(["It waits for a.start."]);
    const held = scene("triggers: [{ event: a.start, when: 1 < 2, for: 1m }]");
    held.event("a.start");
    expect(standOf(held).sentences[0]).toBe(
      "A state holds; it starts a run at 2026-01-05T07:01:00.000Z unless it ends.",
    );
    const debounced = scene("triggers: [{ event: a.start }]\ndebounce: 1m");
    debounced.event("a.start");
    expect(standOf(debounced).sentences[0]).toBe("1 start waits for the end of debounce.");
  });

  test("of one whose member has not taken a request: to look whether it runs", () => {
    expect(standOf(scene("triggers: [{ event: a.start }]"), [{}])).toMatchObject({
      sentences: [
        "1 request waits until the member's daemon takes it.",
        "No trigger of it is recorded.",
        "It waits for a.start.",
      ],
      next: "adaos status",
    });
  });
});
