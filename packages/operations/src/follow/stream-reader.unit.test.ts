import { describe, expect, test } from "vitest";
import { gapBetween } from "./stream-reader.ts";

describe("gapBetween()", () => {
  test("finds nothing missing within the stream, and right behind its end", () => {
    for (const next of [5, 7, 10, 11]) expect(gapBetween(next, { firstSeq: 5, lastSeq: 10 })).toBeUndefined();
    expect(gapBetween(1, { firstSeq: 0, lastSeq: 0 })).toBeUndefined();
    // A purged stream begins behind its end.
    expect(gapBetween(11, { firstSeq: 11, lastSeq: 10 })).toBeUndefined();
  });

  test("goes on with the first that is stored, where those before it are gone", () => {
    expect(gapBetween(3, { firstSeq: 8, lastSeq: 10 })).toEqual({
      gap: { fromSeq: 3, toSeq: 7, isAnew: false },
      nextSeq: 8,
    });
  });

  test("begins anew in a stream that was made anew, or has lost its end", () => {
    expect(gapBetween(900, { firstSeq: 1, lastSeq: 4 })).toEqual({
      gap: { fromSeq: 5, toSeq: 899, isAnew: true },
      nextSeq: 1,
    });
    expect(gapBetween(900, { firstSeq: 0, lastSeq: 0 })?.nextSeq).toBe(1);
  });
});
