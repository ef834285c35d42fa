import { describe, expect, test } from "vitest";
import { table } from "./terminal.ts";

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
