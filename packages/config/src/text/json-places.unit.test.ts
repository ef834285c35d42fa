import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { itemsIn, placeAt, placeInJson } from "./json-places.ts";
import { syntaxErrorOffset } from "./json-syntax.ts";

const json = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as unknown);

/** Every pointer of a value, and what it leads to. */
function* pointersOf(value: unknown, pointer = ""): Generator<[string, unknown]> {
  yield [pointer, value];
  if (typeof value !== "object" || value === null) return;
  for (const [key, held] of Object.entries(value))
    yield* pointersOf(held, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
}

function offsetOf(text: string, pointer: string): number {
  const { line, column } = placeInJson(text, pointer);
  const lines = text.split("\n").slice(0, line - 1);
  return lines.reduce((sum, { length }) => sum + length + 1, 0) + column - 1;
}

describe("placeInJson()", () => {
  test("finds every value of any JSON, however it is indented", () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        for (const [pointer, held] of pointersOf(value)) {
          const written = JSON.stringify(held)[0] ?? "";
          expect(text.slice(offsetOf(text, pointer))[0]).toBe(written);
        }
      }),
    );
  });

  test("finds what is nearest where there is nothing", () => {
    expect(placeInJson('{\n  "a": [1]\n}', "/a/7")).toEqual({ line: 2, column: 8 });
    expect(placeInJson('{\n  "a": [1]\n}', "/b")).toEqual({ line: 1, column: 1 });
    expect(placeInJson('  "text"', "/a")).toEqual({ line: 1, column: 3 });
  });
});

describe("itemsIn()", () => {
  test("cuts a list into its items", () => {
    fc.assert(
      fc.property(fc.array(json), fc.constantFrom(undefined, 2), (list, indent) => {
        const text = JSON.stringify(list, undefined, indent);
        expect([...itemsIn(text)].map(({ start, end }) => JSON.parse(text.slice(start, end)))).toEqual(list);
      }),
    );
  });
});

describe("syntaxErrorOffset()", () => {
  test.each([
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ["[1 2]", 3],
    ["[1,]", 3],
    ["{a:1}", 1],
    ['{"a":tru}', 5],
    ['{"a":01}', 6],
    ['"a\nb"', 0],
    ["[1]]", 3],
    ["", 0],
    ['{"a":[1', 7],
    ["[}", 1],
  ])("of %j is %i", (text, offset) => {
    expect(syntaxErrorOffset(text)).toBe(offset);
  });

  test("is the end of every JSON text that is cut off", () => {
    fc.assert(
      fc.property(fc.array(json, { minLength: 1 }), (list) => {
        const text = JSON.stringify(list);
        expect(syntaxErrorOffset(text)).toBe(text.length);
        expect(syntaxErrorOffset(text.slice(0, 1))).toBe(1);
      }),
    );
  });

  test("takes as long as the text", () => {
    const text = `["${"a".repeat(1_000_000)}", ${"[".repeat(100_000)}`;
    expect(placeAt(text, syntaxErrorOffset(text))).toEqual({ line: 1, column: text.length + 1 });
  });
});
