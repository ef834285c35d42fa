import { readFileSync, rmSync } from "node:fs";
import { startTimeOf, writeWhole } from "@adaos/config";
import { type Logger, MeshError } from "@adaos/core";
import { every, messageOf } from "@adaos/core/wire";

/** The content of a run file. */
export interface RunFile {
  readonly node: string;
  readonly pid: number;
  /** Distinguishes the process from a later one of the same id; digits. */
  readonly processStart?: string;
  readonly statusUrl: string;
  readonly startedAt: string;
}

const LOOK_MS = 2500;

/** Keeps the run file of this process, by which others find it, while the process runs. */
export class RunFileKeeper {
  readonly #file: string;
  readonly #log: Pick<Logger, "warn">;
  #stopLooking: () => void = () => undefined;

  constructor(file: string, log: Pick<Logger, "warn">) {
    this.#file = file;
    this.#log = log;
  }

  /**
   * Writes the file, and again when it is missing or damaged, because others would take the process for ended. Throws
   * `unavailable` while another process runs the same node, and `invalid-config` when the file cannot be written.
   */
  keep(content: RunFile): void {
    this.#stopLooking();
    const other = this.#holder();
    if (other !== undefined && isOther(other)) {
      const what = `${content.node} runs already as process ${other.pid}`;
      throw new MeshError("unavailable", `${what}; two of it would do its work twice: stop that one first`);
    }
    const processStart = startTimeOf(process.pid);
    const text = `${JSON.stringify({ ...content, ...(processStart === undefined ? {} : { processStart }) })}\n`;
    try {
      writeWhole(this.#file, text);
    } catch (cause) {
      throw new MeshError("invalid-config", `${this.#file} cannot be written: ${messageOf(cause)}`, {
        cause,
      });
    }
    this.#stopLooking = every(LOOK_MS, () => this.#look(text));
  }

  /** Never throws. Leaves a file that another process has written. */
  remove(): void {
    this.#stopLooking();
    try {
      const holder = this.#holder();
      if (holder === undefined || !isOther(holder)) rmSync(this.#file, { force: true });
    } catch (err) {
      // A thrown error would hide why the node ends.
      this.#log.warn({ file: this.#file, err }, "run file not removed");
    }
  }

  #look(text: string): void {
    const holder = this.#holder();
    if (holder?.pid === process.pid || (holder !== undefined && isOther(holder))) return;
    try {
      writeWhole(this.#file, text);
    } catch (err) {
      // The disk may be full: the next look tries again.
      this.#log.warn({ file: this.#file, err }, "run file not written");
    }
  }

  /** Undefined when the file is missing or damaged. */
  #holder(): RunFile | undefined {
    try {
      return (JSON.parse(readFileSync(this.#file, "utf8")) as RunFile | null) ?? undefined;
    } catch {
      return undefined;
    }
  }
}

/** Whether another process has written the file, and still runs. */
function isOther({ pid, processStart }: RunFile): boolean {
  return pid !== process.pid && processStart !== undefined && startTimeOf(pid) === processStart;
}
