import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFill } from "./parse-fill.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("parseFill()", () => {
  test("reads what a hub says, of subnets that there are", () => {
    const text = JSON.stringify({ maxBytes: 100, usedBytes: 60, held: { beta: 50, nowhere: 5, gamma: 0 } });
    expect(parseFill(bytesOf(text), ["beta", "gamma", "delta"])).toEqual({
      maxBytes: 100,
      usedBytes: 60,
      held: new Map([["beta", 50]]),
    });
  });

  test.each([
    "",
    "null",
    "[]",
    "{}",
    '{"maxBytes":1,"usedBytes":1}',
    '{"maxBytes":-1,"usedBytes":1,"held":{}}',
    '{"maxBytes":1,"usedBytes":"1","held":{}}',
    '{"maxBytes":1e999,"usedBytes":1,"held":{}}',
    '{"maxBytes":1,"usedBytes":1,"held":{"beta":-1}}',
    '{"maxBytes":1,"usedBytes":1,"held":{"beta":null}}',
    `{"maxBytes":1,"usedBytes":1,"held":{"beta":1}}${" ".repeat(200_000)}`,
  ])("refuses %j", (text) => {
    expect(() => parseFill(bytesOf(text), ["beta"])).toThrow(/does not say how full/);
  });

  test("gives counts or refuses, whatever comes, and finds nothing in a prototype", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          const { maxBytes, usedBytes, held } = parseFill(bytesOf(text), ["beta", "constructor", "toString"]);
          for (const count of [maxBytes, usedBytes, ...held.values()])
            expect(count).toBeGreaterThanOrEqual(0);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "invalid-event" });
        }
      }),
    );
    const empty = bytesOf('{"maxBytes":1,"usedBytes":1,"held":{}}');
    expect(parseFill(empty, ["constructor"]).held.size).toBe(0);
  });
});
