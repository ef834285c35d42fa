import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { repeatedKey } from "./json-text.ts";

describe("repeatedKey()", () => {
  test.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1, "\\u0061" : 2}', "a"],
    ['[{"b":{"a":1,"c":{},"a":2}}]', "a"],
    ['{"":1,"":2}', ""],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"a\\"b":1,"a\\"b":2}', 'a"b'],
    ['{"a":{"a":1},"b":{"a":1}}', undefined],
    ['{"a":"a","b":["a","a",":"],"c":"\\"a\\":1"}', undefined],
    ['"a"', undefined],
    ["[]", undefined],
    ["7", undefined],
  ])("finds in %j the key %j", (json, key) => {
    expect(repeatedKey(json)).toBe(key);
  });

  test("finds none in what was written by JSON.stringify(), indented or not", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        expect(repeatedKey(JSON.stringify(value, undefined, indent))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test("finds the one that was added, wherever it is", () => {
    const key = fc.string({ unit: "binary", maxLength: 5 });
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }), fc.nat(), (held, at) => {
        const keys = Object.keys(held);
        const again = keys[at % keys.length] ?? "";
        const json = JSON.stringify([held]).replace(/\}\]$/, () => `,${JSON.stringify(again)}:1}]`);
        expect(repeatedKey(json)).toBe(again);
      }),
      { numRuns: 500 },
    );
  });
});
