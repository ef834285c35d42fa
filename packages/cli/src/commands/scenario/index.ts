import type { CommandTree } from "../tree.ts";

/** The commands of `adaos scenario`. */
export const SCENARIO_COMMANDS: CommandTree = {
  new: {
    summary: "begin a scenario: its folder with scenario.yaml and a case that holds",
    load: async () => (await import("./new.ts")).scenarioNewCommand,
  },
  check: {
    summary:
      "check scenarios before they run: form, expressions, events, fields, policy, cycles; exits with 78 on an error",
    load: async () => (await import("./check.ts")).scenarioCheckCommand,
  },
  test: {
    summary: "run the cases beside scenarios on a virtual clock; exit code 1 when a case fails",
    load: async () => (await import("./test.ts")).scenarioTestCommand,
  },
};
