import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import type { Command, Told, Work } from "./worker-protocol.ts";

const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));
/** Time limit of a run. */
const LIMIT_MS = 600_000;
const CLOSE_LIMIT_MS = 15_000;
/** Time limit of a worker's start on a busy machine. */
const START_LIMIT_MS = 60_000;
/** A run without progress for so long has lost something. */
const STALL_MS = Number(process.env["ADAOS_BENCH_STALL_MS"] ?? 20_000);
const LOOK_MS = 250;

type Of<K extends Told["kind"]> = Extract<Told, { readonly kind: K }>;

/** The parent's view of a run's process. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #told: Told[] = [];
  readonly #signal: AbortSignal;
  readonly #role: string;
  #done = "";
  #furtherMs: number = performance.now();
  #wake = (): void => undefined;

  /** Starts it. `signal` ends every wait. */
  constructor(work: Work, signal: AbortSignal) {
    this.#role = work.role;
    this.#signal = signal;
    // A separate process group: Ctrl-C is for the parent, which ends its workers itself.
    this.#child = fork(WORKER, [JSON.stringify(work)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      detached: true,
    });
    this.#child.on("message", (told: Told) => this.#hear(told));
    this.#child.once("exit", () => this.#wake());
  }

  tell(command: Command): void {
    this.#child.send(command);
  }

  /** What it tells of this kind. Rejects with `timeout` when it comes no further, and with `failed` or `internal`. */
  async next<K extends Told["kind"]>(kind: K): Promise<Of<K>> {
    const deadlineMs = performance.now() + LIMIT_MS;
    this.#furtherMs = performance.now();
    for (;;) {
      this.#signal.throwIfAborted();
      const failed = this.#told.find((told) => told.kind === "failed");
      if (failed !== undefined) throw new MeshError("failed", `${this.#role}: ${failed.message}`);
      const found = this.#told.find((told): told is Of<K> => told.kind === kind);
      if (found !== undefined) return found;
      if (this.#hasEnded) throw new MeshError("failed", `${this.#role}: its process has ended early`);
      const atMs = performance.now();
      const patienceMs = this.#done === "" ? START_LIMIT_MS : STALL_MS;
      if (atMs >= deadlineMs || atMs - this.#furtherMs >= patienceMs) {
        throw new MeshError("timeout", `${this.#role} waits in vain to be ${kind}${this.#done}`);
      }
      await this.#untilTold();
    }
  }

  /** Ends it gracefully, or kills it after a while. */
  async close(): Promise<void> {
    if (!this.#hasEnded && this.#child.connected) this.tell("close");
    const deadlineMs = performance.now() + CLOSE_LIMIT_MS;
    while (!this.#hasEnded && performance.now() < deadlineMs && !this.#signal.aborted)
      await this.#untilTold();
    this.kill();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #hear(told: Told): void {
    if (told.kind === "progress") {
      const done = `: ${told.done} of ${told.of}`;
      if (done !== this.#done) this.#furtherMs = performance.now();
      this.#done = done;
    } else {
      this.#told.push(told);
      this.#furtherMs = performance.now();
    }
    this.#wake();
  }

  async #untilTold(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
