import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import {
  RETRY_PRESETS,
  type RetryOptions,
  type RetryPolicy,
  resolveRetry,
  retryDelayMs,
} from "./retry-policy.ts";

/** The waits after attempts 1, 2 … without spread. */
function waits(policy: RetryPolicy, count: number): number[] {
  return Array.from({ length: count }, (_, i) => retryDelayMs(policy, i + 1, 0.5));
}

describe("RETRY_PRESETS", () => {
  test.each([
    ["p0", [1000, 2000, 4000, 8000]],
    ["p1", [2000, 4000, 8000, 16_000]],
    ["r-v0.1", [5000, 10_000, 15_000, 15_000]],
  ] as const)("%s waits %j", (name, expected) => {
    expect(waits(RETRY_PRESETS[name], 4)).toEqual(expected);
  });

  test("retry three times, at most 5 minutes apart, also what nothing is known of", () => {
    for (const policy of Object.values(RETRY_PRESETS)) {
      expect(policy).toMatchObject({ maxRetries: 3, maxMs: 300_000, retryUnknown: true });
    }
  });

  test("spread their waits by a fifth, or not at all", () => {
    const jitters = Object.entries(RETRY_PRESETS).map(([name, { jitter }]) => [name, jitter]);
    expect(Object.fromEntries(jitters)).toEqual({ p0: 0, p1: 0.2, "r-v0.1": 0, adaptive: 0.2 });
  });

  test("pass their own checks", () => {
    for (const policy of Object.values(RETRY_PRESETS)) expect(resolveRetry({ ...policy })).toEqual(policy);
  });
});

describe("resolveRetry()", () => {
  test("is p1 without options, a preset by its name, and p1 with what differs", () => {
    expect(resolveRetry()).toEqual(RETRY_PRESETS.p1);
    expect(resolveRetry("p0")).toEqual(RETRY_PRESETS.p0);
    expect(resolveRetry({ maxRetries: 9 })).toEqual({ ...RETRY_PRESETS.p1, maxRetries: 9 });
  });

  test.each(["p2", "", "toString", "__proto__"])(
    "refuses the preset %j as usage, naming those there are",
    (name) => {
      const refusal = meshErrorOf(() => resolveRetry(name as "p1"));
      expect([refusal.code, refusal.message]).toEqual(["usage", expect.stringContaining("p0, p1, r-v0.1")]);
    },
  );

  test.each<[options: Partial<RetryPolicy>, named: string]>([
    [{ strategy: "fibonacci" as "list" }, "fibonacci"],
    [{ strategy: "list" }, "delaysMs"],
    [{ strategy: "list", delaysMs: [1000, -1] }, "delaysMs"],
    [{ strategy: "list", delaysMs: [Number.NaN] }, "delaysMs"],
    [{ baseMs: -1 }, "baseMs"],
    [{ baseMs: 86_400_001 }, "baseMs"],
    [{ factor: 0.5 }, "factor"],
    [{ factor: 101 }, "factor"],
    [{ maxMs: Number.POSITIVE_INFINITY }, "maxMs"],
    [{ jitter: 1.1 }, "jitter"],
    [{ jitter: Number.NaN }, "jitter"],
    [{ maxRetries: -1 }, "maxRetries"],
    [{ maxRetries: 1001 }, "maxRetries"],
  ])("refuses %j as usage, naming %s", (options, named) => {
    const refusal = meshErrorOf(() => resolveRetry(options));
    expect([refusal.code, refusal.message]).toEqual(["usage", expect.stringContaining(named)]);
  });

  test.each<[options: Partial<RetryPolicy>]>([
    [{ maxRetries: 0 }],
    [{ maxRetries: 1000, baseMs: 86_400_000, maxMs: 86_400_000, factor: 100, jitter: 1 }],
    [{ baseMs: 0, maxMs: 0, factor: 1, jitter: 0 }],
  ])("takes %j: limits are included", (options) => {
    expect(resolveRetry(options)).toMatchObject(options);
  });
});

describe("retryDelayMs()", () => {
  test.each<[what: string, options: RetryOptions, expected: number[]]>([
    ["each wait a factor longer", { baseMs: 10, factor: 3, firstExponent: 0 }, [10, 30, 90, 270]],
    ["the first already a factor long", { baseMs: 10, factor: 3, firstExponent: 1 }, [30, 90, 270, 810]],
    ["equal waits at a factor of 1", { baseMs: 10, factor: 1 }, [10, 10, 10, 10]],
    ["linear steps", { strategy: "linear", baseMs: 10 }, [10, 20, 30, 40]],
    ["a list, whose last repeats", { strategy: "list", delaysMs: [5, 1, 7] }, [5, 1, 7, 7]],
    ["a list of one", { strategy: "list", delaysMs: [5] }, [5, 5, 5, 5]],
    ["nothing longer than the longest", { baseMs: 10, factor: 10, maxMs: 500 }, [100, 500, 500, 500]],
  ])("gives %s", (_, options, expected) => {
    expect(waits(resolveRetry(options), 4)).toEqual(expected);
  });

  test("spreads a wait by the share to both sides", () => {
    const delays = [0, 0.25, 0.5, 1].map((random) => retryDelayMs(RETRY_PRESETS.p1, 1, random));
    expect(delays).toEqual([1600, 1800, 2000, 2400]);
  });

  test("stays within its bounds, whatever policy, attempt and chance", () => {
    const anyPolicy = fc
      .record({
        strategy: fc.constantFrom("exponential", "linear", "list"),
        baseMs: fc.integer({ min: 0, max: 86_400_000 }),
        factor: fc.double({ min: 1, max: 100, noNaN: true }),
        firstExponent: fc.constantFrom(0, 1),
        delaysMs: fc.array(fc.integer({ min: 0, max: 86_400_000 }), { minLength: 1, maxLength: 5 }),
        maxMs: fc.integer({ min: 0, max: 86_400_000 }),
        jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      } as const)
      .map((options) => resolveRetry(options));
    const chance = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 1001 }), chance, (policy, attempt, random) => {
        const delayMs = retryDelayMs(policy, attempt, random);
        const plainMs = retryDelayMs({ ...policy, jitter: 0 }, attempt, random);
        expect(Number.isInteger(delayMs)).toBe(true);
        expect(delayMs).toBeLessThanOrEqual(policy.maxMs);
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(plainMs * (1 - policy.jitter)) - 1);
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(plainMs * (1 + policy.jitter)) + 1);
      }),
      { examples: [[resolveRetry({ baseMs: 0, factor: 100 }), 1001, 0.5]] },
    );
  });
});
