import { parseEventPattern } from "@adaos/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemberRates } from "./member-rates.ts";

const ui = parseEventPattern("ui.");

function ratesOf(eventsPerSecond: number | undefined, bytesPerSecond?: number): MemberRates {
  const rates = new MemberRates();
  rates.replace(new Map([["calm", [{ events: ui, eventsPerSecond, bytesPerSecond }]]]));
  return rates;
}

function publish(rates: MemberRates, count: number, atMs: number, name = "ui.notify"): void {
  for (let i = 0; i < count; i++) rates.note("calm", name, 1, 100, atMs);
}

describe("MemberRates", () => {
  test("never finds a member whose library keeps to the limit, however late the hub looks", () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1, max: 50 }), (waits, perSecond) => {
        const rates = ratesOf(perSecond);
        let nowMs = 1_000_000;
        let tokens = perSecond;
        for (const waitMs of waits) {
          nowMs += waitMs;
          tokens = Math.min(perSecond, tokens + (waitMs / 1000) * perSecond);
          const count = Math.floor(tokens);
          tokens -= count;
          publish(rates, count, nowMs);
        }
        expect([...rates.overdrawn(nowMs)]).toEqual([]);
      }),
    );
  });

  test("finds one that publishes more, by how long it has to pay", () => {
    const rates = ratesOf(20);
    publish(rates, 41, 0);
    expect(rates.overdrawn(0)).toEqual(new Map([["calm", { limit: "20 events/s of ui.", waitMs: 1050 }]]));
    expect(rates.overdrawn(1000).size).toBe(1);
    expect(rates.overdrawn(1050).size).toBe(0);
  });

  test("counts bytes, and only the events that are meant", () => {
    const rates = ratesOf(undefined, 1000);
    publish(rates, 1000, 0, "repo.changed");
    expect(rates.overdrawn(0).size).toBe(0);
    publish(rates, 21, 0);
    expect(rates.overdrawn(0).get("calm")).toMatchObject({ limit: "1000 bytes/s of ui." });
  });

  test("lets nobody pay for longer than five minutes", () => {
    const rates = ratesOf(1);
    publish(rates, 100_000, 0);
    expect(rates.overdrawn(0).get("calm")?.waitMs).toBeLessThanOrEqual(300_000);
  });

  test("keeps the debt of a limit that stays, and forgets one that is another", () => {
    const rates = ratesOf(20);
    publish(rates, 100, 0);
    rates.replace(new Map([["calm", [{ events: parseEventPattern("ui."), eventsPerSecond: 20 }]]]));
    expect(rates.overdrawn(0).size).toBe(1);
    rates.replace(new Map([["calm", [{ events: ui, eventsPerSecond: 30 }]]]));
    expect(rates.overdrawn(0).size).toBe(0);
  });
});
