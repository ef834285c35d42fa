import type { JsonObject } from "@adaos/json-schema";
import { formatLock, lockFaults, parseLock } from "@adaos/registry-tools";
import { describe, expect, test } from "vitest";
import { compareRegistries, isBreaking, type ReleasedEvent } from "./compare-registries.ts";

function event(
  schema: JsonObject,
  record: Partial<ReleasedEvent["record"]> = {},
  schemaVersion = "1.0.0",
): ReleasedEvent {
  return {
    record: {
      name: "ui.notify",
      version: 1,
      kind: "event",
      status: "stable",
      required_headers: [],
      ...record,
    },
    schema: { root: { ...schema, "x-version": schemaVersion }, find: () => undefined },
    schemaVersion,
  };
}

const text = {
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};
const level = { ...text, properties: { ...text.properties, level: { type: "integer" } } };

describe("compareRegistries()", () => {
  test("leaves out what is the same", () => {
    expect(compareRegistries([event(text)], [event({ title: "Notice", ...text })])).toEqual([]);
  });

  test("an optional field breaks nobody", () => {
    const [change] = compareRegistries([event(text)], [event(level, {}, "1.1.0")]);
    expect(change).toEqual({
      event: "ui.notify@1",
      change: "changed",
      backward: [],
      forward: [],
      notes: ["x-version 1.1.0, was 1.0.0"],
    });
  });

  test("a required field breaks who reads by the new contract", () => {
    const [change] = compareRegistries([event(text)], [event({ ...level, required: ["text", "level"] })]);
    expect(change).toMatchObject({ backward: [{ pointer: "/level" }], forward: [] });
  });

  test("tells what was added and removed", () => {
    const other = event(text, { name: "ui.other" });
    expect(
      compareRegistries([event(text)], [other]).map(({ event: name, change }) => [name, change]),
    ).toEqual([
      ["ui.notify@1", "removed"],
      ["ui.other@1", "added"],
    ]);
  });

  test("a draft may go", () => {
    const [change] = compareRegistries([event(text, { status: "draft" })], []);
    expect(change !== undefined && isBreaking(change)).toBe(false);
  });

  test.each([
    ["a header that is required", { required_headers: ["idempotency_key"] }, 1, 0],
    ["another kind", { kind: "command" as const }, 1, 1],
    ["a command that may be lost and might not", { delivery: "at-most-once" as const }, 1, 0],
    ["another status", { status: "deprecated" as const }, 0, 0],
  ])("%s", (_, record, backward, forward) => {
    const [change] = compareRegistries([event(text)], [event(text, record)]);
    expect([change?.backward.length, change?.forward.length]).toEqual([backward, forward]);
  });
});

describe("a lock", () => {
  const lock = parseLock(
    formatLock([event(text), event(text, { name: "ui.draft", status: "draft" })]),
    "l.json",
  );

  test("holds what is released, and finds no fault with it", () => {
    expect(lock.map(({ record }) => record.name)).toEqual(["ui.notify"]);
    expect(lockFaults(lock, [event(text)])).toEqual([]);
  });

  test.each([
    ["breaking-change", [event({ ...level, required: ["text", "level"] }, {}, "1.1.0")]],
    ["version-not-raised", [event(level)]],
    ["released-removed", []],
  ])("finds %s", (rule, present) => {
    expect(lockFaults(lock, present).map((fault) => fault.rule)).toEqual([rule]);
  });

  test("keeps that a command may be lost, and finds it when another may be from now on", () => {
    const lost = event(text, { kind: "command", delivery: "at-most-once" });
    expect(parseLock(formatLock([lost]), "l.json")[0]?.record.delivery).toBe("at-most-once");
    const kept = parseLock(formatLock([event(text, { kind: "command" })]), "l.json");
    expect(lockFaults(kept, [lost]).map(({ rule }) => rule)).toEqual(["breaking-change"]);
    expect(lockFaults([lost], [event(text, { kind: "command" })])).toEqual([]);
  });

  test("lets a compatible change pass with a higher version", () => {
    expect(lockFaults(lock, [event(level, {}, "1.1.0")])).toEqual([]);
  });

  test.each(["", "{}", '{"lock":2,"events":[]}', '{"lock":1,"events":[{"name":1}]}'])(
    "refuses %j",
    (content) => {
      expect(() => parseLock(content, "l.json")).toThrow(/^l\.json: not a lock of released events/);
    },
  );
});
