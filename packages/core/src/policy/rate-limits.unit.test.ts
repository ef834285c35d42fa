import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { parseEventPattern } from "../language/event-pattern.ts";
import { type Rate, RateLimits } from "./rate-limits.ts";
import { TokenBucket } from "./token-bucket.ts";

function limitsOf(...limits: readonly (Rate & { readonly of: string })[]): RateLimits {
  return new RateLimits(
    "alpha/kitchen",
    limits.map(({ of, ...rate }) => ({ events: parseEventPattern(of), ...rate })),
  );
}

/** How many of `count` events of 100 bytes pass at this moment. */
function passing(limits: RateLimits, count: number, nowMs: number, name = "ui.notify"): number {
  let passed = 0;
  for (let i = 0; i < count; i++) {
    try {
      limits.take(name, 1, 100, nowMs);
      passed++;
    } catch {
      // Refused.
    }
  }
  return passed;
}

describe("RateLimits", () => {
  test("let a second's worth pass at once, and then as much as time brings", () => {
    const limits = limitsOf({ of: "ui.", eventsPerSecond: 10 });
    expect(passing(limits, 50, 0)).toBe(10);
    expect(passing(limits, 50, 0)).toBe(0);
    expect(passing(limits, 50, 500)).toBe(5);
    expect(passing(limits, 50, 100_000)).toBe(10);
  });

  test("say who may what, and when to try again", () => {
    const limits = limitsOf({ of: "ui.", eventsPerSecond: 2 });
    passing(limits, 2, 0);
    const error = meshErrorOf(() => limits.take("ui.notify", 1, 100, 0));
    expect(error.code).toBe("backpressure");
    expect(error.message).toBe("alpha/kitchen may publish 2 events/s of ui.; try again in 500 ms");
  });

  test("of bytes: the largest event passes when anything is there, and is paid for afterwards", () => {
    const limits = limitsOf({ of: "*", bytesPerSecond: 1000 });
    limits.take("ui.notify", 1, 250_000, 0);
    expect(meshErrorOf(() => limits.take("ui.notify", 1, 1, 100_000)).code).toBe("backpressure");
    expect(() => limits.take("ui.notify", 1, 1, 251_000)).not.toThrow();
  });

  test("count against all that mean an event, and against none when one refuses", () => {
    const limits = limitsOf({ of: "*", eventsPerSecond: 5 }, { of: "ui.", eventsPerSecond: 2 });
    expect(passing(limits, 10, 0)).toBe(2);
    expect(passing(limits, 10, 0, "nlp.intent")).toBe(3);
  });

  test("are taken anew, and none at all limit nothing", () => {
    const limits = limitsOf({ of: "ui.", eventsPerSecond: 1 });
    expect(passing(limits, 9, 0)).toBe(1);
    limits.replace([]);
    expect(passing(limits, 9, 0)).toBe(9);
  });

  test("never let more pass than a second's worth and what time has brought, whenever somebody tries", () => {
    const tries = fc.array(fc.record({ afterMs: fc.nat(400), count: fc.nat(20) }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), tries, (eventsPerSecond, moments) => {
        const limits = limitsOf({ of: "*", eventsPerSecond });
        let nowMs = 0;
        let passed = 0;
        for (const { afterMs, count } of moments) {
          nowMs += afterMs;
          passed += passing(limits, count, nowMs);
          expect(passed).toBeLessThanOrEqual(eventsPerSecond + (nowMs / 1000) * eventsPerSecond + 1e-6);
        }
      }),
    );
  });
});

describe("TokenBucket", () => {
  test("of less than one a second lets one pass when its time has come", () => {
    const bucket = new TokenBucket(0.5);
    expect(bucket.available(0)).toBe(0.5);
    expect(bucket.available(1000)).toBe(1);
    bucket.spend(1);
    expect(bucket.available(2000)).toBe(0.5);
    expect(bucket.waitMs(1)).toBe(1000);
  });
});
