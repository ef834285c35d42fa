import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MeshError } from "../language/errors.ts";
import { failureInfo } from "./failure-info.ts";

describe("failureInfo()", () => {
  test("tells type, message and stack of an error", () => {
    const info = failureInfo(new MeshError("timeout", "too slow"));
    expect(info).toEqual({
      type: "MeshError",
      message: "too slow",
      stack: expect.stringContaining("too slow"),
    });
  });

  test("tells the type of what is no error", () => {
    expect(failureInfo("x")).toEqual({ type: "string", message: "x", stack: "" });
    expect(failureInfo(undefined)).toEqual({ type: "undefined", message: "undefined", stack: "" });
  });

  test("is bounded text, whatever was thrown or assigned to an error", () => {
    const fields = fc.record({ name: fc.anything(), message: fc.anything(), stack: fc.anything() });
    const long = { name: "n".repeat(9000), message: "m".repeat(9000), stack: "s".repeat(9000) };
    fc.assert(
      fc.property(fc.anything(), fields, (thrown, changes) => {
        for (const tried of [thrown, Object.assign(new Error("x"), changes)]) {
          const { type, message, stack } = failureInfo(tried);
          expect([typeof type, typeof message, typeof stack]).toEqual(["string", "string", "string"]);
          expect(type.length <= 200 && message.length <= 2000 && stack.length <= 8000).toBe(true);
        }
      }),
      { examples: [[undefined, long]] },
    );
  });
});
