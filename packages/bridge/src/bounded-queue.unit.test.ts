import { describe, expect, test } from "vitest";
import { BoundedQueue } from "./bounded-queue.ts";

async function all<T>(queue: BoundedQueue<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of queue) read.push(item);
  return read;
}

describe("BoundedQueue", () => {
  test("takes no more than its number and its size, and again when something was read", async () => {
    const queue = new BoundedQueue<string>(2, 10);
    expect([queue.add("a", 4), queue.add("too large", 7), queue.add("b", 6), queue.add("c", 0)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    const reader = queue[Symbol.asyncIterator]();
    expect((await reader.next()).value).toBe("a");
    expect(queue.add("d", 4)).toBe(true);
    queue.end();
    expect(queue.add("after the end", 0)).toBe(false);
    expect(await all(queue)).toEqual(["b", "d"]);
  });

  test("wakes a reader that waits, in order", async () => {
    const queue = new BoundedQueue<number>(10, 10);
    const reading = all(queue);
    for (let i = 0; i < 3; i++) {
      await Promise.resolve();
      queue.add(i, 1);
    }
    queue.end();
    expect(await reading).toEqual([0, 1, 2]);
  });

  test("tells how many it throws away, and has their room again", async () => {
    const queue = new BoundedQueue<number>(2, 2);
    queue.add(1, 1);
    queue.add(2, 1);
    expect(queue.clear()).toBe(2);
    expect(queue.add(3, 2)).toBe(true);
    queue.end();
    expect(await all(queue)).toEqual([3]);
  });
});
