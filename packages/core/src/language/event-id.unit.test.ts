import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newEventId } from "./event-id.ts";

const LAST_MS = Date.UTC(9999, 11, 31);

describe("newEventId()", () => {
  test("tells the second in UTC, then 12 hex digits", () => {
    const id = newEventId(Date.UTC(2025, 8, 23, 16, 20, 5, 999));
    expect(id).toMatch(/^EVT-20250923-162005-[0-9a-f]{12}$/);
  });

  test("has one form at every time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LAST_MS }), (nowMs) => {
        const iso = new Date(nowMs).toISOString().replaceAll(/[-:]/g, "");
        const id = newEventId(nowMs);
        expect(id.slice(0, 20)).toBe(`EVT-${iso.slice(0, 8)}-${iso.slice(9, 15)}-`);
        expect(id.slice(20)).toMatch(/^[0-9a-f]{12}$/);
      }),
    );
  });

  test("orders two seconds as their ids, whichever is asked for first", () => {
    const nowMs = fc.integer({ min: 0, max: LAST_MS });
    fc.assert(
      fc.property(nowMs, nowMs, (a, b) => {
        fc.pre(Math.floor(a / 1000) < Math.floor(b / 1000));
        const later = newEventId(b);
        expect(newEventId(a) < later).toBe(true);
      }),
    );
  });

  test("gives 100,000 ids of one second, none twice", () => {
    const ids = new Set(Array.from({ length: 100_000 }, () => newEventId(1_700_000_000_000)));
    expect(ids.size).toBe(100_000);
  });
});
