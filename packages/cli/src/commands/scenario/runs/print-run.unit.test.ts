import type { RunReport, WholeRunReport } from "@adaos/operations";
import { describe, expect, test } from "vitest";
import {
  comparedCells,
  outcomeCells,
  runCells,
  runLines,
  skipCells,
  spanText,
  triggerText,
} from "./print-run.ts";

const AT = "2026-01-05T07:00:00.123Z";
const RUN: RunReport = {
  id: "RUN-1",
  scenario: "alpha/kitchen/heating",
  hash: "0123",
  key: "",
  shadow: false,
  trigger: { kind: "event", at: AT, event: "lab.weighed@1", event_id: "EVT-1" },
  started_at: AT,
  ended_at: AT,
  duration_ms: 1234,
  outcome: "succeeded",
};
const CONDITION = { text: "event.data.n > 3", value: false, values: { "event.data.n": 2 } };

describe("spanText()", () => {
  test("has the two largest units", () => {
    expect([0, 999, 1234, 59_999, 61_000, 3_600_000, 3_725_000, 90_061_000].map(spanText)).toEqual([
      "0 ms",
      "999 ms",
      "1.2 s",
      "60 s",
      "1m 1s",
      "1h",
      "1h 2m",
      "1d 1h",
    ]);
  });
});

describe("triggerText()", () => {
  test("names the event, the timer's id or time, or the hand", () => {
    expect(triggerText(RUN.trigger)).toBe("event lab.weighed@1 EVT-1");
    expect(triggerText({ kind: "timer", id: "weekend", at: AT })).toBe("timer weekend 2026-01-05T07:00:00Z");
    expect(triggerText({ ...RUN.trigger, kind: "run" })).toBe("by hand EVT-1");
  });
});

describe("runCells()", () => {
  test("end with the reason, or with where the run is", () => {
    expect(runCells({ ...RUN, outcome: "failed", reason: "effects[0]: no\nreply" }).slice(-2)).toEqual([
      "failed",
      "effects[0]: no",
    ]);
    const now = { step: "effects[1]", doing: "delay", until: AT };
    expect(runCells({ ...RUN, shadow: true, outcome: "active", now }).slice(-3)).toEqual([
      "1.2 s",
      "active (shadow)",
      "at effects[1] (delay) until 2026-01-05T07:00:00Z",
    ]);
  });
});

describe("runLines()", () => {
  test("have the run, its conditions and its steps", () => {
    const whole: WholeRunReport = {
      ...RUN,
      key: "attic",
      conditions: [{ ...CONDITION, value: true }],
      steps: [
        { step: "effects[0]", verb: "choose", at: AT, outcome: "branch", branch: 1, conditions: [CONDITION] },
        {
          step: "effects[1]",
          verb: "publish",
          at: AT,
          ms: 12,
          outcome: "done",
          event: "ui.notify@1",
          event_id: "EVT-2",
        },
        { step: "effects[2]", verb: "request", at: AT, ms: 2000, outcome: "timeout", error: "no reply" },
      ],
      unlogged: 3,
    };
    expect(runLines(whole)).toEqual([
      "run       RUN-1",
      "scenario  alpha/kitchen/heating (0123)",
      `trigger   event lab.weighed@1 EVT-1, at ${AT}`,
      "key       attic",
      `started   ${AT}`,
      `ended     ${AT}, after 1.2 s`,
      "outcome   succeeded",
      "conditions",
      "  true  event.data.n > 3  (event.data.n = 2)",
      "steps",
      `  effects[0]  choose   ${AT}         branch   branch 1  event.data.n > 3 is false  (event.data.n = 2)`,
      `  effects[1]  publish  ${AT}  12 ms  done     ui.notify@1  EVT-2`,
      `  effects[2]  request  ${AT}  2 s    timeout  no reply`,
      "3 more steps are not recorded",
    ]);
  });
});

describe("lines of lists", () => {
  test("skips have the values of the condition that was false", () => {
    const { scenario, key, trigger } = RUN;
    const skip = {
      scenario,
      key,
      trigger,
      at: AT,
      cause: "condition",
      reason: "event.data.n > 3 is false",
    } as const;
    expect(skipCells({ ...skip, conditions: [CONDITION] }).slice(-2)).toEqual([
      "condition",
      "event.data.n > 3 is false  (event.data.n = 2)",
    ]);
  });

  test("outcomes of triggers have the run or the reason", () => {
    expect(
      outcomeCells({ at: AT, trigger: RUN.trigger, result: "succeeded", run: "RUN-1" }).slice(-2),
    ).toEqual(["succeeded", "RUN-1"]);
    expect(
      outcomeCells({ at: AT, trigger: RUN.trigger, result: "cooldown", reason: "until noon" }).at(-1),
    ).toBe("until noon");
  });

  test("compared runs have both runs, and where they differ", () => {
    const pair = { trigger: "EVT-1", at: AT, live: "RUN-1" } as const;
    expect(comparedCells({ ...pair, result: "only-live", why: "shadow: cooldown" }).slice(2)).toEqual([
      "only-live",
      "RUN-1",
      "-",
      "shadow: cooldown",
    ]);
    expect(comparedCells({ ...pair, result: "differs", step: "effects[0]", why: "data differ" }).at(-1)).toBe(
      "at effects[0]: data differ",
    );
  });
});
