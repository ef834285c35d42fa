import { describe, expect, test } from "vitest";
import { isSealed, sealed } from "./seal.ts";

const TEXT = sealed('host: "127.0.0.1"\naccounts: {\n}\n');

describe("isSealed()", () => {
  test("knows what sealed() has written, and nothing else of it", () => {
    expect(isSealed(TEXT)).toBe(true);
    expect(isSealed(sealed(""))).toBe(true);
    for (let end = 0; end < TEXT.length; end++)
      expect([end, isSealed(TEXT.slice(0, end))]).toEqual([end, false]);
    for (const other of [TEXT.replace("127", "0"), `${TEXT}port: 1\n`, `port: 1\n${TEXT}`, "{{{", ""])
      expect([other, isSealed(other)]).toEqual([other, false]);
  });
});
