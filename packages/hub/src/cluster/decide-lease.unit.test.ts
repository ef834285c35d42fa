import { describe, expect, test } from "vitest";
import { ANSWERED_MS, LEASE_MS, type LeaseSight, maySeize, seeLease } from "./decide-lease.ts";

const held = (seq: number): LeaseSight => seeLease(undefined, { seq, holder: "hub" }, 0);

describe("maySeize()", () => {
  test("leaves the lease with a holder that renews", () => {
    let sight = held(1);
    for (let ms = 1000; ms <= 20_000; ms += 1000) {
      sight = seeLease(sight, { seq: 1 + ms / 1000, holder: "hub" }, ms);
      expect(maySeize(sight, "hub-2", ms + 999)).toBe(false);
    }
  });

  test("takes it from one that has not renewed for four seconds, and not before", () => {
    const sight = seeLease(held(1), { seq: 1, holder: "hub" }, 3000);
    expect(maySeize(sight, "hub-2", LEASE_MS - 1)).toBe(false);
    expect(maySeize(sight, "hub-2", LEASE_MS)).toBe(true);
  });

  test("takes one that nobody holds, or that this daemon held before a restart, at once", () => {
    expect(maySeize(seeLease(undefined, { seq: 0 }, 0), "hub-2", 0)).toBe(true);
    expect(maySeize(seeLease(undefined, { seq: 7 }, 0), "hub-2", 0)).toBe(true);
    expect(maySeize(held(7), "hub", 0)).toBe(true);
  });

  test("gives a living holder time to renew after a time in which nobody could", () => {
    const backMs = 30_000;
    const sight = { ...held(1), answeredSinceMs: backMs };
    expect(maySeize(sight, "hub-2", backMs + ANSWERED_MS - 1)).toBe(false);
    expect(maySeize(sight, "hub-2", backMs + ANSWERED_MS)).toBe(true);
    const renewed = seeLease(sight, { seq: 2, holder: "hub" }, backMs + 300);
    expect(maySeize(renewed, "hub-2", backMs + 3000)).toBe(false);
  });

  test("takes nothing while the stream does not answer", () => {
    const sight = { ...held(1), answeredSinceMs: Number.POSITIVE_INFINITY };
    expect(maySeize(sight, "hub-2", 60_000)).toBe(false);
  });
});
