import type { CommandTree } from "../tree.ts";

/** The commands of `adaos region`. */
export const REGION_COMMANDS: CommandTree = {
  key: {
    summary: "print the public key by which this root pulls from another region, for that region's mesh file",
    load: async () => (await import("./key.ts")).regionKeyCommand,
  },
  list: {
    summary: "the regions with which this root exchanges events: whether they answer, and what waits",
    load: async () => (await import("./list.ts")).regionListCommand,
  },
};
