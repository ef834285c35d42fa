import { quantileOf } from "../report/statistics.ts";
import type { Measured, Scenario } from "../scenario.ts";
import { scaled } from "../scenario.ts";
import { sendAndReceive, turnsOf } from "./send-and-receive.ts";
import { type About, TEXT_BYTES, WINDOW } from "./ways.ts";

const RATE = 1000;
const COUNT = 5000;
const WARM_UP = 1000;

/** Delay of handled texts at a steady rate, far below the possible one. */
export function latency(about: About): Scenario {
  const { id, title, reference } = about;
  return {
    id,
    title,
    reference,
    conditions: (scale) => `${scaled(COUNT, scale)} events at ${RATE}/s, ${TEXT_BYTES} bytes of text`,
    prepare: (lab) =>
      turnsOf(lab, about, async (run) => {
        const count = scaled(COUNT, lab.scale);
        const warmUp = scaled(WARM_UP, lab.scale);
        const load = { count, warmUp, bytes: TEXT_BYTES, window: WINDOW, perSecond: RATE };
        const { latenciesMs } = await sendAndReceive(lab, run, load);
        return percentilesOf(latenciesMs, [0.5, 0.95, 0.99]);
      }),
  };
}

/** Pure. */
export function percentilesOf(
  valuesMs: readonly number[],
  shares: readonly number[],
  prefix = "",
): Measured[] {
  return shares.map((share) => {
    return { metric: `${prefix}p${share * 100}`, unit: "ms", value: quantileOf(valuesMs, share) };
  });
}
