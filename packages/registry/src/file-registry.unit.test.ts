import { MeshError } from "@adaos/core";
import { SchemaClassification } from "@adaos/json-schema";
import { describe, expect, test } from "vitest";
import { FileRegistry, type RegistryEntry } from "./file-registry.ts";
import type { EventStatus } from "./record.ts";

function entry(name: string, version: number, status: EventStatus): RegistryEntry {
  const record = {
    name,
    version,
    status,
    kind: "event",
    summary: "x",
    producers: [],
    consumers: [],
    schema: "s.json",
    examples: [],
    invalid_examples: [],
    required_headers: [],
    semantics: { delivery: "at-least-once", idempotency_key: "event_id" },
  } as const;
  const document = {
    file: "s.json",
    draft: "2020-12",
    uri: "urn:test:0",
    id: undefined,
    schema: { title: name },
    placeOf: () => "s.json:1:1",
  } as const;
  const validate = (): { valid: boolean; violations: [] } => ({ valid: true, violations: [] });
  return {
    record,
    document,
    contract: {
      name,
      version,
      kind: "event",
      schema: "s",
      requiredHeaders: [],
      validate,
      validateReceived: validate,
    },
    classification: new SchemaClassification(document.schema, {
      targetsOf: () => [],
      placeOf: () => "s.json:1:1",
    }),
  };
}

const registry = new FileRegistry("schemas/events", [
  entry("nlp.intent.detected", 1, "deprecated"),
  entry("nlp.intent.detected", 10, "draft"),
  entry("nlp.intent.detected", 9, "stable"),
  entry("ui.notify", 2, "deprecated"),
  entry("ui.sketch", 1, "draft"),
]);

function refusal(name: string, version?: number): string {
  try {
    registry.resolve(name, version);
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "unknown-event") return thrown.message;
    throw thrown;
  }
  return "no refusal";
}

describe("FileRegistry.resolve()", () => {
  test("takes the highest version that is no draft where none is named", () => {
    expect(registry.resolve("nlp.intent.detected").version).toBe(9);
    expect(registry.resolve("ui.notify").version).toBe(2);
  });

  test("takes the version that is named, a draft too", () => {
    expect(registry.resolve("nlp.intent.detected", 1).version).toBe(1);
    expect(registry.resolve("nlp.intent.detected", 10).version).toBe(10);
  });

  test("says which versions there are", () => {
    expect(refusal("ui.notify", 7)).toBe(
      "ui.notify has no version 7 in the registry schemas/events; it has ui.notify@2",
    );
    expect(refusal("ui.sketch")).toContain(
      "has only drafts in the registry schemas/events; name the version",
    );
  });

  test("suggests the name that was meant, if one is near", () => {
    expect(refusal("nlp.intent.detectd")).toBe(
      'no event "nlp.intent.detectd" in the registry schemas/events; did you mean nlp.intent.detected?',
    );
    expect(refusal("scenario.run")).toBe('no event "scenario.run" in the registry schemas/events');
    expect(refusal("__proto__")).toContain("no event");
  });
});
