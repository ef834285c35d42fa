import { describe, expect, test } from "vitest";
import { packed, unpacked } from "./fellows.ts";

describe("packed()", () => {
  test("makes the rights of two hundred members with all of their durables fit into a message", () => {
    const names = (node: number): string[] =>
      Array.from({ length: 64 }, (_, i) => `member-of-a-long-name-${node}_durable-of-a-long-name-${i}`);
    const consumers = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`member-${i}`, names(i)]));
    const bytes = packed({ consumers });
    expect(bytes.length).toBeLessThan(262_144);
    expect(unpacked(bytes)).toEqual({ consumers });
  });

  test("throws for bytes that are something else", () => {
    expect(() => unpacked(new TextEncoder().encode("{}"))).toThrow();
  });
});
