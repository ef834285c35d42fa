import { type MeshError, parseEventPattern } from "@adaos/core";
import { patternToFilter } from "@adaos/core/wire";
import type { ConsumerInfo } from "nats";
import { describe, expect, test } from "vitest";
import { narrowed, type Origin, parseOrigin, type ReplayTarget, targetOf } from "./replay-target.ts";

function target(pattern: string, from: Origin = {}): ReplayTarget {
  return { node: "desk", durable: "screen", pattern: parseEventPattern(pattern), from };
}

function consumer(name: string, pattern: string | undefined, filters: string[]): ConsumerInfo {
  const metadata = pattern === undefined ? {} : { "adaos.pattern": pattern };
  return { name, config: { metadata, filter_subjects: filters } } as unknown as ConsumerInfo;
}

describe("targetOf()", () => {
  test("reads back what a durable takes", () => {
    for (const from of [{}, { subnet: "alpha" }, { node: "kitchen" }, { subnet: "alpha", node: "kitchen" }]) {
      const filters = [patternToFilter(parseEventPattern("ui."), from), "rpl.desk.screen.>"];
      expect(targetOf(consumer("desk_screen", "ui.", filters))).toEqual(target("ui.", from));
    }
  });

  test("knows what is no member's durable", () => {
    expect(targetOf(consumer("root", undefined, ["evt.alpha.*.ui.*.>", "rpy.far.>"]))).toBeUndefined();
    expect(targetOf(consumer("root", "ui.", ["evt.alpha.*.ui.*.>"]))).toBeUndefined();
    expect(targetOf(consumer("desk_screen", "ui.", []))).toBeUndefined();
  });
});

describe("narrowed()", () => {
  const ask = (to: ReplayTarget, pattern?: string, from?: Origin) =>
    narrowed(to, {
      ...(pattern === undefined ? {} : { pattern: parseEventPattern(pattern) }),
      ...(from === undefined ? {} : { from }),
    });

  test("means all that the durable takes, unless less is asked for", () => {
    expect(ask(target("ui.", { subnet: "alpha" }))).toEqual({
      pattern: parseEventPattern("ui."),
      from: { subnet: "alpha" },
    });
    expect(ask(target("*"), "ui.notify@1", { subnet: "alpha", node: "kitchen" })).toEqual({
      pattern: parseEventPattern("ui.notify@1"),
      from: { subnet: "alpha", node: "kitchen" },
    });
    expect(ask(target("ui.", { node: "kitchen" }), "ui.", { subnet: "alpha", node: "kitchen" }).from).toEqual(
      {
        subnet: "alpha",
        node: "kitchen",
      },
    );
  });

  test("refuses what the durable does not take, and says what it takes", () => {
    const refused: [ReplayTarget, string | undefined, Origin | undefined][] = [
      [target("ui."), "*", undefined],
      [target("ui."), "nlp.", undefined],
      [target("ui.notify@1"), "ui.notify", undefined],
      [target("ui.", { subnet: "alpha" }), undefined, { subnet: "beta" }],
      [target("ui.", { subnet: "alpha", node: "kitchen" }), undefined, { subnet: "alpha" }],
      [target("ui.", { node: "kitchen" }), undefined, { subnet: "alpha" }],
      [target("ui.", { node: "kitchen" }), undefined, { subnet: "alpha", node: "speaker" }],
    ];
    for (const [to, pattern, from] of refused) {
      let error: MeshError | undefined;
      try {
        ask(to, pattern, from);
      } catch (thrown) {
        error = thrown as MeshError;
      }
      expect(error?.code, `${to.pattern.text} ${pattern}`).toBe("usage");
      expect(error?.message).toContain(`desk/screen takes ${to.pattern.text}`);
    }
  });
});

describe("parseOrigin()", () => {
  test("takes a subnet, or one of its nodes", () => {
    expect(parseOrigin("alpha")).toEqual({ subnet: "alpha" });
    expect(parseOrigin("alpha/kitchen")).toEqual({ subnet: "alpha", node: "kitchen" });
    for (const text of ["", "*", "alpha/", "/kitchen", "a/b/c", "alpha/*", "Alpha"])
      expect(() => parseOrigin(text), text).toThrow(/is no origin/);
  });
});
