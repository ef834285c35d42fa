import { describe, expect, test } from "vitest";
import { TargetRoom } from "./target-room.ts";

const fill = (usedBytes: number, held: Record<string, number>) => ({
  maxBytes: 1000,
  usedBytes,
  held: new Map(Object.entries(held)),
});

describe("TargetRoom", () => {
  test("finds an origin between two answers of the hub, before it has filled the stream", () => {
    const room = new TargetRoom(fill(0, {}), 0.75);
    let carried = 0;
    while (!room.over.has("gamma") && carried < 1000) {
      room.add("gamma", 10);
      room.add("delta", 1);
      carried += 10;
    }
    expect([...room.over]).toEqual(["gamma"]);
    expect(carried).toBeGreaterThan(600);
    expect(carried).toBeLessThan(800);
  });

  test("counts what the target's own members hold as not free, and nobody else for it", () => {
    expect([...new TargetRoom(fill(900, { gamma: 400, delta: 20 }), 0.75).over]).toEqual(["gamma"]);
    expect(new TargetRoom(fill(400, { gamma: 400 }), 0.75).over.size).toBe(0);
  });

  test("lets an origin in again well below its share", () => {
    const over = new Set(["gamma"]);
    expect(new TargetRoom(fill(740, { gamma: 740 }), 0.75, over).over.size).toBe(1);
    expect(new TargetRoom(fill(600, { gamma: 600 }), 0.75, over).over.size).toBe(0);
  });
});
