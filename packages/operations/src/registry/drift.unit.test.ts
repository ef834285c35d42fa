import { parseEventPattern } from "@adaos/core";
import type { EventRecord } from "@adaos/registry";
import { describe, expect, test } from "vitest";
import { componentMatches, driftOf, type SeenDurable, SeenProducers } from "./drift.ts";

function record(changes: Partial<EventRecord>): EventRecord {
  return {
    name: "ui.notify",
    version: 1,
    kind: "event",
    summary: "",
    status: "stable",
    producers: [],
    consumers: [],
    schema: "",
    examples: [],
    invalid_examples: [],
    required_headers: [],
    semantics: { delivery: "at-least-once", idempotency_key: "event_id" },
    ...changes,
  };
}

function durable(name: string, pattern: string, node = "beta/desk"): SeenDurable {
  return { node, durable: name, pattern: parseEventPattern(pattern) };
}

function seen(...pairs: readonly (readonly [event: string, component: string])[]): SeenProducers {
  const producers = new SeenProducers();
  for (const [event, component] of pairs) producers.add(event, component, "alpha/kitchen");
  return producers;
}

const told = (...args: Parameters<typeof driftOf>): string[] =>
  driftOf(...args).map(({ drift, role, component }) => `${drift} ${role} ${component}`);

describe("driftOf()", () => {
  test("says nothing where all that is declared was seen and nothing else", () => {
    const records = [record({ producers: ["scenario.*"], consumers: ["skill.nlp"] })];
    const durables = [durable("skill-nlp", "ui."), durable("journal-ui", "ui.")];
    expect(told(records, seen(["ui.notify@1", "scenario.tea"]), durables)).toEqual([]);
  });

  test("tells of both directions, for producers and consumers", () => {
    const records = [record({ producers: ["scenario.*"], consumers: ["skill.nlp"] })];
    expect(told(records, seen(["ui.notify@1", "app"]), [durable("screen", "ui.notify")])).toEqual([
      "declared-never-seen producer scenario.*",
      "seen-never-declared producer app",
      "declared-never-seen consumer skill.nlp",
      "seen-never-declared consumer screen",
    ]);
  });

  test("expects deprecated events and drafts to be silent, and not to be used undeclared", () => {
    for (const status of ["deprecated", "draft"] as const) {
      const records = [record({ status, producers: ["a"], consumers: ["b"] })];
      expect(told(records, seen(), [])).toEqual([]);
      expect(told(records, seen(["ui.notify@1", "app"]), [])).toEqual(["seen-never-declared producer app"]);
    }
  });

  test("tells of events that are not in the registry", () => {
    expect(told([], seen(["ui.odd@1", "app"]), [])).toEqual(["seen-never-declared producer app"]);
  });

  test("counts a durable of a prefix only for events that there were", () => {
    expect(told([record({})], seen(), [durable("screen", "ui.")])).toEqual([]);
    expect(told([record({})], seen(), [durable("screen", "ui.notify")])).toEqual([
      "seen-never-declared consumer screen",
    ]);
  });
});

describe("componentMatches()", () => {
  test.each([
    ["skill.*", "skill.nlp", true],
    ["skill.*", "skill", false],
    ["skill.*", "skill.nlp.en", false],
    ["*", "timer", true],
    ["skill.nlp", "skill.nlp", true],
  ])("%s means %s: %s", (declared, component, means) => {
    expect(componentMatches(declared, component)).toBe(means);
  });
});
