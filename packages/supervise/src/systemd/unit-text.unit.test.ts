import { describe, expect, test } from "vitest";
import { commandLine, environmentWord, plainValue, quotedWord, renderUnit } from "./unit-text.ts";

describe("unit values", () => {
  test("keep a path with spaces, quotes and backslashes one word", () => {
    expect(quotedWord('/a b/c"d\\e')).toBe('"/a b/c\\"d\\\\e"');
  });

  test("double the sign of a specifier", () => {
    expect(plainValue("/srv/100%h")).toBe("/srv/100%%h");
    expect(environmentWord("KEYS", "/srv/%n")).toBe('"KEYS=/srv/%%n"');
  });

  test("double the sign of a variable in arguments, and not in the path of the program", () => {
    expect(commandLine(["/opt/$node/node", "--state", "/srv/$HOME/$$"])).toBe(
      '"/opt/$node/node" "--state" "/srv/$$HOME/$$$$"',
    );
  });

  test.each(["/srv/a\nExecStart=/bin/sh", "/srv/a\u0000", "/srv/a\r", " /srv", "/srv/ ", "/srv/\u0085"])(
    "refuse what would begin another setting or be cut: %j",
    (path) => {
      for (const value of [plainValue, quotedWord, (text: string) => commandLine([text])])
        expect(() => value(path)).toThrow(expect.objectContaining({ code: "usage" }));
    },
  );
});

describe("renderUnit()", () => {
  test("writes comments, sections and settings", () => {
    const text = renderUnit(
      ["by a test"],
      [{ name: "Service", lines: [["Type", "exec"], "why", ["User", "a"]] }],
    );
    expect(text).toBe("# by a test\n\n[Service]\nType=exec\n# why\nUser=a\n");
  });

  test.each(["a\nUser=root", "/srv/a\\"])("refuses a value that goes on in the next line: %j", (value) => {
    for (const line of [["Description", value] as const, value])
      expect(() => renderUnit([], [{ name: "Unit", lines: [line] }])).toThrow(/go on in the next line/);
  });
});
