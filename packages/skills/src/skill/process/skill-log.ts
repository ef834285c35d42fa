import { closeSync, fstatSync, renameSync, writeSync } from "node:fs";
import { openOwnLog } from "@adaos/config";
import { escapeUnseen } from "@adaos/core/wire";
import type { LogLevel } from "../protocol/messages.ts";
import { OutputLimit } from "./output-limit.ts";

/** Where a line of the log comes from. */
export type LogSource = "skill" | "stdout" | "stderr" | "daemon";

/** A line of a skill's log, in its file and as commands print it. */
export interface SkillLogLine {
  readonly ts: string;
  readonly level: LogLevel;
  readonly from: LogSource;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A log takes at most twice this: the file and the one before it. */
const MAX_LOG_BYTES = 5 * 1024 * 1024;
const MAX_MESSAGE = 8192;

/** The log file of one skill: JSON lines, bounded in rate and size, for its owner alone. */
export class SkillLog {
  readonly #file: string;
  readonly #onTrouble: (err: unknown) => void;
  readonly #limit = new OutputLimit();
  #handle: number | undefined;
  #bytes = 0;
  #isTroubled = false;

  /** @param onTrouble Told once when the file cannot be written, and again after it could. */
  constructor(file: string, onTrouble: (err: unknown) => void) {
    this.#file = file;
    this.#onTrouble = onTrouble;
  }

  /** Lines that were too many. */
  get dropped(): number {
    return this.#limit.dropped;
  }

  write(level: LogLevel, from: LogSource, message: string, fields?: Readonly<Record<string, unknown>>): void {
    // What the daemon says of a skill is little, and is needed.
    if (from !== "daemon") {
      const { isTaken, droppedBefore } = this.#limit.take(performance.now());
      if (!isTaken) return;
      this.#tellDropped(droppedBefore);
    }
    this.#append(level, from, message, fields);
  }

  close(): void {
    this.#tellDropped(this.#limit.takeDropped());
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  #tellDropped(count: number): void {
    if (count > 0)
      this.#append("warn", "daemon", `${count} lines were dropped here: the limit is 200 a second`);
  }

  #append(level: LogLevel, from: LogSource, message: string, fields?: SkillLogLine["fields"]): void {
    const text = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
    const line: SkillLogLine = {
      ts: new Date().toISOString(),
      level,
      from,
      message: text,
      ...(fields === undefined ? {} : { fields }),
    };
    const bytes = Buffer.from(`${escapeUnseen(JSON.stringify(line))}\n`);
    try {
      writeSync(this.#open(bytes.length), bytes);
      this.#bytes += bytes.length;
      this.#isTroubled = false;
    } catch (err) {
      // A full disk must end neither the skill nor its daemon.
      if (!this.#isTroubled) this.#onTrouble(err);
      this.#isTroubled = true;
    }
  }

  #open(more: number): number {
    if (this.#handle !== undefined && this.#bytes + more > MAX_LOG_BYTES) {
      closeSync(this.#handle);
      this.#handle = undefined;
      renameSync(this.#file, `${this.#file}.1`);
    }
    if (this.#handle === undefined) {
      this.#handle = openOwnLog(this.#file, "a");
      this.#bytes = fstatSync(this.#handle).size;
    }
    return this.#handle;
  }
}
