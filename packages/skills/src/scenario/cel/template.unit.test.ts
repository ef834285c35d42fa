// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax under test
import { describe, expect, test } from "vitest";
import { ExpressionError } from "./expression-error.ts";
import { compileValue, parseTemplate, toJson } from "./template.ts";

const SCOPE = { event: { data: { n: 2, t: "x", m: { a: 1 } } }, now: new Date(0) };
const result = (value: unknown): unknown => compileValue(value)(SCOPE);

describe("compileValue()", () => {
  test("keeps types of whole values, and puts texts together", () => {
    expect(
      result({ a: "${event.data.n * 2}", b: ["${event.data.m}"], c: "n=${event.data.n}, ${event.data.m}" }),
    ).toEqual({
      a: 4,
      b: [{ a: 1 }],
      c: 'n=2, {"a":1}',
    });
    expect(result([1, true, null, "plain"])).toEqual([1, true, null, "plain"]);
  });

  test("ends an expression at its own brace, not at one in a text or map", () => {
    expect(result('${ {"a": "}"}["a"] + "{" }')).toBe("}{");
    expect(result('${ event.data.t + "\\"}" }')).toBe('x"}');
  });

  test("reads $${ as a plain ${", () => {
    expect(result("$${event.data.n} costs $5")).toBe("${event.data.n} costs $5");
  });

  test("tells the place of a fault", () => {
    expect(() => parseTemplate("abc ${event")).toThrow(expect.objectContaining({ offset: 4 }));
    expect(() => result("${event.data.q}")).toThrow("${event.data.q}: No such key: q");
  });

  test("leaves keys of data alone, __proto__ too", () => {
    const value = result(JSON.parse('{"__proto__": "${event.data.n}", "${x}": 1}'));
    expect(Object.entries(value as object)).toEqual([
      ["__proto__", 2],
      ["${x}", 1],
    ]);
  });
});

describe("toJson()", () => {
  test("turns times into texts and whole numbers into numbers", () => {
    expect([toJson(5n), toJson(new Date(0)), toJson(new Map([["a", [1n]]]))]).toEqual([
      5,
      "1970-01-01T00:00:00.000Z",
      { a: [1] },
    ]);
    expect(result('${duration("90s")}')).toBe("90s");
    expect(result("${uint(5)}")).toBe(5);
  });

  test.each([["${type(1)}"], ["${1.0 / 0.0}"], ["${9223372036854775807}"], ['${b"abc"}']])(
    "refuses %s",
    (text) => {
      expect(() => result(text)).toThrow(ExpressionError);
    },
  );
});
