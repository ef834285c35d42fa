import { describe, expect, test } from "vitest";
import { RefillRoom } from "./refill-room.ts";

describe("RefillRoom", () => {
  test("leaves an eighth of the stream", () => {
    const room = new RefillRoom();
    expect(room.take(375, { maxBytes: 1000, usedBytes: 500 })).toBe(true);
    expect(room.take(1, { maxBytes: 1000, usedBytes: 875 })).toBe(false);
  });

  test("counts what was given back since the hub looked", () => {
    const room = new RefillRoom();
    const old = { maxBytes: 1000, usedBytes: 0 };
    expect([room.take(600, old), room.take(200, old), room.take(200, old)]).toEqual([true, true, false]);
  });

  test("counts what others have published meanwhile", () => {
    const room = new RefillRoom();
    expect(room.take(100, { maxBytes: 1000, usedBytes: 0 })).toBe(true);
    expect(room.take(100, { maxBytes: 1000, usedBytes: 800 })).toBe(false);
    expect(room.take(75, { maxBytes: 1000, usedBytes: 800 })).toBe(true);
  });

  test("gives a small stream what is larger than its room, while half of it is empty", () => {
    const room = new RefillRoom();
    expect(room.take(900, { maxBytes: 1000, usedBytes: 400 })).toBe(true);
    expect(room.take(1, { maxBytes: 1000, usedBytes: 400 })).toBe(false);
  });

  test("has room where the hub does not tell", () => {
    const room = new RefillRoom();
    expect([room.take(1e12, undefined), room.take(1e12, undefined)]).toEqual([true, true]);
  });
});
