import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MeshError } from "@adaos/core";
import type { Contender, ContenderEntry } from "./contender.ts";
import { PEERS } from "./peers/peers.ts";

/** All contenders, in the order of their turns. */
export const CONTENDERS: Readonly<Record<string, ContenderEntry>> = {
  adaos: {
    scenarios: ["S1", "S2a", "S2b", "S2c", "S3", "S4", "S5a", "S5b", "S11a", "S11b"],
    load: async () => (await import("./contenders/ours.ts")).adaos,
  },
  "adaos-bare": {
    scenarios: ["S1", "S2a", "S2b", "S2c", "S5a", "S5b", "S11a", "S11b"],
    load: async () => (await import("./contenders/ours.ts")).adaosBare,
  },
  "adaos-uncounted": {
    scenarios: ["S11a"],
    load: async () => (await import("./contenders/ours.ts")).adaosUncounted,
  },
  "adaos-now": {
    scenarios: ["S4"],
    load: async () => (await import("./contenders/ours.ts")).adaosNow,
  },
  raw: {
    scenarios: ["S1", "S2a", "S2b", "S2c", "S3", "S4", "S11a"],
    load: async () => (await import("./contenders/raw.ts")).raw,
  },
  ...PEERS,
};

/** The contender of this name, or the one that a module of this path exports as `contender`. Rejects with `usage`. */
export async function loadContender(name: string): Promise<Contender> {
  return entryOf(name).load();
}

/** As {@link loadContender}. A module's contender takes part in all scenarios that send and receive texts. */
export function entryOf(name: string): ContenderEntry {
  const known = CONTENDERS[name];
  if (known !== undefined) return known;
  const file = resolve(name);
  if (!existsSync(file)) {
    throw new MeshError("usage", `no contender ${name}; there are ${Object.keys(CONTENDERS).join(", ")}`);
  }
  const load = async (): Promise<Contender> => {
    const module = (await import(pathToFileURL(file).href)) as { readonly contender: Contender };
    return module.contender;
  };
  return { scenarios: ["S1", "S2a", "S2b", "S2c", "S3", "S11a"], load };
}
