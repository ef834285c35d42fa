import { MeshError } from "@adaos/core";
import { describe, expect, test } from "vitest";
import type { PastEvent } from "./past.ts";
import { batches, batchSize } from "./replay-run.ts";

async function* events(count: number, bytes: number): AsyncGenerator<PastEvent> {
  const body = new Uint8Array(bytes);
  for (let seq = 1; seq <= count; seq++) {
    const made = {
      subject: "rpl.desk.screen.alpha.kitchen.ui.notify.v1",
      id: String(seq),
      headers: {},
      body,
    };
    yield { seq, made: seq % 7 === 0 ? new MeshError("invalid-event", "none") : made };
  }
}

async function all(count: number, bytes: number, size: number): Promise<number[][]> {
  const found: number[][] = [];
  for await (const batch of batches(events(count, bytes), size)) found.push(batch.map(({ seq }) => seq));
  return found;
}

describe("batches()", () => {
  test("keeps the order and loses none", async () => {
    const found = await all(1000, 10, 256);
    expect(found.flat()).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(found.map(({ length }) => length)).toEqual([256, 256, 256, 232]);
    expect(await all(0, 10, 256)).toEqual([]);
  });

  test("is cut by bytes as well, and takes one that is larger alone", async () => {
    expect((await all(40, 250_000, 256)).map(({ length }) => length).every((n) => n <= 20)).toBe(true);
    expect(await all(3, 5 * 1024 * 1024, 256)).toEqual([[1], [2], [3]]);
  });
});

describe("batchSize()", () => {
  test("is small where a rate is low", () => {
    expect([undefined, 0.5, 9, 50, 1000, 100_000].map(batchSize)).toEqual([500, 1, 1, 5, 100, 500]);
  });
});
