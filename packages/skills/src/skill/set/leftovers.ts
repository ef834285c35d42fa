import { startTimeOf } from "@adaos/config";
import { endGroup } from "../process/skill-process.ts";
import type { MemberSkillFiles } from "./member-files.ts";

/** Keeps on disk which processes of skills run, for the daemon that follows one that was killed. */
export class SkillProcesses {
  readonly #files: MemberSkillFiles;
  readonly #onTrouble: (err: unknown) => void;
  #known: Record<string, string> = {};

  /** @param onTrouble Told when the file cannot be read or written: a full disk must not keep skills from running. */
  constructor(files: MemberSkillFiles, onTrouble: (err: unknown) => void) {
    this.#files = files;
    this.#onTrouble = onTrouble;
  }

  /** Ends the processes that a killed daemon has left: they would never hear of an event again. Returns their ids. */
  endLeftovers(): number[] {
    const ended = Object.entries(this.#read())
      .filter(([pid, startTime]) => startTimeOf(Number(pid)) === startTime)
      .map(([pid]) => Number(pid));
    for (const pid of ended) endGroup(pid);
    this.#store({});
    return ended;
  }

  #read(): Readonly<Record<string, string>> {
    try {
      return this.#files.processes();
    } catch (err) {
      this.#onTrouble(err);
      return {};
    }
  }

  #store(processes: Readonly<Record<string, string>>): void {
    try {
      this.#files.storeProcesses(processes);
    } catch (err) {
      this.#onTrouble(err);
    }
  }

  started(pid: number): void {
    const startTime = startTimeOf(pid);
    if (startTime === undefined) return;
    const running = Object.entries(this.#known).filter(
      ([other, time]) => startTimeOf(Number(other)) === time,
    );
    this.#known = { ...Object.fromEntries(running), [pid]: startTime };
    this.#store(this.#known);
  }
}
