import { startTimeOf } from "@adaos/config";
import { endGroup } from "../process/skill-process.ts";
import type { MemberSkillFiles } from "./member-files.ts";

/** Keeps on disk which processes of skills run, for the daemon that follows one that was killed. */
export class SkillProcesses {
  readonly #files: MemberSkillFiles;
  #known: Record<string, string> = {};

  constructor(files: MemberSkillFiles) {
    this.#files = files;
  }

  /** Ends the processes that a killed daemon has left: they would never hear of an event again. Returns their ids. */
  endLeftovers(): number[] {
    const ended = Object.entries(this.#files.processes())
      .filter(([pid, startTime]) => startTimeOf(Number(pid)) === startTime)
      .map(([pid]) => Number(pid));
    for (const pid of ended) endGroup(pid);
    this.#files.storeProcesses({});
    return ended;
  }

  started(pid: number): void {
    const startTime = startTimeOf(pid);
    if (startTime === undefined) return;
    const running = Object.entries(this.#known).filter(
      ([other, time]) => startTimeOf(Number(other)) === time,
    );
    this.#known = { ...Object.fromEntries(running), [pid]: startTime };
    this.#files.storeProcesses(this.#known);
  }
}
