import type { ContenderEntry } from "./contender.ts";
import { PEERS } from "./peers/peers.ts";

/** Everything that can be measured, in the order in which it takes its turns. */
export const CONTENDERS: Readonly<Record<string, ContenderEntry>> = {
  adaos: {
    scenarios: ["S1", "S2a", "S2b", "S2c", "S3", "S4", "S5a", "S5b"],
    load: async () => (await import("./contenders/ours.ts")).adaos,
  },
  "adaos-bare": {
    scenarios: ["S1", "S2a", "S2b", "S2c", "S5a", "S5b"],
    load: async () => (await import("./contenders/ours.ts")).adaosBare,
  },
  raw: {
    scenarios: ["S1", "S2a", "S2b", "S2c", "S3", "S4"],
    load: async () => (await import("./contenders/raw.ts")).raw,
  },
  ...PEERS,
};
