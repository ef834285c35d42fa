import { perSecond, type Scenario, scaled } from "../scenario.ts";
import { percentilesOf } from "./latency.ts";
import { turnsOf } from "./send-and-receive.ts";
import { type About, TEXT_BYTES } from "./ways.ts";

const COUNT = 5000;
const WARM_UP = 500;
const WINDOW = 64;
const ALONE = 500;

/** Answered requests a second, and the time of one. */
export function requests(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions: (scale) =>
      `${scaled(COUNT, scale)} requests, ${WINDOW} in flight, then ${scaled(ALONE, scale)} one at a time; raw stores nothing`,
    prepare: (lab) =>
      turnsOf(lab, about, async (run) => {
        const count = scaled(COUNT, lab.scale);
        const alone = scaled(ALONE, lab.scale);
        const warmUp = scaled(WARM_UP, lab.scale);
        return lab.withWorker({ role: "answer", ...run }, async (answering) => {
          await answering.next("ready");
          const load = { count, warmUp, alone, bytes: TEXT_BYTES, window: WINDOW };
          return lab.withWorker({ role: "ask", ...run, ...load }, async (asking) => {
            await asking.next("ready");
            asking.tell("go");
            const { allMs, aloneMs } = await asking.next("asked");
            return [
              { metric: "answered", unit: "requests/s", value: perSecond(count, allMs) },
              ...percentilesOf(aloneMs, [0.5, 0.99], "one at a time "),
            ];
          });
        });
      }),
  };
}
