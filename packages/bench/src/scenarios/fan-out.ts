import { perSecond, type Scenario, scaled } from "../scenario.ts";
import { sendAndReceive, turnsOf } from "./send-and-receive.ts";
import { type About, FAN_OUT, TEXT_BYTES, WINDOW } from "./ways.ts";

const COUNT = 4000;
const WARM_UP = 1000;
const RECEIVERS: readonly string[] = Array.from({ length: 10 }, (_, i) => `handler-${i}`);

/** Deliveries that ten durables get of one publisher's events. */
export function fanOut(about: Omit<About, "way">): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions: (scale) =>
      `${scaled(COUNT, scale)} events, ${WINDOW} in flight; ten durables, a connection each, in one process`,
    prepare: (lab) =>
      turnsOf(
        lab,
        { id, way: FAN_OUT },
        async (run) => {
          const count = scaled(COUNT, lab.scale);
          const load = {
            count,
            warmUp: scaled(WARM_UP, lab.scale),
            bytes: TEXT_BYTES,
            window: WINDOW,
          };
          const { allMs } = await sendAndReceive(lab, run, load, RECEIVERS);
          const value = perSecond(count * RECEIVERS.length, allMs);
          return [{ metric: "delivered", unit: "deliveries/s", value }];
        },
        RECEIVERS,
      ),
  };
}
