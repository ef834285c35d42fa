import { describe, expect, test } from "vitest";
import { envelope, ScenarioScene, START_MS } from "../../../../../test/kit/scenario-scene.ts";
import { decide } from "./decide.ts";

const scene = (lines: string): ScenarioScene => new ScenarioScene(lines);
const PUBLISH = `effects: [{ publish: ui.notify@1, data: { text: "\${event.data.n}" } }]`;
const ON_BELL = "triggers: [{ event: door.bell.rung@1 }]";

describe("decide() with modes", () => {
  test("without room nothing begins, and what is under way goes on", () => {
    const one = scene(`mode: parallel\nmax: 5\n${ON_BELL}\n${PUBLISH}`);
    one.event("door.bell.rung", { n: 1 });
    const event = envelope("door.bell.rung", { n: 2 }, 77, START_MS);
    const { skips, state } = decide(one.scenario, one.state, { kind: "event", event }, START_MS, true);
    expect(skips).toMatchObject([{ cause: "overflow" }]);
    expect(Object.keys(state.runs)).toHaveLength(1);
    one.done();
    expect(one.outcomes).toEqual(["succeeded"]);
  });

  test("cancel: a start that waits for its turn never begins, and says so", () => {
    const one = scene(`mode: queued\nmax: 5\n${ON_BELL}\n${PUBLISH}`);
    for (const n of [1, 2, 3]) one.event("door.bell.rung", { n });
    const [second] = one.state.triggers.waiting;
    one.input({ kind: "cancel", runId: second?.runId ?? "", reason: "by hand" });
    one.done();
    one.done();
    expect(one.published).toEqual([{ text: 1 }, { text: 3 }]);
    expect(one.skips).toMatchObject([{ cause: "cancelled", reason: "by hand" }]);
  });

  test("single: a trigger while a run goes on starts nothing", () => {
    const one = scene(`${ON_BELL}\n${PUBLISH}`);
    for (const n of [1, 2]) one.event("door.bell.rung", { n });
    one.done();
    one.event("door.bell.rung", { n: 3 });
    expect(one.published).toEqual([{ text: 1 }, { text: 3 }]);
    expect(one.skips).toMatchObject([{ cause: "mode", reason: expect.stringContaining("is running") }]);
  });

  test("single with key: other keys are not disturbed", () => {
    const one = scene(`key: event.data.room\n${ON_BELL}\n${PUBLISH}`);
    one.event("door.bell.rung", { n: 1, room: "a" });
    one.event("door.bell.rung", { n: 2, room: "b" });
    one.event("door.bell.rung", { n: 3, room: "a" });
    expect(one.published).toEqual([{ text: 1 }, { text: 2 }]);
    expect(one.skips).toMatchObject([{ cause: "key-busy", key: "a" }]);
  });

  test("restart: of three triggers at once the last one runs", () => {
    const one = scene(
      `mode: restart\n${ON_BELL}\neffects: [{ delay: 5s }, { publish: a.b, data: { n: "\${event.data.n}" } }]`,
    );
    for (const n of [1, 2, 3]) one.event("door.bell.rung", { n });
    one.pass(5000);
    one.done();
    expect(one.published).toEqual([{ n: 3 }]);
    expect(one.outcomes).toEqual(["cancelled", "cancelled", "succeeded"]);
  });

  test("restart and parallel: of triggers at one time those that give way have never run", () => {
    const timers =
      "triggers: [{ at: 2026-01-05T07:01 }, { id: b, at: 2026-01-05T07:01 }, { id: c, at: 2026-01-05T07:01 }]";
    for (const mode of ["restart", "parallel\nmax: 1\noverflow: drop-oldest"]) {
      const one = scene(
        `mode: ${mode}\n${timers}\neffects: [{ publish: a.b, data: { id: "\${trigger.id}" } }]`,
      );
      one.pass(60_000);
      expect([one.published, Object.keys(one.state.runs).length, one.causes.length]).toEqual([
        [{ id: "c" }],
        1,
        2,
      ]);
    }
  });

  test("queued: runs follow each other in order", () => {
    const one = scene(`mode: queued\n${ON_BELL}\n${PUBLISH}`);
    for (const n of [1, 2, 3]) one.event("door.bell.rung", { n });
    expect(one.published).toEqual([{ text: 1 }]);
    one.done();
    expect(one.published).toEqual([{ text: 1 }, { text: 2 }, { text: 3 }]);
  });

  test.each([
    ["drop-new", [1, 2], [3, 4]],
    ["drop-oldest", [1, 4], [2, 3]],
    ["coalesce", [1, 4], [2, 3]],
  ])("queued, full, %s", (overflow, runs, dropped) => {
    const one = scene(`mode: queued\nmax: 2\noverflow: ${overflow}\n${ON_BELL}\n${PUBLISH}`);
    for (const n of [1, 2, 3, 4]) one.event("door.bell.rung", { n });
    one.done();
    expect(one.published).toEqual(runs.map((text) => ({ text })));
    expect(one.skips.map(({ cause, trigger }) => [cause, trigger.event?.data])).toEqual(
      dropped.map((n) => ["overflow", { n }]),
    );
  });

  test.each([
    ["drop-new", [1, 2], []],
    ["drop-oldest", [1, 2, 3, 4], ["cancelled", "cancelled"]],
    ["coalesce", [1, 2, 4], []],
  ])("parallel, full, %s", (overflow, runs, cancelled) => {
    const one = scene(`mode: parallel\nmax: 2\noverflow: ${overflow}\n${ON_BELL}\n${PUBLISH}`);
    for (const n of [1, 2, 3, 4]) one.event("door.bell.rung", { n });
    expect(one.outcomes).toEqual(cancelled);
    one.done();
    expect(one.published).toEqual(runs.map((text) => ({ text })));
  });
});

