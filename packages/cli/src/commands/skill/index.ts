import type { CommandTree } from "../tree.ts";

/** The commands of `adaos skill`. */
export const SKILL_COMMANDS: CommandTree = {
  new: {
    summary: "begin a skill: its folder with skill.yaml and a module that handles an event",
    load: async () => (await import("./new.ts")).skillNewCommand,
  },
  check: {
    summary: "check skills before they run: form, module, events, policy; exits with 78 on an error",
    load: async () => (await import("./check.ts")).skillCheckCommand,
  },
  test: {
    summary:
      "give the registry's examples to skills, and print what they publish; exit code 1 when one fails",
    load: async () => (await import("./test.ts")).skillTestCommand,
  },
  run: {
    summary: "run skills as a member, load them anew when they are saved, and print their logs, until Ctrl-C",
    load: async () => (await import("./run.ts")).skillRunCommand,
  },
  list: {
    summary: "the skills of the members on this machine: state, memory, restarts, and why one does not run",
    load: async () => (await import("./list.ts")).skillListCommand,
  },
  logs: {
    summary: "the log of a skill: what it printed and logged, and what became of its process",
    load: async () => (await import("./logs.ts")).skillLogsCommand,
  },
  enable: {
    summary: "let a member's daemon run a skill again",
    load: async () => (await import("./change.ts")).skillEnableCommand,
  },
  disable: {
    summary: "stop a skill of a member's daemon, and keep it stopped; its events wait",
    load: async () => (await import("./change.ts")).skillDisableCommand,
  },
};
