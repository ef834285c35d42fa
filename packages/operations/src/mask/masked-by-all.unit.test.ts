import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Masking, maskedByAll } from "./masked-by-all.ts";

/** Masks these names wherever they stand. */
function masking(...names: readonly string[]): Masking {
  const mask = (data: unknown): unknown => {
    if (Array.isArray(data)) return data.map(mask);
    if (typeof data !== "object" || data === null) return data;
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, names.includes(key) ? "[pii]" : mask(value)]),
    );
  };
  return { mask: (_name, _version, data) => mask(data) };
}

const NOTHING: Masking = { mask: (_name, _version, data) => data };
const WHOLE: Masking = { mask: () => "[secret]" };

describe("maskedByAll()", () => {
  test("masks what any of them masks, and shows the rest", () => {
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
    const data = fc.jsonValue().map((value) => ({ a: 1, b: { c: value, d: [{ a: value }] } }));
    fc.assert(
      fc.property(names, names, data, (some, others, value) => {
        const shown = maskedByAll([masking(...some), NOTHING, masking(...others)]).mask("e", 1, value);
        expect(shown).toEqual(masking(...some, ...others).mask("e", 1, value));
      }),
    );
  });

  test("shows nothing of what one of them masks whole", () => {
    const data = { a: 1 };
    expect(maskedByAll([WHOLE, masking("a")]).mask("e", 1, data)).toBe("[secret]");
    expect(maskedByAll([masking("a"), WHOLE]).mask("e", 1, data)).toBe("[secret]");
  });

  test("gives back the very data where none of them masks", () => {
    const data = { a: 1 };
    expect(maskedByAll([NOTHING, NOTHING]).mask("e", 1, data)).toBe(data);
  });
});
