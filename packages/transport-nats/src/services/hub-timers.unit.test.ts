import { MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { expect, test } from "vitest";
import { HubTimers } from "./hub-timers.ts";

const { signal } = new AbortController();

/** A hub that leaves unanswered what is more than it takes at a time. */
function hub(most: number) {
  const asked = { now: 0, dropped: 0 };
  const timers = new HubTimers(async () => {
    if (asked.now >= most) {
      asked.dropped++;
      throw new MeshError("unavailable", "the hub does not answer for timer");
    }
    asked.now++;
    await delay(1, signal);
    asked.now--;
    return { removed: true, event_id: "EVT-1" };
  }, signal);
  return { asked, timers };
}

test("a thousand requests at once are all answered, and none is dropped", async () => {
  const { asked, timers } = hub(8);
  const all = Array.from({ length: 1000 }, (_, i) =>
    i % 2 === 0 ? timers.remove(`t${i}`) : timers.trigger(`t${i}`),
  );
  await Promise.all(all);
  expect(asked).toEqual({ now: 0, dropped: 0 });
});

test("one that the hub refuses makes room for the next", async () => {
  let count = 0;
  const timers = new HubTimers(async () => {
    count++;
    throw new MeshError("denied", "no rule allows it");
  }, signal);
  const all = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => timers.remove(`t${i}`)));
  expect([count, all.every(({ status }) => status === "rejected")]).toEqual([50, true]);
});
