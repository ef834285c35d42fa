import { perSecond, type Scenario, scaled } from "../scenario.ts";
import type { ReceiveWork } from "../workers/worker-protocol.ts";
import { sayRepeated, turnsOf } from "./send-and-receive.ts";
import { type About, TEXT_BYTES, WINDOW } from "./ways.ts";

const COUNT = 40_000;
/** The first events of the backlog, not counted: a process is slow at first. */
const WARM_UP = 10_000;

/** How fast a receiver handles events that were stored while it was away. */
export function backlog(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions: (scale) =>
      `${scaled(COUNT, scale)} events stored before, first to last handled, ${TEXT_BYTES} bytes of text`,
    prepare: (lab) =>
      turnsOf(lab, about, async ({ contender, place }) => {
        const count = scaled(COUNT, lab.scale);
        const warmUp = scaled(WARM_UP, lab.scale);
        const receivers = [place.receiver];
        const work: ReceiveWork = { role: "receive", contender, place, receivers, count, warmUp };
        // Creates the durable for which the backlog is stored.
        await lab.withWorker(work, (receiving) => receiving.next("ready"));
        const load = { count, warmUp, bytes: TEXT_BYTES, window: WINDOW };
        await lab.withWorker({ role: "send", contender, place, ...load }, async (sending) => {
          await sending.next("warm");
          sending.tell("go");
          await sending.next("sent");
        });
        return lab.withWorker(work, async (receiving) => {
          const received = await receiving.next("received");
          sayRepeated(lab, contender, received);
          const { firstMs, lastMs } = received;
          return [{ metric: "handled", unit: "events/s", value: perSecond(count, lastMs - firstMs) }];
        });
      }),
  };
}
