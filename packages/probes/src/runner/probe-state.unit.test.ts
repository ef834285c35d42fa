import { describe, expect, test } from "vitest";
import { decideLook, type Look, NEVER_LOOKED, type ProbeState, statusOf } from "./probe-state.ts";

const LIMITS = { degradedMs: 100, unhealthyMs: 200 };
const look = (more: Partial<Look> = {}): Look => ({ atMs: 1000, latencyMs: 5, isRetry: false, ...more });

/** The changes that are published for looks one after the other. */
function told(...looks: readonly Partial<Look>[]): unknown[][] {
  let state: ProbeState = NEVER_LOOKED;
  return looks.map((more) => {
    const decided = decideLook(state, look(more), LIMITS);
    state = decided.state;
    return decided.changes.map((change) => Object.values(change).join(" "));
  });
}

describe("decideLook()", () => {
  test("tells changes, and nothing of looks that find the same", () => {
    expect(told({}, {}, { latencyMs: 99.9 })).toEqual([["established", "health healthy"], [], []]);
    expect(told({ latencyMs: 100 }, { latencyMs: 150 }, { latencyMs: 200 }, { latencyMs: 3 })).toEqual([
      ["established", "health degraded"],
      [],
      ["health unhealthy"],
      ["health healthy"],
    ]);
  });

  test("tells once that a connection is lost, and once that it is there again", () => {
    const failure = "refused";
    expect(told({}, { failure }, { failure }, { failure }, {}, {})).toEqual([
      ["established", "health healthy"],
      ["failed 0", "health unhealthy"],
      [],
      [],
      ["established", "health healthy"],
      [],
    ]);
  });

  test("counts retries that somebody asked for, from the first failure on", () => {
    const failure = "refused";
    const retry = { failure, isRetry: true };
    expect(told({ failure }, retry, { failure }, retry, { isRetry: true }, { failure })).toEqual([
      ["failed 0", "health unhealthy"],
      ["failed 1"],
      [],
      ["failed 2"],
      ["established", "health healthy"],
      ["failed 0", "health unhealthy"],
    ]);
  });

  test("a failure after slow answers is no other status, and yet a lost connection", () => {
    expect(told({ latencyMs: 300 }, { failure: "refused" })[1]).toEqual(["failed 0"]);
  });

  test("remembers since when it is so", () => {
    const first = decideLook(NEVER_LOOKED, look(), LIMITS).state;
    const second = decideLook(first, look({ atMs: 2000 }), LIMITS).state;
    expect([second.sinceMs, second.lookedAtMs]).toEqual([1000, 2000]);
  });
});

test.each([
  [0, "healthy"],
  [99.99, "healthy"],
  [100, "degraded"],
  [199.99, "degraded"],
  [200, "unhealthy"],
] as const)("statusOf() says of %d ms: %s", (latencyMs, status) => {
  expect(statusOf(latencyMs, LIMITS)).toBe(status);
});
