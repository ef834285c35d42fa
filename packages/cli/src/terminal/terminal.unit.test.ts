import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstLine } from "@adaos/core/wire";
import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { printable, styles, table } from "./terminal.ts";

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

describe("printable() and styles()", () => {
  test("shows the styles of our own, and nothing that a text from outside would have a terminal do", () => {
    const { red, green, yellow, cyan, dim, bold } = styles(true);
    const theirs = pc.createColors(true);
    for (const [own, style] of [
      [red, theirs.red],
      [green, theirs.green],
      [yellow, theirs.yellow],
      [cyan, theirs.cyan],
      [dim, theirs.dim],
      [bold, theirs.bold],
    ] as const) {
      expect(printable(own("told"))).toBe(style("told"));
      expect(printable(style("told"))).not.toContain("\u001b");
      expect(printable(own(style("told")))).toBe(style(style("told").replaceAll("\u001b", "\ufffd")));
    }
    expect(printable(styles(false).red("\u001b[31mtold"))).toBe("\ufffd[31mtold");
    expect(printable("a\u001b[2Jb\u001b[8mc\u001b]0;d\u0007\u009b1m\u202ee\n\tf")).toBe(
      "a\ufffd[2Jb\ufffd[8mc\ufffd]0;d\ufffd\ufffd1m\ufffde\n\tf",
    );
  });
});

describe("the sources of the command line", () => {
  test("print through the terminal alone, and JSON through visibleJson() alone", () => {
    const src = fileURLToPath(new URL("../../..", import.meta.url));
    const files = ["bridge", "cli", "mcp", "operations", "policy", "provision", "registry-tools", "supervise"]
      .flatMap((name) =>
        readdirSync(join(src, name, "src"), { recursive: true, encoding: "utf8" }).map((file) =>
          join(name, "src", file),
        ),
      )
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const text = readFileSync(join(src, file), "utf8");
      expect(text, file).not.toMatch(/console\.|\bout\(\s*JSON\.stringify/);
      if (
        file !== join("cli", "src", "terminal", "terminal.ts") &&
        file !== join("mcp", "src", "serve-mcp.ts")
      )
        expect(text, file).not.toMatch(/process\.std(out|err)\.write\(/);
    }
  });
});

describe("firstLine()", () => {
  test("is cut to its length, and holds nothing that a terminal would obey", () => {
    expect(firstLine("busy\nat x", 60)).toBe("busy");
    expect(firstLine("much too long", 4)).toBe("much");
    expect(firstLine("a\u001b[2Jb\r\u009bc\u202ed", 60)).toBe("a [2Jb  c\ufffdd");
    expect(firstLine("", 60)).toBe("");
  });
});
