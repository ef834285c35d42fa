import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LinearPattern } from "./linear-pattern.ts";

const atom = fc.constantFrom(
  ..."a b . \\. \\s \\S \\d \\D \\w \\W \\n \\v \\/ \\cA \\0 \\x41 \\u0041 \\u{1F600} \\ud83d\\ude00 \\u00a0 é 😀".split(
    " ",
  ),
  ..."[a-c] [^a-c] [.] [\\s] [^\\S] [^\\s\\d] [\\b] [[] [^[a] [] [^] [\\]] [a\\-z] [\\u{1F600}-\\u{1F64F}] [&&]".split(
    " ",
  ),
  ..."\\p{L} \\P{Lu} \\p{Script=Greek} \\p{sc=Cyrillic} \\p{gc=Nd} [\\p{L}-] ^ $ \\b".split(" "),
);
const pattern = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    atom,
    fc
      .tuple(
        fc.constantFrom("(", "(?:", "(?<name>"),
        tie("node"),
        fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "*?", ""),
      )
      .map(([open, inner, times]) => `${open}${inner})${times}`),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((nodes) => nodes.join("")),
    fc.tuple(tie("node"), tie("node")).map((nodes) => nodes.join("|")),
  ),
})).node;
const text = fc
  .array(
    fc.constantFrom(
      ..."a b c A 0 9 _ - . [ ] & é α Д 😀 \u0001 \0 \b".split(" "),
      " ",
      "\n",
      "\r",
      "\t",
      "\v",
      "\u00a0",
      "\u2028",
      "\ufeff",
      "\ud83d",
      "\ude00",
    ),
    { maxLength: 6 },
  )
  .map((units) => units.join(""));

describe("LinearPattern", () => {
  test("judges as ECMAScript does", () => {
    let tried = 0;
    fc.assert(
      fc.property(pattern, text, (source, data) => {
        let builtIn: RegExp;
        try {
          builtIn = new RegExp(source, "u");
        } catch {
          return;
        }
        tried++;
        expect(new LinearPattern(source).test(data)).toBe(builtIn.test(data));
      }),
      { numRuns: 3000 },
    );
    expect(tried).toBeGreaterThan(1000);
  });

  test.each([
    "^(a+)+$",
    "^(a|a)*$",
    "^(.*a){20}$",
    "^([a-z]+)*!$",
    "(x+x+)+y",
    "^(\\w+\\s?)*$",
    "(?:a?){30}a{30}",
  ])("answers %j at once", (source) => {
    const startedMs = performance.now();
    expect(new LinearPattern(source).test(`${"a".repeat(50_000)}\n`)).toBeTypeOf("boolean");
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test.each([
    ["a bracket that does not end", "(", "Unterminated group"],
    ["a look-ahead", "^(?!x)", "a look-around"],
    ["a look-behind", "(?<=x)y", "a look-around"],
    ["a back-reference", "(a)\\1", "a back-reference"],
    ["a back-reference by name", "(?<n>a)\\k<n>", "a back-reference"],
    ["repetition of repetition", "((a{30}){30}){30}", "linear time"],
    ["repetition beyond the limit", "(?:[a-z]{500}){2}[0-9]{500}", "repeats too much"],
    ["2,001 characters", "a".repeat(2001), "longer than 2000"],
    ["brackets without end", "(".repeat(1000) + ")".repeat(1000), /./],
  ])("refuses %s and says so", (_, source, problem) => {
    expect(() => new LinearPattern(source)).toThrow(problem);
  });
});
