import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NonRetryableError, RetryableError } from "./classify.ts";
import { RETRY_PRESETS, type RetryPolicy, resolveRetry } from "./retry-policy.ts";
import { type FailureDecision, settleFailure } from "./settle-failure.ts";

/** The decision at an attempt of a policy without spread. */
function decided(
  error: unknown,
  attempt = 1,
  policy: RetryPolicy = { ...RETRY_PRESETS.p1, jitter: 0 },
): FailureDecision {
  return settleFailure(error, attempt, policy, [], 0.5);
}

describe("settleFailure()", () => {
  test("dead-letters at once when the error is permanent", () => {
    const classification = { category: "permanent", rule: "typed" };
    expect(decided(new NonRetryableError("x"))).toEqual({ kind: "dead-letter", classification });
  });

  test.each([
    ["transient", new RetryableError("x")],
    ["unknown", new Error("x")],
  ])("retries what is %s until the retries are spent", (category, error) => {
    const decisions = [1, 2, 3, 4, 5].map((attempt) => decided(error, attempt));
    expect(decisions).toMatchObject([
      { kind: "retry", delayMs: 2000, classification: { category } },
      { kind: "retry", delayMs: 4000 },
      { kind: "retry", delayMs: 8000 },
      { kind: "dead-letter", classification: { category } },
      { kind: "dead-letter" },
    ]);
  });

  test("dead-letters the first failure of a policy without retries", () => {
    expect(decided(new RetryableError("x"), 1, resolveRetry({ maxRetries: 0 })).kind).toBe("dead-letter");
  });

  test("dead-letters what is unknown where the policy says so, and shows it as unknown", () => {
    const policy = resolveRetry({ retryUnknown: false });
    expect(decided(new Error("x"), 1, policy)).toMatchObject({
      kind: "dead-letter",
      classification: { category: "unknown" },
    });
    expect(decided(new RetryableError("x"), 1, policy).kind).toBe("retry");
  });

  test("lets the user's rules decide", () => {
    const policy = RETRY_PRESETS.p1;
    expect(settleFailure(new RetryableError("x"), 1, policy, [() => "permanent"], 0.5).kind).toBe(
      "dead-letter",
    );
    expect(settleFailure(new TypeError("x"), 1, policy, [() => "transient"], 0.5).kind).toBe("retry");
  });

  test.each<[retryAfterMs: number, delayMs: number]>([
    [60_000, 60_000],
    [300, 300],
    [86_400_000, 300_000],
    [Number.POSITIVE_INFINITY, 300_000],
    [0.4, 1],
    [0, 1],
    [-5, 1],
    [Number.NaN, 2000],
  ])("waits as the failure asks, %d ms, within limits: %d ms", (retryAfterMs, delayMs) => {
    expect(decided(new RetryableError("x", { retryAfterMs }))).toMatchObject({ kind: "retry", delayMs });
  });

  test("does not spread the wait that was asked for, nor give more attempts for it", () => {
    const error = Object.assign(new Error("x"), { status: 429, headers: { "retry-after": "9" } });
    expect(settleFailure(error, 1, RETRY_PRESETS.p1, [], 0)).toMatchObject({ delayMs: 9000 });
    expect(decided(error, 4).kind).toBe("dead-letter");
  });

  test("never retries without a wait, whatever the policy", () => {
    const policies = fc.record({
      baseMs: fc.constantFrom(0, 1, 1000),
      maxMs: fc.constantFrom(0, 1, 1000),
      jitter: fc.constantFrom(0, 0.2, 1),
    });
    const chance = fc.constantFrom(0, 0.5, 1);
    const waits = fc.option(fc.double(), { nil: undefined });
    fc.assert(
      fc.property(policies, chance, waits, (options, random, retryAfterMs) => {
        const error = new RetryableError("x", retryAfterMs === undefined ? {} : { retryAfterMs });
        const decision = settleFailure(error, 1, resolveRetry(options), [], random);
        const delayMs = decision.kind === "retry" ? decision.delayMs : 0;
        expect(Number.isInteger(delayMs) && delayMs >= 1).toBe(true);
      }),
    );
  });
});
