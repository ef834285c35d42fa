import { fileURLToPath } from "node:url";
import { type FileRegistry, loadRegistry } from "@adaos/registry";
import { beforeAll, describe, expect, test } from "vitest";
import { checkItem } from "./check-item.ts";

const EVENTS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));

let registry: FileRegistry;
beforeAll(async () => {
  registry = await loadRegistry(EVENTS);
});

const NOTIFY = { name: "ui.notify", version: 1 };

function problemsOf(value: object, asked?: typeof NOTIFY): string[] {
  const item = { line: 1, column: 1, text: JSON.stringify(value) };
  return checkItem(item, registry, asked).problems.map(({ pointer }) => pointer);
}

describe("checkItem()", () => {
  test("names every rule that a payload breaks, not the first alone", () => {
    expect(problemsOf({ text: 7, level: "loud", txt: "" }, NOTIFY)).toEqual(["/txt", "/text", "/level"]);
    expect(problemsOf({ text: "Tea is ready" }, NOTIFY)).toEqual([]);
  });

  test("names every rule that the data of an envelope breaks, with its place in the envelope", () => {
    const envelope = {
      event_id: "EVT-20260101-000000-000000",
      event_name: "ui.notify",
      version: 1,
      kind: "event",
      ts: "2026-01-01T00:00:00.000Z",
      source: "app@kitchen",
      correlation_id: "EVT-20260101-000000-000000",
      tenant: "default",
      headers: {},
      data: { text: 7, level: "loud" },
    };
    expect(problemsOf(envelope)).toEqual(["/data/text", "/data/level"]);
  });
});
