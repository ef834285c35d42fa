import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Positions, parsePositions } from "./positions.ts";

describe("Positions", () => {
  test("makes an id from which every stream is read on, by time where no number is known", () => {
    const positions = new Positions();
    positions.setTime("alpha", 1_767_600_000_000);
    positions.setTime("beta", 5);
    expect(positions.id).toBe("alpha:t1767600000000,beta:t5");
    positions.set("alpha", 7);
    expect(positions.id).toBe("alpha:7,beta:t5");
    expect(positions.of("beta")).toEqual({ kind: "time", ms: 5 });
    positions.forget("alpha");
    expect([positions.of("alpha"), positions.of("gamma")]).toEqual([{ kind: "after", seq: 0 }, undefined]);
  });

  test("makes ids that are read back as they were", () => {
    const names = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/);
    const places = fc.dictionary(names, fc.tuple(fc.boolean(), fc.nat()), { minKeys: 1, maxKeys: 10 });
    fc.assert(
      fc.property(places, (of) => {
        const positions = new Positions();
        for (const [at, [isTime, value]] of Object.entries(of))
          if (isTime) positions.setTime(at, value);
          else positions.set(at, value);
        const read = parsePositions(positions.id);
        for (const at of Object.keys(of)) expect(read.get(at)).toEqual(positions.of(at));
      }),
    );
  });
});

describe("parsePositions()", () => {
  test.each([
    "x",
    "alpha",
    "alpha:",
    "alpha:-1",
    "alpha:01",
    "alpha:1,",
    "alpha:1,alpha:2",
    "Alpha:1",
    "a b:1",
    "alpha:t99999999999999999",
    "alpha:t253402300800000",
  ])("refuses %j", (text) => {
    expect(() => parsePositions(text)).toThrow(/after is the id of a message/);
  });

  test("refuses more streams than a reader may have", () => {
    expect(() => parsePositions(Array.from({ length: 65 }, (_, i) => `s${i}:1`).join(","))).toThrow();
  });
});
