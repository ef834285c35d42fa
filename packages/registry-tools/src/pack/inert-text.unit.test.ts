import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fenced, jsonText, markdownText, typeScriptLiteral } from "./inert-text.ts";

/** Texts made of what is markup, code or invisible somewhere. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "`",
        "```",
        "${",
        "}",
        "</script>",
        "<!--",
        "*/",
        "/*",
        "//",
        "\\",
        '"',
        "'",
        "\n",
        "\r",
      ),
      fc.constantFrom(
        "\u2028",
        "\u202e",
        "\u200b",
        "\0",
        "[a](b)",
        "__proto__",
        '"__proto__": ',
        "| ",
        "# ",
        "~~~",
        "\u{e0041}",
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    hostile,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    tie("list"),
    tie("map"),
  ),
  list: fc.array(tie("any"), { maxLength: 3 }),
  map: fc
    .array(fc.tuple(hostile, tie("any")), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries)),
})).any;

describe("jsonText()", () => {
  test("stands for the same value, shows every character and ends no script", () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (data, indent) => {
        const text = jsonText(data, indent);
        expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(data));
        expect(text).not.toMatch(/<[/!]|(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe("typeScriptLiteral()", () => {
  test("is an expression of the same value, the key __proto__ too", () => {
    fc.assert(
      fc.property(value, (data) => {
        const read: unknown = runInNewContext(`JSON.stringify(${typeScriptLiteral(data)})`);
        expect(read).toBe(JSON.stringify(data));
      }),
    );
    const own = JSON.parse('{"a":[{"__proto__":{"x":1}}]}');
    expect(runInNewContext(`JSON.stringify(${typeScriptLiteral(own)})`)).toBe(JSON.stringify(own));
  });
});

describe("fenced()", () => {
  test("ends where it ends, whatever is in it", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = fenced("ts", text).split("\n");
        const [fence = ""] = /^`+/.exec(lines[0] ?? "") ?? [];
        expect(lines.at(-1)).toBe(fence);
        for (const line of lines.slice(1, -1)) expect(line).not.toMatch(new RegExp(`^ {0,3}${fence}`));
      }),
    );
  });
});

describe("markdownText()", () => {
  test("is one line in which every sign of markup is escaped", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = markdownText(text);
        expect(line).not.toMatch(/[\n\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(line.replaceAll(/\\[\\`*_[\]<>#|~!&]/g, "")).not.toMatch(/[\\`*_[\]<>#|~!&]/);
      }),
    );
  });
});
