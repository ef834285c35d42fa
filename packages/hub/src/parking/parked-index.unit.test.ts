import { describe, expect, test } from "vitest";
import { ParkedIndex } from "./parked-index.ts";

const LIMITS = { maxBytes: 10_000, originMaxBytes: 5000, originMaxEvents: 3 };

function placeOf(seq: number, from = "alpha.kitchen", bytes = 100, event = "lab.a.v1"): string {
  return `${seq}.1767600000000.${bytes}.${from}.${event}`;
}

function bookOf(...places: readonly string[]): ParkedIndex {
  const book = new ParkedIndex("beta", LIMITS);
  for (const place of places) book.addEvent(place);
  return book;
}

describe("ParkedIndex.noRoom()", () => {
  test("has room for so many events of an origin, and for others beside it", () => {
    const book = bookOf(placeOf(1), placeOf(2, "alpha.garden"), placeOf(3));
    expect(book.noRoom(placeOf(4))).toMatchObject({ origin: "alpha" });
    expect(book.noRoom(placeOf(4, "gamma.kitchen"))).toBeUndefined();
  });

  test("takes each node of its own subnet for an origin", () => {
    const book = bookOf(...[1, 2, 3].map((seq) => placeOf(seq, "beta.desk")));
    expect(book.noRoom(placeOf(4, "beta.desk"))).toMatchObject({ origin: "beta/desk" });
    expect(book.noRoom(placeOf(4, "beta.lamp"))).toBeUndefined();
  });

  test("counts an event once, and lets more durables wait for it when its origin has no room for another", () => {
    const book = bookOf(placeOf(1), placeOf(1), placeOf(2), placeOf(3));
    expect(book.noRoom(placeOf(3))).toBeUndefined();
    expect(book.noRoom(placeOf(4))).toBeDefined();
  });

  test("counts bytes, those of waits too, of an origin and of all", () => {
    const book = bookOf(placeOf(1, "alpha.kitchen", 4000));
    expect(book.noRoom(placeOf(2, "alpha.kitchen", 1000))).toMatchObject({ origin: "alpha" });
    expect(book.noRoom(placeOf(2, "gamma.kitchen", 4000))).toBeUndefined();
    book.addEvent(placeOf(2, "gamma.kitchen", 4000));
    expect(book.noRoom(placeOf(3, "delta.kitchen", 4000))).toMatchObject({ origin: "delta" });
    book.addWait("desk/a", placeOf(1, "alpha.kitchen", 4000), 1);
    book.addWait("desk/b", placeOf(1, "alpha.kitchen", 4000), 2);
    expect(book.noRoom(placeOf(1, "alpha.kitchen", 4000))).toMatchObject({ origin: "alpha" });
  });

  test("has room again when what was there is gone", () => {
    const book = bookOf(placeOf(1), placeOf(2), placeOf(3));
    book.addWait("desk/a", placeOf(3), 4);
    book.dropWait("desk/a", placeOf(3));
    expect([...book.unwaited()]).toHaveLength(3);
    for (const place of [...book.unwaited()]) book.dropEvent(place);
    expect(book.messages).toBe(0);
    expect(book.noRoom(placeOf(4))).toBeUndefined();
  });
});

describe("ParkedIndex.waitsOf()", () => {
  test("tells a durable's own of one event, in the order of the stream", () => {
    const book = bookOf(placeOf(10), placeOf(9), placeOf(11, "alpha.kitchen", 100, "lab.b.v1"));
    for (const [i, place] of [
      placeOf(10),
      placeOf(9),
      placeOf(11, "alpha.kitchen", 100, "lab.b.v1"),
    ].entries())
      book.addWait("desk/a", place, i + 20);
    book.addWait("desk/b", placeOf(10), 30);
    expect(book.waitsOf("desk/a", "lab.a@1", 0).map(({ seq, kept }) => [seq, kept])).toEqual([
      [9, 21],
      [10, 20],
    ]);
    expect(book.waitsOf("desk/a", "lab.a@1", 9)).toHaveLength(1);
    expect([...book.eventsOf("desk/a")].sort()).toEqual(["lab.a@1", "lab.b@1"]);
    expect(book.messages).toBe(7);
  });

  test("keeps an event as long as a durable waits for it", () => {
    const book = bookOf(placeOf(1));
    book.addWait("desk/a", placeOf(1), 2);
    book.addWait("lamp/a", placeOf(1), 3);
    book.addWait("lamp/a", placeOf(1), 4);
    book.dropWait("desk/a", placeOf(1));
    expect(book.isUnwaited(placeOf(1))).toBe(false);
    book.dropWait("lamp/a", placeOf(1));
    expect(book.isUnwaited(placeOf(1))).toBe(true);
  });
});
