import { describe, expect, test } from "vitest";
import { adaptiveDelay } from "./adaptive-delay.ts";
import { RETRY_PRESETS } from "./retry-policy.ts";

const POLICY = RETRY_PRESETS.adaptive;
const KIND = "Error (ECONNREFUSED)";

function delay(tookMs: readonly number[], attempt: number, failedMs = 0): [number, string] {
  const { delayMs, because } = adaptiveDelay(POLICY, attempt, { cures: { kind: KIND, tookMs }, failedMs });
  return [delayMs, because];
}

/** 100, 200 … 2000 ms. */
const CURES = Array.from({ length: 20 }, (_, i) => (i + 1) * 100);

describe("adaptiveDelay()", () => {
  test.each([
    [1, 0, 1000, "50 % of 20 cures of Error (ECONNREFUSED) in the last hour took 1.00 s or less"],
    [2, 1000, 500, "75 % of 20 cures of Error (ECONNREFUSED) in the last hour took 1.50 s or less"],
  ])("waits until a share of such failures has passed, attempt %d", (attempt, failedMs, delayMs, because) => {
    expect(delay(CURES, attempt, failedMs)).toEqual([delayMs, because]);
  });

  test("takes the next larger share when the failure has outlasted its own", () => {
    expect(delay(CURES, 1, 1200)).toEqual([300, expect.stringMatching(/^75 % of 20/)]);
  });

  test("waits exponentially while it knows too little, or when the failure has outlasted all", () => {
    expect(delay(CURES.slice(0, 4), 1)).toEqual([
      2000,
      "4 of 5 needed cures of Error (ECONNREFUSED) in the last hour: exponential",
    ]);
    expect(delay(CURES, 2, 5000)).toEqual([4000, expect.stringMatching(/^it has outlasted 20 cures/)]);
  });

  test("gives an event up no sooner than exponential waits would", () => {
    const because = "the last attempt comes no sooner than with exponential waits";
    expect(delay(CURES, 3, 1600)).toEqual([2000 + 4000 + 8000 - 1600, because]);
  });

  test("stays between a tenth of baseMs and maxMs", () => {
    expect(delay(Array(9).fill(1), 1)[0]).toBe(POLICY.baseMs / 10);
    expect(delay(Array(9).fill(86_400_000), 1)[0]).toBe(POLICY.maxMs);
  });
});
