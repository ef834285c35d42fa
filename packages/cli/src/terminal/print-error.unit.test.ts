import { MeshError } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { printError, wantsJson } from "./print-error.ts";
import { styles, type Terminal } from "./terminal.ts";

function told(thrown: unknown, ...args: readonly string[]): { code: number; said: readonly string[] } {
  const said: string[] = [];
  const terminal: Terminal = {
    out: () => undefined,
    say: (line) => void said.push(line),
    outIsTty: false,
    colors: styles(false),
  };
  return { code: printError(thrown, args, terminal), said };
}

describe("printError()", () => {
  test("tells rule, schema, remedy and every violation as JSON", () => {
    const violations = [
      { pointer: "/a", expected: "is required" },
      { pointer: "/b", expected: "must be string" },
    ];
    const error = new MeshError("invalid-event", "broken", { rule: "r", schema: "s", violations });
    const { code, said } = told(error, "--json");
    expect([code, said.length]).toEqual([65, 1]);
    expect(JSON.parse(said[0] ?? "")).toEqual({
      error: {
        code: "invalid-event",
        message: "broken",
        remedy: expect.stringContaining("adaos events validate"),
        rule: "r",
        schema: "s",
        violations,
      },
    });
  });

  test("tells a refusal of the system as no bug, without a stack", () => {
    const refusal = Object.assign(new Error("EACCES"), { code: "EACCES", path: "/state/mesh.json" });
    const { code, said } = told(refusal);
    expect([code, said]).toEqual([
      69,
      [expect.stringMatching(/^error \/state\/mesh\.json: this user may not/)],
    ]);
    expect(JSON.parse(told(refusal, "--json").said[0] ?? "").error).toMatchObject({
      code: "unavailable",
      remedy: expect.stringContaining("mend the place"),
    });
  });

  test("tells a bug of ours as JSON, with its stack", () => {
    const { code, said } = told(new TypeError("broken"), "--json");
    expect([code, said.length]).toEqual([70, 1]);
    expect(JSON.parse(said[0] ?? "").error).toMatchObject({
      code: "internal",
      message: "broken",
      stack: expect.stringContaining("print-error.unit.test"),
    });
  });
});

describe("wantsJson()", () => {
  test("takes no notice of what is no option", () => {
    expect(wantsJson(["status", "--json"])).toBe(true);
    expect(wantsJson(["events", "validate", "--", "--json"])).toBe(false);
  });
});
