import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { filterMatches } from "../../../test/kit/nats-wildcards.ts";
import { isOneSubject, subjectsOverlap } from "./subjects-overlap.ts";

const TOKENS = ["a", "b"];
/** Every subject of one to five tokens; patterns of up to four have no more to say. */
const subjects: string[] = [];
for (let more = TOKENS; subjects.length < 62; more = more.flatMap((s) => TOKENS.map((t) => `${s}.${t}`)))
  subjects.push(...more);

const pattern = fc
  .tuple(fc.array(fc.constantFrom(...TOKENS, "*"), { maxLength: 3 }), fc.constantFrom(...TOKENS, "*", ">"))
  .map(([tokens, last]) => [...tokens, last].join("."));

describe("subjectsOverlap()", () => {
  test("is so when there is a subject that passes both, either way round", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const isThere = subjects.some((subject) => filterMatches(a, subject) && filterMatches(b, subject));
        expect([subjectsOverlap(a, b), subjectsOverlap(b, a)]).toEqual([isThere, isThere]);
      }),
    );
  });

  test.each([
    ["shop.>", "shop.refused", true],
    ["shop.*", "shop.refused", true],
    [">", "shop", true],
    ["shop.in", "shop.in", true],
    ["shop.>", "shop", false],
    ["shop.*", "shop.refused.late", false],
    ["shop.in", "shop.refused", false],
  ])("of %s and %s is %s", (a, b, wanted) => {
    expect(subjectsOverlap(a, b)).toBe(wanted);
  });
});

test("isOneSubject() takes no wildcards", () => {
  expect(["a", "a.b*", "a.*", "a.>", "*"].map(isOneSubject)).toEqual([true, true, false, false, false]);
});
