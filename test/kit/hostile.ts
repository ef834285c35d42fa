import type { MeshError } from "@adaos/core";
import fc from "fast-check";
import { expect } from "vitest";
import { HOSTILE_TOKENS, originToken } from "./arbitraries.ts";

/** Inputs tried for each property. */
const RUNS = 500;
/** Time limit on a loaded machine for milliseconds of work; quadratic work takes longer. */
const MAX_MS = 10_000;

/**
 * Tries hostile inputs one after the other. Each must be refused: `attempt` returns the refusal, or undefined if
 * the input got through. Prints the number of inputs and the slowest time.
 */
export async function tryHostile<T>(
  what: string,
  inputs: fc.Arbitrary<T>,
  attempt: (input: T) => Promise<MeshError | undefined> | MeshError | undefined,
  runs: number = RUNS,
): Promise<void> {
  const tookMs: number[] = [];
  const property = fc.asyncProperty(inputs, async (input) => {
    const startedMs = performance.now();
    const refusal = await attempt(input);
    tookMs.push(performance.now() - startedMs);
    expect(refusal, "what got through").toBeDefined();
    // The message goes into logs and onto terminals.
    expect(refusal?.message.length).toBeLessThan(3000);
  });
  await fc.assert(property, { numRuns: runs });
  tookMs.sort((a, b) => a - b);
  const [median = 0, slowest = 0] = [tookMs[tookMs.length >> 1], tookMs.at(-1)];
  console.info(
    `${what}: ${tookMs.length} tried, 0 got through; median ${median.toFixed(2)} ms, slowest ${slowest.toFixed(1)} ms`,
  );
  expect(slowest).toBeLessThan(MAX_MS);
}

const badUnit = fc.constantFrom(
  ..."* > \0 \r \n \t \u0007 \u001b \u007f \u00a0 \u0430 \uff41 \u0301 \u200b \u202e \ud800 \u{1f600} $ / \\ @ : ; ' \" A".split(
    " ",
  ),
  " ",
);

/** Hostile values for one token of a subject, or for the name of a file. Never a valid one. */
export const hostileToken: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE_TOKENS.map(([, token]) => token)),
  fc.constantFrom(
    "..",
    "../..",
    "../../etc/passwd",
    "/etc/passwd",
    "~",
    "%2e%2e",
    "..\\..",
    "-",
    "-rf",
    "a/../b",
  ),
  fc.tuple(originToken, badUnit, fc.oneof(originToken, fc.constant(""))).map((parts) => parts.join("")),
  fc.integer({ min: 64, max: 5000 }).map((length) => "A".repeat(length)),
);

/** Bytes that are not UTF-8. */
export const brokenUtf8: fc.Arbitrary<readonly number[]> = fc.constantFrom(
  [0x80],
  [0xbf, 0xbf],
  [0xc0, 0xaf],
  [0xc1, 0xbf],
  [0xc3],
  [0xe0, 0x80, 0xaf],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x80, 0x80, 0xaf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xfe],
  [0xff, 0xfe],
);

/** JSON text of a number that many readers round, or cannot represent. */
export const hugeNumber: fc.Arbitrary<string> = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 10n ** 40n }).map(String),
  fc.bigInt({ min: -(10n ** 40n), max: -(2n ** 53n) }).map(String),
  fc.integer({ min: 16, max: 400 }).map((exponent) => `1e${exponent}`),
  fc.integer({ min: 310, max: 5000 }).map((digits) => "9".repeat(digits)),
);

/** JSON text nested deeper than an envelope may be. */
export const deepJson: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(fc.integer({ min: 65, max: 200 }), fc.integer({ min: 200, max: 40_000 })),
    fc.constantFrom("[]", "{}"),
  )
  .map(([depth, kind]) =>
    kind === "[]" ? "[".repeat(depth) + "]".repeat(depth) : `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`,
  );
