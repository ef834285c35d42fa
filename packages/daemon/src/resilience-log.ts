import { appendFileSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "@adaos/config";
import { escapeUnseen } from "@adaos/core/wire";

/** It holds at most twice this: the file and the one before it. */
const MAX_BYTES = 10 * 1024 * 1024;

/**
 * `logs/system_resilience.log`: a JSON line for all that went wrong with a mesh's processes and files, and what was
 * done about it. Beside it stands what handlers have given up, where their retry policy wants that. A line that cannot
 * be written, since the disk is full, ends nobody: it is counted, and the next one that can be written tells how many
 * are missing.
 */
export class ResilienceLog {
  readonly #file: string;
  #dropped = 0;
  /** Lines that could not be written since this was made. */
  droppedInAll = 0;
  #hasFolder = false;

  constructor(stateDir: string) {
    this.#file = join(stateDir, "logs", "system_resilience.log");
  }

  warn(event: string, fields: object): void {
    this.#write("warn", event, fields);
  }

  /** What a person has to look at. */
  alert(event: string, fields: object): void {
    this.#write("error", event, { ...fields, alert: true });
  }

  #write(level: string, event: string, fields: object): void {
    const missing = this.#dropped === 0 ? {} : { dropped_lines: this.#dropped };
    const line = escapeUnseen(
      JSON.stringify({ ts: new Date().toISOString(), level, event, ...fields, ...missing }),
    );
    try {
      if (!this.#hasFolder) makeFolder(dirname(this.#file), 0o700);
      this.#hasFolder = true;
      if ((statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) >= MAX_BYTES)
        renameSync(this.#file, `${this.#file}.1`);
      appendFileSync(this.#file, `${line}\n`, { mode: 0o600 });
      this.#dropped = 0;
    } catch {
      this.#dropped++;
      this.droppedInAll++;
    }
  }
}
