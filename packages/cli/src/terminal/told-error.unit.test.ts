import { describe, expect, test } from "vitest";
import { endOf, toldError } from "./told-error.ts";

describe("toldError()", () => {
  test("is the error of the other command, with its code once", () => {
    const printed = "nats-server 2.15.1\nstopping\nerror port 4222 is taken; end it (unavailable)\n";
    expect(toldError(printed)).toMatchObject({
      code: "unavailable",
      message: "port 4222 is taken; end it",
    });
  });

  test("keeps the code, and the lines of a long message", () => {
    const printed = "error mesh.yaml is broken:\n  3:4 unknown key (a)\n  5:1 unknown key (invalid-config)";
    expect(toldError(printed)).toMatchObject({
      code: "invalid-config",
      message: "mesh.yaml is broken:\n  3:4 unknown key (a)\n  5:1 unknown key",
    });
  });

  test("is undefined where another text ends it", () => {
    for (const text of [
      "",
      "up; Ctrl-C stops it",
      "error x (unavailable)\nmore",
      "error x (nothing)",
      "Error: x",
    ])
      expect(toldError(text)).toBeUndefined();
  });
});

describe("endOf()", () => {
  test("keeps the last lines", () => {
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`);
    expect(endOf(`${lines.join("\n")}\n`)).toBe(lines.slice(-20).join("\n"));
  });
});
