import { describe, expect, test } from "vitest";
import { timeOfEventId } from "./find-stored.ts";

describe("timeOfEventId()", () => {
  test("is the second in the id", () => {
    expect(timeOfEventId("EVT-20260105-093012-0123456789ab")).toBe(Date.parse("2026-01-05T09:30:12Z"));
  });

  test.each(["", "nonsense", "EVT-20261305-093012-0123456789ab", "EVT-20260105-093012-XYZ"])(
    "is nothing for %j",
    (id) => {
      expect(timeOfEventId(id)).toBeUndefined();
    },
  );
});
