import type { CommandTree } from "../tree.ts";

/** The commands of `adaos store`. */
export const STORE_COMMANDS: CommandTree = {
  verify: {
    summary: "whether each stream still has its messages; exits with 65 when one has lost any",
    load: async () => (await import("./verify.ts")).storeVerifyCommand,
  },
  heal: {
    summary: "recreate durables that a damaged stream has lost, or that would skip its events",
    load: async () => (await import("./heal.ts")).storeHealCommand,
  },
  "new-key": {
    summary: "make a key file with which servers encrypt their streams",
    load: async () => (await import("./new-key.ts")).storeNewKeyCommand,
  },
  rekey: {
    summary: "encrypt the streams of a stopped mesh with another key, or no more",
    load: async () => (await import("./rekey.ts")).storeRekeyCommand,
  },
};
