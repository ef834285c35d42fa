import type { CommandTree } from "../tree.ts";

/** The commands of `adaos policy`. */
export const POLICY_COMMANDS: CommandTree = {
  check: {
    summary: "read a mesh file's policy, and warn of rules that decide nothing or mean no event",
    load: async () => (await import("./check.ts")).policyCheckCommand,
  },
  explain: {
    summary: "may this pass? every question it is asked on its way, with the rule that answers; 77 when not",
    load: async () => (await import("./explain.ts")).policyExplainCommand,
  },
  test: {
    summary:
      "run the cases beside a policy, and list rules that no case needs; exit code 1 when a case fails",
    load: async () => (await import("./test.ts")).policyTestCommand,
  },
  diff: {
    summary: "changes that a mesh file would make to the running mesh's policy, by events of the registry",
    load: async () => (await import("./diff.ts")).policyDiffCommand,
  },
  compile: {
    summary: "compare the server configs and node files of a mesh file with those in the state folder",
    load: async () => (await import("./compile.ts")).policyCompileCommand,
  },
  apply: {
    summary: "bring a mesh file's policy to the mesh that runs, without stopping anything",
    load: async () => (await import("./apply.ts")).policyApplyCommand,
  },
};
