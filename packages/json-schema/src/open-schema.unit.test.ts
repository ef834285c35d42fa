import { describe, expect, test } from "vitest";
import type { JsonObject } from "./schema-document.ts";
import { SchemaValidators } from "./validator.ts";

/** Whether data may be published and whether it may be received. */
function verdicts(schema: JsonObject, data: unknown): readonly [boolean, boolean] {
  const document = {
    file: "s.json",
    draft: "2020-12" as const,
    uri: "urn:test:s",
    id: undefined,
    schema,
    placeOf: () => "s.json:1:1",
  };
  const validators = new SchemaValidators([document]);
  return [validators.validatorOf(document)(data).valid, validators.receiverOf(document)(data).valid];
}

const closed = { type: "object", properties: { a: { type: "string" } }, additionalProperties: false };

describe("who receives", () => {
  test("ignores a field that the schema does not declare", () => {
    expect(verdicts(closed, { a: "x", b: 1 })).toEqual([false, true]);
  });

  test("ignores it at any depth, and behind references", () => {
    const nested = { type: "array", items: { $ref: "#/$defs/one" }, $defs: { one: closed } };
    expect(verdicts(nested, [{ a: "x" }, { b: 1 }])).toEqual([false, true]);
  });

  test("still holds to what is declared", () => {
    expect(verdicts(closed, { a: 1, b: 1 })).toEqual([false, false]);
    expect(verdicts({ ...closed, required: ["a"] }, { b: 1 })).toEqual([false, false]);
  });

  test("takes alternatives that exclude each other by what they forbid", () => {
    const one = (name: string) => ({
      type: "object",
      properties: { [name]: { type: "string" } },
      additionalProperties: false,
    });
    expect(verdicts({ oneOf: [one("a"), one("b")] }, { a: "x" })).toEqual([true, true]);
    expect(verdicts({ oneOf: [one("a"), one("b")] }, { a: "x", c: 1 })).toEqual([false, true]);
  });

  test("never refuses what may be published, where a closed schema is negated", () => {
    expect(verdicts({ not: closed }, { b: 1 })).toEqual([true, true]);
    expect(verdicts({ not: { $ref: "#/$defs/closed" }, $defs: { closed } }, { b: 1 })).toEqual([true, true]);
    expect(verdicts({ if: closed, else: { required: ["b"] } }, { b: 1 })).toEqual([true, true]);
  });

  test("keeps a schema for other fields", () => {
    const map = { type: "object", additionalProperties: { type: "integer" } };
    expect(verdicts(map, { a: "x" })).toEqual([false, false]);
  });
});
