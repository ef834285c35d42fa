import { perSecond, type Scenario, scaled } from "../scenario.ts";
import { sendAndReceive, turnsOf } from "./send-and-receive.ts";
import { type About, TEXT_BYTES, WINDOW } from "./ways.ts";

const COUNT = 40_000;
const WARM_UP = 4000;

const conditions = (scale: number): string =>
  `${scaled(COUNT, scale)} events, ${WINDOW} in flight, ${TEXT_BYTES} bytes of text`;

const loadAt = (scale: number) =>
  ({
    count: scaled(COUNT, scale),
    warmUp: scaled(WARM_UP, scale),
    bytes: TEXT_BYTES,
    window: WINDOW,
  }) as const;

/** How many texts are stored while nobody consumes. */
export function published(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions,
    prepare: (lab) =>
      turnsOf(lab, about, async ({ contender, place }) => {
        const load = loadAt(lab.scale);
        return lab.withWorker({ role: "send", contender, place, ...load }, async (sending) => {
          await sending.next("warm");
          sending.tell("go");
          const { startedMs, sentMs } = await sending.next("sent");
          const value = perSecond(load.count, sentMs - startedMs);
          return [{ metric: "published", unit: "events/s", value }];
        });
      }),
  };
}

/** How many texts are handled while they are sent as fast as they are stored. */
export function handled(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions,
    prepare: (lab) =>
      turnsOf(lab, about, async (run) => {
        const load = loadAt(lab.scale);
        const { allMs } = await sendAndReceive(lab, run, load);
        return [{ metric: "handled", unit: "events/s", value: perSecond(load.count, allMs) }];
      }),
  };
}