describe("decide() with conditions and times", () => {
  test("a condition that is false is recorded with the values that it read, and changes no state", () => {
    const one = scene("triggers: [{ event: a.b, when: event.data.n > 3 }]\neffects: [{ stop: x }]");
    const before = one.state;
    const decision = one.input({ kind: "event", event: envelope("a.b", { n: 1 }) });
    expect(one.skips).toMatchObject([
      {
        cause: "condition",
        conditions: [{ text: "event.data.n > 3", value: false, values: { "event.data.n": 1 } }],
      },
    ]);
    expect(decision.state).toEqual(before);
  });

  test("an expression without a value is a cause of its own", () => {
    const one = scene(
      "key: event.data.k\ntriggers: [{ event: a.b }]\nconditions: [event.data.n]\neffects: [{ stop: x }]",
    );
    one.event("a.b", {});
    one.event("a.b", { k: 1, n: 7 });
    expect(one.skips.map(({ cause, reason }) => [cause, reason])).toEqual([
      ["error", "key: No such key: k"],
      ["error", "must be true or false, is a number"],
    ]);
  });

  test("an event starts one run, whichever of the triggers it meets, and again when it comes again none", () => {
    const one = scene(`triggers: [{ event: a. }, { event: a.b }]\nmode: parallel\n${PUBLISH}`);
    const event = one.event("a.b", { n: 1 });
    one.done();
    one.input({ kind: "event", event });
    expect(one.effects).toHaveLength(1);
  });

  test("debounce: the last of triggers in a row starts the run", () => {
    const one = scene(`debounce: 10s\n${ON_BELL}\n${PUBLISH}`);
    one.event("door.bell.rung", { n: 1 });
    one.pass(9000);
    one.event("door.bell.rung", { n: 2 });
    one.pass(9999);
    expect(one.published).toEqual([]);
    one.pass(1);
    expect(one.published).toEqual([{ text: 2 }]);
    expect(one.causes).toEqual(["debounce"]);
  });

  test("cooldown: nothing starts until it is over, of this key", () => {
    const one = scene(`cooldown: 10s\nkey: event.data.k\n${ON_BELL}\n${PUBLISH}`);
    one.event("door.bell.rung", { n: 1, k: "a" });
    one.done();
    one.pass(9999);
    one.event("door.bell.rung", { n: 2, k: "a" });
    one.event("door.bell.rung", { n: 3, k: "b" });
    one.pass(1);
    one.event("door.bell.rung", { n: 4, k: "a" });
    expect(one.published).toEqual([{ text: 1 }, { text: 3 }, { text: 4 }]);
    expect(one.skips).toMatchObject([{ cause: "cooldown", reason: "until 2026-01-05T07:00:10.000Z" }]);
  });

  test("for: fires once a state has held, and again only after it has ended", () => {
    const one = scene(
      "key: event.data.w\ntriggers: [{ event: w.s, when: event.data.open, for: 10m }]\nmode: parallel\neffects: [{ publish: a.b }]",
    );
    one.event("w.s", { w: 1, open: true });
    one.pass(300_000);
    one.event("w.s", { w: 1, open: true });
    one.event("w.s", { w: 2, open: true });
    one.event("w.s", { w: 2, open: false });
    one.pass(299_999);
    expect(one.effects).toHaveLength(0);
    one.pass(1);
    one.event("w.s", { w: 1, open: true });
    one.pass(3_600_000);
    expect(one.effects).toHaveLength(1);
    one.event("w.s", { w: 1, open: false });
    one.event("w.s", { w: 1, open: true });
    one.pass(600_000);
    expect(one.effects).toHaveLength(2);
    expect(one.effects[0]?.nominalMs).toBe(START_MS + 600_000);
  });

  test("for with endedBy: another event ends the state", () => {
    const one = scene(
      "triggers: [{ event: w.opened, for: 10m, endedBy: { event: w.closed } }]\neffects: [{ stop: x }]",
    );
    one.event("w.opened");
    one.event("w.closed");
    one.pass(3_600_000);
    expect(one.ended).toEqual([]);
  });

  test("timers fire at their nominal times, and those that were missed follow catchUp", () => {
    const one = scene(
      `triggers: [{ cron: "*/10 * * * *", catchUp: all }, { at: 2026-01-05T07:05 }]\nmode: parallel\neffects: [{ publish: a.b, data: { at: "\${trigger.at}" } }]`,
    );
    one.pass(600_000);
    one.nowMs += 1_800_000;
    one.pass(0);
    one.done();
    expect(one.published).toEqual(
      ["07:05", "07:10", "07:20", "07:30", "07:40"].map((time) => ({ at: `2026-01-05T${time}:00.000Z` })),
    );
  });

  test("a timer that has not changed goes on when the scenario changes", () => {
    const one = scene("triggers: [{ every: 10m }]\neffects: [{ publish: a.b }]");
    one.pass(300_000);
    const changed = scene(
      "triggers: [{ at: 2027-01-01T00:00 }, { every: 10m }]\neffects: [{ publish: a.c }]",
    );
    changed.state = one.state;
    changed.nowMs = one.nowMs;
    changed.input({ kind: "clock" });
    changed.pass(300_000);
    expect(changed.effects).toMatchObject([{ event: "a.c", nominalMs: START_MS + 600_000 }]);
  });

  test("a paused scenario starts nothing, and tells it; by hand it runs", () => {
    const one = scene(`${ON_BELL}\n${PUBLISH}`);
    one.input({ kind: "pause" });
    one.event("door.bell.rung", { n: 1 });
    one.input({ kind: "run", event: envelope("scenario.run", { name: "test" }), data: { n: 2 } });
    expect([one.causes, one.published]).toEqual([["paused"], [{ text: 2 }]]);
  });

  test("long keys are cut, and stay different", () => {
    const one = scene(`key: event.data.k\n${ON_BELL}\n${PUBLISH}`);
    for (const [n, end] of ["a", "b", "a"].entries())
      one.event("door.bell.rung", { n, k: `${"k".repeat(500)}${end}` });
    expect([one.effects.length, one.causes]).toEqual([2, ["key-busy"]]);
    expect(one.skips[0]?.key.length).toBe(100);
  });

  test("states that hold are bounded, and the reason tells that they have not ended", () => {
    const one = scene(
      `key: string(event.data.n)\nmode: parallel\ntriggers: [{ event: door.bell.rung, when: event.data.n >= 0, for: 1s }]\n${PUBLISH}`,
    );
    for (let n = 0; n < 500; n++) one.event("door.bell.rung", { n });
    one.pass(1000);
    one.event("door.bell.rung", { n: 500 });
    expect(one.skips.map(({ reason }) => reason)).toEqual(["500 states hold already, and have not ended"]);
  });

  test("what waits is bounded by its bytes", () => {
    const one = scene(`mode: queued\nmax: 100\n${ON_BELL}\n${PUBLISH}`);
    for (let n = 0; n < 10; n++) one.event("door.bell.rung", { n, text: "x".repeat(100_000) });
    expect(JSON.stringify(one.state.triggers).length).toBeLessThan(600_000);
    expect(new Set(one.causes)).toEqual(new Set(["overflow"]));
  });
});
