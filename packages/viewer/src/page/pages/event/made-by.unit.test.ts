import { describe, expect, test } from "vitest";
import { madeBy } from "./made-by.ts";

describe("madeBy()", () => {
  test("names the timer by its member, as the page Behaviour does", () => {
    const maker = madeBy("timer@kitchen", { timer: "hour" }, "evt.alpha.kitchen.timer.tick.v1");
    expect(maker?.query).toEqual({ tab: "timers", timer: "alpha/kitchen/hour" });
  });

  test("names the last scenario of the ring", () => {
    const maker = madeBy(
      "scenario@kitchen",
      { scenario_ring: "dawn chime" },
      "evt.alpha.kitchen.ui.notify.v1",
    );
    expect(maker).toMatchObject({ kind: "scenario", title: "chime" });
    expect(maker?.query).toEqual({ tab: "scenarios", scenario: "alpha/kitchen/chime" });
  });

  test.each([
    ["app@kitchen", { timer: "hour" }, "evt.alpha.kitchen.timer.tick.v1"],
    ["timer@kitchen", { timer: 7 }, "evt.alpha.kitchen.timer.tick.v1"],
    ["scenario@kitchen", null, "evt.alpha.kitchen.ui.notify.v1"],
    [7, { timer: "hour" }, "evt.alpha.kitchen.timer.tick.v1"],
    ["timer@kitchen", { timer: "hour" }, "strange"],
  ])("knows nothing of %s %j %s", (source, headers, subject) => {
    expect(madeBy(source, headers, subject)).toBeUndefined();
  });
});
