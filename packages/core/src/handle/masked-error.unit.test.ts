import { describe, expect, test } from "vitest";
import { maskAll } from "../../../../test/kit/stand-ins.ts";
import { MeshError } from "../language/errors.ts";
import { classify } from "./classify.ts";
import { failureInfo } from "./failure-info.ts";
import { maskedError } from "./masked-error.ts";

const ALL = maskAll("pii");

function told(thrown: unknown, data: unknown): string {
  return JSON.stringify(failureInfo(maskedError(thrown, ALL, data)));
}

describe("maskedError()", () => {
  test("masks what the event holds in message, stack and name, however it is nested", () => {
    const error = new TypeError("no mail to ann@x.org, card 4111111111");
    const text = told(error, { to: [{ mail: "ann@x.org" }], card: 4111111111 });
    expect(text).not.toMatch(/ann@x|4111/);
    expect(text).toContain("no mail to [pii], card [pii]");
    expect(text).toContain("TypeError");
  });

  test("masks a value as JSON spells it, and the longest of those that contain each other", () => {
    expect(told(new Error(JSON.stringify({ q: 'say "hush"' })), 'say "hush"')).not.toContain("hush");
    expect(told(new Error("annabel"), ["anna", "annabel"])).toContain('"[pii]"');
  });

  test("leaves short values, which are in many words", () => {
    expect(told(new Error("a cat"), "cat")).toContain("a cat");
  });

  test("leaves out what hangs on an error, and keeps the code of ours", () => {
    const cause = new Error("canary");
    const masked = maskedError(
      Object.assign(new MeshError("timeout", "x", { cause }), { body: 1 }),
      ALL,
      "canary",
    );
    expect(masked).toMatchObject({ code: "timeout", message: "x" });
    expect(Object.keys(masked as object)).not.toContain("body");
    expect((masked as Error).cause).toBeUndefined();
  });

  test.each([
    ["of its own", Object.assign(new Error("no room for ann@x.org"), { code: "ENOSPC" })],
    ["of its cause", new Error("not saved", { cause: Object.assign(new Error("x"), { code: "ENOSPC" }) })],
  ])("keeps a code of the system %s, by which it is classified as before", (_, thrown) => {
    const masked = maskedError(thrown, ALL, "ann@x.org");
    expect(classify(masked)).toEqual({ category: "transient", rule: "ENOSPC" });
    expect(failureInfo(masked).message).not.toContain("ann@x.org");
  });

  test("leaves out a code that the system does not know", () => {
    expect(maskedError(Object.assign(new Error("x"), { code: "CANARY" }), ALL, "CANARY")).not.toHaveProperty(
      "code",
    );
  });

  test("tells nothing of a text or of values that are too many to look through", () => {
    expect(told(new Error(`${"x".repeat(70_000)}canary`), "canary")).toContain("not shown");
    const many = Array.from({ length: 2000 }, (_, i) => `canary-${i}`);
    expect(told(new Error("canary-1999"), many)).not.toContain("canary");
  });

  test("takes what is no error, and does nothing where nothing is classified", () => {
    expect(maskedError("for ann@x.org", ALL, "ann@x.org")).toBe("for [pii]");
    const error = new Error("ann@x.org");
    expect(maskedError(error, undefined, "ann@x.org")).toBe(error);
  });
});
