import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { firstLine, printable, table } from "./terminal.ts";

describe("table()", () => {
  test("makes each column as wide as its widest cell, two spaces between them", () => {
    expect(
      table([
        ["kind", "name"],
        ["node", "alpha/hub", "ready"],
        ["l", "up"],
      ]),
    ).toEqual(["kind  name", "node  alpha/hub  ready", "l     up"]);
  });

  test("leaves no space at the end of a line, and nothing of nothing", () => {
    expect(
      table([
        ["a", ""],
        ["bb", "c"],
      ]),
    ).toEqual(["a", "bb  c"]);
    expect(table([])).toEqual([]);
  });
});

describe("printable()", () => {
  test("leaves the styles of our own messages, and nothing else that a terminal would obey", () => {
    const { red, green, yellow, cyan, dim, bold } = pc.createColors(true);
    for (const style of [red, green, yellow, cyan, dim, bold])
      expect(printable(style("told"))).toBe(style("told"));
    expect(printable("a\u001b[2Jb\u001b[8mc\u001b]0;d\u0007\u009b1me\n\tf")).toBe(
      "a\ufffd[2Jb\ufffd[8mc\ufffd]0;d\ufffd\ufffd1me\n\tf",
    );
  });
});

describe("firstLine()", () => {
  test("is cut to its length, and holds nothing that a terminal would obey", () => {
    expect(firstLine("busy\nat x", 60)).toBe("busy");
    expect(firstLine("much too long", 4)).toBe("much");
    expect(firstLine("a\u001b[2Jb\r\u009bc", 60)).toBe("a [2Jb  c");
    expect(firstLine("", 60)).toBe("");
  });
});
