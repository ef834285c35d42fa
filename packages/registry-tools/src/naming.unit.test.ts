import { describe, expect, test } from "vitest";
import { namingProblem } from "./naming.ts";

describe("namingProblem()", () => {
  test.each([
    ["nlp.intent.detected", "event"],
    ["mesh.delivery.dead_lettered", "event"],
    ["shop.order.built", "event"],
    ["nlp.intent.detect", "command"],
    ["repo.skill.install", "command"],
    ["scenario.run", "command"],
    ["scenario.run", "event"],
    ["shop.cat.feed", "command"],
    ["repo.skill.install.result", "reply"],
  ] as const)("has nothing against %s as %s", (name, kind) => {
    expect(namingProblem(name, kind)).toBeUndefined();
  });

  test.each([
    ["timer.tick", "event", "name-event", "timer.ticked"],
    ["ui.notify", "event", "name-event", "ui.notified"],
    ["shop.price.change", "event", "name-event", "shop.price.changed"],
    ["shop.speed", "event", "name-event", undefined],
    ["repo.skill.installed", "command", "name-command", undefined],
    ["scenario.result", "command", "name-command", undefined],
    ["scenario.result", "event", "name-event", undefined],
    ["scenario.result", "reply", "name-reply", undefined],
    ["repo.skill.install", "reply", "name-reply", "repo.skill.install.result"],
  ] as const)("refuses %s as %s", (name, kind, rule, suggestion) => {
    const problem = namingProblem(name, kind);
    expect(problem?.rule).toBe(rule);
    if (suggestion !== undefined) expect(problem?.suggestion).toBe(suggestion);
  });
});
