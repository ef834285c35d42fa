import { perSecond, type Scenario, scaled } from "../scenario.ts";
import { sendAndReceive, turnsOf } from "./send-and-receive.ts";
import { type About, TEXT_BYTES, WINDOW } from "./ways.ts";

/*
 * A sender's processor time per event is steady from its 10,000th on, a receiver's from its 5,000th: 282 us for the
 * first 5,000, then 28, 22 and 19 to 28 until the 87,000th; 398, then 66 to 86. Before that the compiler is measured.
 */
const PUBLISHED_COUNT = 60_000;
const HANDLED_COUNT = 40_000;
const WARM_UP = 10_000;

const conditionsOf = (count: number, scale: number): string =>
  `${scaled(count, scale)} events, ${WINDOW} in flight, ${TEXT_BYTES} bytes of text`;

const loadOf = (count: number, scale: number) =>
  ({
    count: scaled(count, scale),
    warmUp: scaled(WARM_UP, scale),
    bytes: TEXT_BYTES,
    window: WINDOW,
  }) as const;

/** Texts a second that are stored while nobody consumes. */
export function published(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions: (scale) => conditionsOf(PUBLISHED_COUNT, scale),
    prepare: (lab) =>
      turnsOf(lab, about, async ({ contender, place }) => {
        const load = loadOf(PUBLISHED_COUNT, lab.scale);
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

/** Texts a second that are handled while they are sent at full speed. */
export function handled(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions: (scale) => conditionsOf(HANDLED_COUNT, scale),
    prepare: (lab) =>
      turnsOf(lab, about, async (run) => {
        const load = loadOf(HANDLED_COUNT, lab.scale);
        const { allMs } = await sendAndReceive(lab, run, load);
        return [{ metric: "handled", unit: "events/s", value: perSecond(load.count, allMs) }];
      }),
  };
}
