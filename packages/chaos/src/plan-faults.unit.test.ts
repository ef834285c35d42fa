import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planFaults } from "./plan-faults.ts";

const CHOICES = [
  { name: "kill", targets: ["nats-alpha", "alpha/hub"] },
  { name: "fill-disk", targets: [] },
  { name: "hang", targets: ["root"] },
];
const LIMITS = { iterations: 50, seed: 7, minHoldMs: 100, maxHoldMs: 200 };

describe("planFaults()", () => {
  test("plans the same for the same seed, and something else for another", () => {
    expect(planFaults(CHOICES, LIMITS)).toEqual(planFaults(CHOICES, LIMITS));
    expect(planFaults(CHOICES, LIMITS)).not.toEqual(planFaults(CHOICES, { ...LIMITS, seed: 8 }));
  });

  test("hits only what can be hit, for a time within its limits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        for (const { fault, target, holdMs } of planFaults(CHOICES, { ...LIMITS, seed })) {
          expect(CHOICES.find(({ name }) => name === fault)?.targets).toContain(target);
          expect(holdMs).toBeGreaterThanOrEqual(100);
          expect(holdMs).toBeLessThanOrEqual(200);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("throws usage when nothing can be hit", () => {
    expect(() => planFaults([{ name: "fill-disk", targets: [] }], LIMITS)).toThrow(
      expect.objectContaining({ code: "usage", message: "nothing here can be hit by fill-disk" }),
    );
  });
});
