import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BookLine } from "./book.ts";
import { checkBook, isBalanced } from "./check-book.ts";

const NONE: ReadonlySet<string> = new Set();
const line = (what: BookLine["what"], id: string): BookLine => ({ what, id, atMs: 0 });
const published = (id: string): BookLine[] => [line("publishing", id), line("published", id)];

/** The possible fates of one event. */
const FATES = ["effect", "lost", "doubled", "dead", "unanswered", "unanswered effect"] as const;

describe("checkBook()", () => {
  test("names what is lost, doubled, dead and unanswered", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FATES), { maxLength: 40 }), (fates) => {
        const lines = fates.flatMap((fate, i): BookLine[] => {
          const id = String(i);
          const effects = { effect: 1, lost: 0, doubled: 2, dead: 0, unanswered: 0, "unanswered effect": 1 }[
            fate
          ];
          const begun = fate.startsWith("unanswered") ? [line("publishing", id)] : published(id);
          return [...begun, ...Array.from({ length: effects }, () => line("effect", id))];
        });
        const idsOf = (...of: string[]): string[] =>
          fates.flatMap((fate, i) => (of.includes(fate) ? [String(i)] : []));
        const balance = checkBook(lines, new Set(idsOf("dead")), 0);
        expect(balance).toMatchObject({
          lost: idsOf("lost"),
          doubled: idsOf("doubled"),
          dead: idsOf("dead"),
          unanswered: idsOf("unanswered").length,
          reordered: [],
          pending: [],
        });
        expect(isBalanced(balance)).toBe(idsOf("lost", "doubled", "dead").length === 0);
      }),
    );
  });

  test("tells who took effect after a later one", () => {
    const lines = [...published("a"), ...published("b"), line("effect", "b"), line("effect", "a")];
    expect(checkBook(lines, NONE, 0).reordered).toEqual(["a"]);
  });

  test("calls the newest without effect pending while as many wait", () => {
    const lines = [...published("a"), ...published("b"), ...published("c"), line("effect", "b")];
    expect(checkBook(lines, NONE, 1)).toMatchObject({ lost: ["a"], pending: ["c"] });
  });

  test("leaves alone what somebody else has published", () => {
    expect(checkBook([line("effect", "x"), line("effect", "x")], new Set(["y"]), 0)).toMatchObject({
      effects: 0,
      doubled: [],
      dead: [],
    });
  });
});
