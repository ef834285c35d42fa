import { describe, expect, test } from "vitest";
import { MeshError, messageOf } from "./errors.ts";

describe("MeshError", () => {
  test("is an Error with its code, its cause and what else it was told", () => {
    const cause = new Error("socket");
    const violations = [{ pointer: "/text", expected: "must be string" }];
    const error = new MeshError("invalid-event", "no", { cause, rule: "r", violations, schema: "s" });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "MeshError", code: "invalid-event", cause, rule: "r", violations });
    expect(error.schema).toBe("s");
  });

  test("holds no violations, rule or schema where none are told", () => {
    const { violations, rule, schema } = new MeshError("usage", "no");
    expect({ violations, rule, schema }).toEqual({ violations: [], rule: undefined, schema: undefined });
  });
});

describe("MeshError.from()", () => {
  test("passes a MeshError on as it is, code included", () => {
    const error = new MeshError("denied", "no");
    expect(MeshError.from(error, "internal", "what")).toBe(error);
  });

  test.each([
    ["an error", new TypeError("broken"), "what: broken"],
    ["an error without a message", new TypeError(), "what: TypeError"],
    ["a text", "broken", "what: broken"],
    ["nothing", undefined, "what: undefined"],
  ])("wraps %s and keeps it as the cause", (_, cause, message) => {
    const error = MeshError.from(cause, "unavailable", "what");
    expect(error).toMatchObject({ code: "unavailable", message });
    expect(error.cause).toBe(cause);
  });
});

describe("messageOf()", () => {
  test("has a word for anything that can be thrown", () => {
    expect(
      [new Error("a"), new RangeError(), "b", 7, null, undefined, { toString: () => "c" }].map(messageOf),
    ).toEqual(["a", "RangeError", "b", "7", "null", "undefined", "c"]);
  });

  test.each([
    ["without a prototype", Object.create(null)],
    [
      "whose toString() throws",
      {
        toString: () => {
          throw new Error("x");
        },
      },
    ],
    ["that is a symbol", Symbol("s")],
  ])("does not throw over a thing %s", (_, thrown) => {
    expect(messageOf(thrown)).toBeTypeOf("string");
  });
});
