import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { openOwnLog } from "@adaos/config";
import { type ProcessRecord, recordOf } from "./process-table.ts";

/**
 * A line means that nobody needs the supervisor any more. The end of the pipe without a line means that it has died:
 * the shell becomes the next supervisor.
 */
const WAIT_FOR_THE_END = 'read -r _ || exec "$0" "$@" </dev/null';

const AGAIN_MS = 500;
const STOP_LIMIT_MS = 2000;

/**
 * Keeps a process that waits for the death of this one and restarts it. It is a shell that reads a pipe: it takes less
 * than 1 MB and never wakes up. A second Node would take 40.
 */
export class Guard {
  readonly #resume: readonly string[];
  readonly #logFile: string;
  readonly #onRecord: () => void;
  #child: ChildProcess | undefined;
  #again: NodeJS.Timeout | undefined;
  #isStopped = false;
  record: ProcessRecord | undefined;

  /**
   * @param resume Command line of the next supervisor.
   * @param onRecord Called when the guard process changes. Must not throw.
   */
  constructor(resume: readonly string[], logFile: string, onRecord: () => void) {
    this.#resume = resume;
    this.#logFile = logFile;
    this.#onRecord = onRecord;
  }

  /** Tries again later when it cannot start now, because the disk is full or descriptors are missing. */
  start(): void {
    try {
      this.#start();
    } catch {
      this.#startLater();
    }
  }

  #start(): void {
    const log = openOwnLog(this.#logFile, "a");
    let child: ChildProcess;
    try {
      child = spawn("/bin/sh", ["-c", WAIT_FOR_THE_END, ...this.#resume], {
        stdio: ["pipe", log, log],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    this.#child = child;
    this.record = child.pid === undefined ? undefined : recordOf("guard", child.pid);
    child.stdin?.on("error", () => undefined);
    child.once("error", () => this.#ended());
    child.once("exit", () => this.#ended());
  }

  /** Resolves when the guard has ended: from then on nobody restarts the supervisor. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const limit = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    child.stdin?.end("end\n");
    await ended;
    clearTimeout(limit);
  }

  #ended(): void {
    if (this.#child === undefined) return;
    this.#child = undefined;
    this.record = undefined;
    if (!this.#isStopped) this.#startLater();
  }

  #startLater(): void {
    this.#again = setTimeout(() => {
      this.start();
      if (this.record !== undefined) this.#onRecord();
    }, AGAIN_MS);
  }
}
