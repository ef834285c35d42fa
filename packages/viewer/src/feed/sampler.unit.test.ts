import { expect, test } from "vitest";
import { Sampler } from "./sampler.ts";

test("Sampler lets a rate through, tells what it left out, and counts nothing of the past against the rate", () => {
  const sampler = new Sampler(10, 0);
  let sent = 0;
  for (let ms = 0; ms < 2000; ms++) {
    if (ms % 2 === 0) sampler.sentOfPast();
    if (sampler.hasRoom(ms)) {
      sampler.sent();
      sent++;
    } else sampler.leftOut();
  }
  // One second's worth at once, and then the rate.
  expect(sent).toBeLessThanOrEqual(30);
  expect(sampler.take(2000)).toEqual({ matched: 3000, sent: sent + 1000, ms: 2000 });
  expect(sampler.take(2001)).toBeUndefined();
});
