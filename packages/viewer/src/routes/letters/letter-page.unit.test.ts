import type { DeadLetter } from "@adaos/core/wire";
import type { KeptDeadLetter } from "@adaos/operations";
import { describe, expect, test } from "vitest";
import { filterSchema, filterText, letterFilter } from "./filter.ts";
import { LetterPage } from "./letter-page.ts";
import { purgeRefusal } from "./plan.ts";

function letterOf(kept: number, change: Partial<DeadLetter> = {}): KeptDeadLetter {
  const entry = {
    dead_letter_id: `DLQ-${kept}`,
    at: new Date(Date.UTC(2026, 0, 5) + Math.floor(kept / 3) * 1000).toISOString(),
    category: kept % 2 === 0 ? "permanent" : "transient",
    error: { type: "Error", message: "no screen\nsecond line", stack: "" },
    node: "beta/desk",
    durable: "screen",
    event_id: "EVT-1",
    event_name: "ui.notify",
    delivery_count: 4,
    message: { headers: {}, body_base64: "AAAA" },
    ...change,
  } as unknown as DeadLetter;
  return { subnet: "beta", stream: "DLQ_beta", kept, entry };
}

describe("LetterPage", () => {
  test("gives each letter on one page of all, newest first, and counts all on each", () => {
    const letters = Array.from({ length: 450 }, (_, i) => letterOf(i + 1));
    const seen: string[] = [];
    let before: string | undefined;
    for (const size of [200, 200, 50]) {
      const page = new LetterPage(before);
      for (const letter of letters) page.add(letter);
      const { rows, total, older, categories } = page.answer();
      expect([rows.length, total, categories]).toEqual([
        size,
        450,
        [
          { name: "permanent", count: 225 },
          { name: "transient", count: 225 },
        ],
      ]);
      expect(rows.map(({ at }) => at)).toEqual(
        rows
          .map(({ at }) => at)
          .toSorted()
          .toReversed(),
      );
      seen.push(...rows.map(({ place }) => place));
      before = older;
    }
    expect(before).toBeUndefined();
    expect(new Set(seen).size).toBe(450);
  });

  test("sends no bodies, and only the beginning of what a member wrote", () => {
    const page = new LetterPage(undefined);
    const long = "x".repeat(20_000);
    for (let i = 0; i < 1000; i++)
      page.add(
        letterOf(i, { event_name: `${long}${i}`, dead_letter_id: long, at: long, node: long, durable: long }),
      );
    const text = JSON.stringify(page.answer());
    expect(text).not.toContain("body");
    expect(text.length).toBeLessThan(1_000_000);
  });
});

describe("purgeRefusal()", () => {
  test.each([
    [10, 10, undefined],
    [10, 9, undefined],
    [10, 8, "of 10 letters that were counted only 8 are left"],
    [10, 11, "grown from 10 to 11"],
    [0, 1, "grown from 0 to 1"],
  ])("of %i counted and %i now: %s", (counted, now, expected) => {
    const refused = purgeRefusal(counted, now);
    if (expected === undefined) expect(refused).toBeUndefined();
    else expect(refused).toContain(expected);
  });
});

describe("the filter", () => {
  test("takes empty fields for none, times as texts, and nothing else", () => {
    const filter = filterSchema.parse({
      at: "beta",
      node: " ",
      category: "",
      since: "2026-01-05T09:30:00Z",
      text: "x",
    });
    expect(letterFilter(filter)).toEqual({ at: "beta", sinceMs: Date.UTC(2026, 0, 5, 9, 30), text: "x" });
    expect(filterText(filter)).toBe("dead letters of at beta, text x, since 2026-01-05T09:30:00.000Z");
    expect(filterText({})).toBe("all dead letters");
    expect(() => filterSchema.parse({ since: "yesterday" })).toThrow("must be a time");
    expect(() => filterSchema.parse({ limit: "1" })).toThrow();
    expect(() => filterSchema.parse({ text: ["a", "b"] })).toThrow();
  });
});
