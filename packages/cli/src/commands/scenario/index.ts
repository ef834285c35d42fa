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
  list: {
    summary: "scenarios that members run: state, runs under way, next time, last outcome",
    load: async () => (await import("./list.ts")).scenarioListCommand,
  },
  run: {
    summary: "start a run of a scenario, as scenario.run@1 would; prints the id of its event",
    load: async () => (await import("./run.ts")).scenarioRunCommand,
  },
  runs: {
    summary: "runs of scenarios, newest first: trigger, duration, outcome; or what did not run",
    load: async () => (await import("./runs/runs.ts")).scenarioRunsCommand,
  },
  show: {
    summary: "one run: trigger, conditions with their values, each step, outcome",
    load: async () => (await import("./runs/show.ts")).scenarioShowCommand,
  },
  why: {
    summary: "what came of a scenario's newest triggers, why others started nothing, and what it waits for",
    load: async () => (await import("./runs/why.ts")).scenarioWhyCommand,
  },
  pause: {
    summary: "let triggers of scenarios start nothing until they are resumed; runs under way go on",
    load: async () => (await import("./change.ts")).scenarioPauseCommand,
  },
  resume: {
    summary: "let triggers of paused scenarios start runs again; what came meanwhile is skipped",
    load: async () => (await import("./change.ts")).scenarioResumeCommand,
  },
  cancel: {
    summary: "end runs that are under way or wait for their turn; what they have published stays published",
    load: async () => (await import("./runs/cancel.ts")).scenarioCancelCommand,
  },
  retry: {
    summary: "run again what has ended, with the same trigger and the scenario as it is now",
    load: async () => (await import("./runs/retry.ts")).scenarioRetryCommand,
  },
  compare: {
    summary: "runs of a scenario beside those of its shadow: same, or the first step that differs",
    load: async () => (await import("./runs/compare.ts")).scenarioCompareCommand,
  },
};
