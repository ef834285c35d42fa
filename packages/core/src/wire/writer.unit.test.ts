import { describe, expect, test } from "vitest";
import { writerOf } from "./writer.ts";

describe("writerOf()", () => {
  test.each([
    ["evt.alpha.kitchen.ui.notify.v1", "alpha/kitchen"],
    ["dlq.alpha.desk.mine.7-EVT-1", "alpha/desk"],
    ["proc.alpha.desk.mine.EVT-1", "alpha/desk"],
    ["met.alpha.desk.1-2.2026-11-29T08", "alpha/desk"],
    ["rpy.far.alpha.kitchen.EVT-1.beta.desk.repo.skill.install.v1", "beta/desk"],
    ["rpl.desk.mine.alpha.kitchen.ui.notify.v1", undefined],
    ["evt", undefined],
    ["evt.alpha", undefined],
    ["constructor.alpha.kitchen", undefined],
    ["", undefined],
  ])("of %j it is %j", (subject, writer) => {
    const address = writerOf(subject);
    expect(address === undefined ? undefined : `${address.subnet}/${address.node}`).toBe(writer);
  });
});
