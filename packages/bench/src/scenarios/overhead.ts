import { loadContender } from "../contenders.ts";
import { placeOf } from "../lab.ts";
import { quantileOf } from "../report/statistics.ts";
import { type Measured, type Scenario, scaled } from "../scenario.ts";
import type { PublishCost } from "../workers/worker-protocol.ts";
import { TEXT_BYTES, WITHIN } from "./ways.ts";

const COUNT = 3000;
const WARM_UP = 3000;
const WINDOW = 256;

const CONTENDERS = ["adaos", "raw"] as const;
const DIFFERENCE = "adaos - raw";

/** Cost of a publish for its caller, beside a publish of the bare client, in one process in turns. */
export const overhead: Scenario = {
  id: "S9",
  title: "overhead of a publish over a bare one",
  reference: "raw",
  conditions: (scale) =>
    `${scaled(COUNT, scale)} of each, one at a time, by turns in one process; CPU of that process with ${WINDOW} in flight`,
  prepare: async (lab) => {
    const mesh = await lab.mesh();
    return [
      {
        contender: DIFFERENCE,
        measure: async (run) => {
          const place = placeOf(mesh, WITHIN, run);
          const count = scaled(COUNT, lab.scale);
          const warmUp = scaled(WARM_UP, lab.scale);
          const work = { role: "compare", place, count, warmUp, bytes: TEXT_BYTES, window: WINDOW } as const;
          try {
            return await lab.withWorker(work, async (comparing) => {
              await comparing.next("ready");
              comparing.tell("go");
              const { ours, raw } = await comparing.next("compared");
              return rowsFor(ours, raw);
            });
          } finally {
            for (const name of CONTENDERS) await (await loadContender(name)).tidy?.(place);
          }
        },
      },
    ];
  },
};

/** Pure. */
function rowsFor(ours: PublishCost, raw: PublishCost): Measured[] {
  const row = (metric: string, unit: Measured["unit"], of: number, than: number): Measured[] => [
    { metric, unit, contender: "adaos", value: of },
    { metric, unit, contender: "raw", value: than },
    { metric: `difference of ${metric}`, unit, contender: DIFFERENCE, value: of - than },
  ];
  return [
    ...[0.5, 0.95].flatMap((share) =>
      row(`p${share * 100}`, "ms", quantileOf(ours.eachMs, share), quantileOf(raw.eachMs, share)),
    ),
    ...row("CPU of a publish", "µs", ours.cpuMsPerPublish * 1000, raw.cpuMsPerPublish * 1000),
  ];
}
