import { describe, expect, test } from "vitest";
import { KeptAnswers } from "./kept-answers.ts";

describe("KeptAnswers", () => {
  test("gives the same answer for a moment, and asks again after an error", async () => {
    const kept = new KeptAnswers<number>(60_000);
    let asked = 0;
    const make = async (): Promise<number> => ++asked;
    expect(await Promise.all([kept.get("a", make), kept.get("a", make), kept.get("b", make)])).toEqual([
      1, 1, 2,
    ]);
    await expect(kept.get("c", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
    expect(await kept.get("c", make)).toBe(3);
    expect(await new KeptAnswers<number>(-1).get("a", make)).toBe(4);
  });

  test("forgets the oldest of many questions", async () => {
    const kept = new KeptAnswers<number>(60_000);
    for (let i = 0; i < 40; i++) await kept.get(`${i}`, async () => i);
    expect(await kept.get("39", async () => -1)).toBe(39);
    expect(await kept.get("0", async () => -1)).toBe(-1);
  });
});
