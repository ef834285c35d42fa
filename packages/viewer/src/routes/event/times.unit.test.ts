import { describe, expect, test } from "vitest";
import { sinceInput } from "./times.ts";

describe("sinceInput", () => {
  test("takes a time back from now, and a time", () => {
    expect(Math.abs(Date.now() - 7_200_000 - sinceInput.parse("2h"))).toBeLessThan(5000);
    const now = new Date(Date.now() - 1000).toISOString();
    expect(sinceInput.parse(now)).toBe(Date.parse(now));
  });

  test("refuses what is no time, or too long ago", () => {
    for (const text of ["", "soon", "2 hours", "900d", "2026-99-05T09:30:00Z", "1e9"])
      expect(sinceInput.safeParse(text).success, text).toBe(false);
  });
});
