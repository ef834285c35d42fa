import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

test("Slots run so many at a time, the others in their order, also after a failure", async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const results = [0, 1, 2, 3, 4].map((i) =>
    slots.use(async () => {
      begun.push(i);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (i === 1) throw new Error("one");
      return i;
    }),
  );
  const all = Promise.allSettled(results);
  await expect.poll(() => begun).toEqual([0, 1]);
  ends[1]?.();
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  await expect.poll(() => begun).toEqual([0, 1, 2, 3, 4]);
  ends[3]?.();
  ends[4]?.();
  expect((await all).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
});

test("Slots let go who gives up waiting, and begin nothing for who has given up before", async () => {
  const slots = new Slots(1);
  let end = (): void => undefined;
  const first = slots.use(() => new Promise<void>((resolve) => (end = resolve)));
  const giver = new AbortController();
  const given = slots.use(() => Promise.resolve("begun"), giver.signal);
  const next = slots.use(() => Promise.resolve("next"));
  giver.abort(new Error("given up"));
  await expect(given).rejects.toThrow("given up");
  end();
  await first;
  expect(await next).toBe("next");
  await expect(slots.use(() => Promise.resolve("begun"), giver.signal)).rejects.toThrow("given up");
  expect(await slots.use(() => Promise.resolve("free"))).toBe("free");
});
