import type { CommandTree } from "../tree.ts";

/** The commands of `adaos timer`. */
export const TIMER_COMMANDS: CommandTree = {
  add: {
    summary: "let a hub publish an event at certain times, also while nothing else runs",
    load: async () => (await import("./add.ts")).timerAddCommand,
  },
  list: {
    summary: "the timers of a mesh: what they publish, when next, how often they have",
    load: async () => (await import("./list.ts")).timerListCommand,
  },
  show: {
    summary: "one timer: times, counts of fired, late and skipped, the last event",
    load: async () => (await import("./list.ts")).timerShowCommand,
  },
  next: {
    summary: "the coming times of a timer, without its jitter, one a line",
    load: async () => (await import("./list.ts")).timerNextCommand,
  },
  pause: {
    summary: "let timers fire no more until they are resumed",
    load: async () => (await import("./change.ts")).timerPauseCommand,
  },
  resume: {
    summary: "let paused timers fire again; what they would have fired meanwhile is skipped",
    load: async () => (await import("./change.ts")).timerResumeCommand,
  },
  trigger: {
    summary: "fire timers now, whatever their schedules say",
    load: async () => (await import("./change.ts")).timerTriggerCommand,
  },
  backfill: {
    summary: "fire a timer for times that are past, at most 1000 of them",
    load: async () => (await import("./change.ts")).timerBackfillCommand,
  },
  remove: {
    summary: "remove timers; those of the mesh file are removed there",
    load: async () => (await import("./change.ts")).timerRemoveCommand,
  },
};
