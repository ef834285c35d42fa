import { appendFileSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "@adaos/config";
import { escapeUnseen } from "@adaos/core/wire";

/** The log takes at most twice this: the file and the one before it. */
const MAX_BYTES = 10 * 1024 * 1024;

/**
 * `logs/system_resilience.log`: a JSON line for each fault of a mesh's processes and files, and for its repair. The
 * folder also has the events that handlers have given up, if their retry policy wants that. A line that cannot be
 * written, on a full disk, ends no process. It is counted, and the next line that can be written gives the number of
 * missing ones.
 */
export class ResilienceLog {
  readonly #file: string;
  #dropped = 0;
  /** Lines that could not be written since this object was created. */
  droppedInAll = 0;
  #hasFolder = false;

  constructor(stateDir: string) {
    this.#file = join(stateDir, "logs", "system_resilience.log");
  }

  warn(event: string, fields: object): void {
    this.#write("warn", event, fields);
  }

  /** Logs a fault that a person has to look at. */
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
