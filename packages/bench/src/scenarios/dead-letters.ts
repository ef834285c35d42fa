import { deadLetterStream, delay } from "@adaos/core/wire";
import { loadContender } from "../contenders.ts";
import { dialServer } from "../dial-server.ts";
import { type Lab, placeOf } from "../lab.ts";
import { nowMs } from "../report/text.ts";
import { perSecond, type Scenario, scaled } from "../scenario.ts";
import { TEXT_BYTES, WINDOW, WITHIN } from "./ways.ts";

const COUNT = 10_000;
const LIMIT_MS = 180_000;
const LOOK_MS = 250;

const CONTENDER = "adaos";

/** How fast the command line replays dead letters to their handler, from its start to its end. */
export const deadLetters: Scenario = {
  id: "S6",
  title: "dead letters replayed",
  reference: CONTENDER,
  conditions: (scale) =>
    `${scaled(COUNT, scale)} dead letters of one handler, adaos events dlq replay from its start`,
  prepare: async (lab) => {
    const mesh = await lab.mesh();
    const count = scaled(COUNT, lab.scale);
    return [
      {
        contender: CONTENDER,
        measure: async (run) => {
          const place = { ...placeOf(mesh, WITHIN, run), receiver: "broken" };
          try {
            return await lab.withWorker({ role: "fail", place, count }, async (failing) => {
              await failing.next("ready");
              const load = { count, warmUp: 0, bytes: TEXT_BYTES, window: WINDOW };
              const sending = { role: "send", contender: CONTENDER, place, ...load } as const;
              await lab.withWorker(sending, async (sender) => {
                await sender.next("warm");
                sender.tell("go");
                await sender.next("sent");
              });
              await untilDead(lab, place, count);
              failing.tell("go");
              await failing.next("warm");
              const startMs = nowMs();
              await mesh.adaos(["events", "dlq", "replay", "--durable", place.receiver, "--yes", "--json"]);
              const replayedMs = nowMs();
              const { lastMs } = await failing.next("received");
              return [
                { metric: "replayed", unit: "letters/s", value: perSecond(count, replayedMs - startMs) },
                { metric: "handled again", unit: "letters/s", value: perSecond(count, lastMs - startMs) },
              ];
            });
          } finally {
            await (await loadContender(CONTENDER)).tidy?.(place);
          }
        },
      },
    ];
  },
};

/** Rejects when there are too few dead letters in time, or when the lab is stopped. */
async function untilDead(
  lab: Lab,
  place: Parameters<typeof dialServer>[0] & { to: string },
  count: number,
): Promise<void> {
  const nc = await dialServer(place, place.to);
  try {
    const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: 30_000 });
    const deadlineMs = Date.now() + LIMIT_MS;
    for (;;) {
      lab.signal.throwIfAborted();
      const { messages } = (await jsm.streams.info(deadLetterStream(place.to))).state;
      if (messages >= count) return;
      if (Date.now() >= deadlineMs) throw new Error(`${messages} dead letters instead of ${count}`);
      await delay(LOOK_MS);
    }
  } finally {
    await nc.close();
  }
}
